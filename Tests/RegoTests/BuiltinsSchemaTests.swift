import Testing

@testable import Rego

/// The problems of a document under a schema, each `FIELD: DESCRIPTION`.
private func problems(_ document: String, _ schema: String) throws -> [String] {
  let result = try callBuiltin("json.match_schema", [.string(document), .string(schema)])
  let parts = try #require(result?.array)
  let problems = try #require(parts[1].array)
  #expect(parts[0] == .boolean(problems.isEmpty))
  return problems.compactMap { $0["error"]?.string }
}

private func verify(_ schema: Value) throws -> Value? { try callBuiltin("json.verify_schema", [schema]) }

@Suite("JSON Schema")
struct BuiltinsSchemaTests {
  @Test(
    "each keyword accepts and refuses",
    arguments: [
      ("5", #"{"type":"integer"}"#, []), ("5.0", #"{"type":"integer"}"#, []),
      ("5.5", #"{"type":"integer"}"#, ["(root): Invalid type. Expected: integer, given: number"]),
      (
        "null", #"{"type":["string","array"]}"#,
        ["(root): Invalid type. Expected: [string,array], given: null"]
      ),
      (#"{"a":1}"#, #"{"required":["a","b"]}"#, ["(root): b is required"]),
      (
        #"{"a":{"b":"x"}}"#, #"{"properties":{"a":{"properties":{"b":{"type":"number"}}}}}"#,
        ["a.b: Invalid type. Expected: number, given: string"]
      ),
      (
        #"{"a":1,"b":2}"#, #"{"properties":{"a":{}},"additionalProperties":false}"#,
        ["(root): Additional property b is not allowed"]
      ),
      (
        #"{"a":1,"b":"x"}"#, #"{"additionalProperties":{"type":"number"}}"#,
        ["b: Invalid type. Expected: number, given: string"]
      ),
      (
        #"{"x1":1,"y":1}"#, #"{"patternProperties":{"^x":{"type":"string"}}}"#,
        ["x1: Invalid type. Expected: string, given: integer"]
      ),
      (
        #"{"abc":1}"#, #"{"propertyNames":{"maxLength":2}}"#,
        [
          "(root): Property name of \"abc\" does not match",
          "(root): String length must be less than or equal to 2",
        ]
      ),
      (#"{"a":1}"#, #"{"dependencies":{"a":["b"]}}"#, ["(root): Has a dependency on b"]),
      (#"{"a":1}"#, #"{"minProperties":2}"#, ["(root): Must have at least 2 properties"]),
      (#"{"a":1}"#, #"{"maxProperties":0}"#, ["(root): Must have at most 0 properties"]),
      (#"[1,"x"]"#, #"{"items":{"type":"number"}}"#, ["1: Invalid type. Expected: number, given: string"]),
      (
        #"[1,"x",true]"#, #"{"items":[{"type":"number"},{}],"additionalItems":false}"#,
        ["(root): No additional items allowed on array"]
      ),
      (
        #"[1,2]"#, #"{"items":[{}],"additionalItems":{"type":"string"}}"#,
        ["1: Invalid type. Expected: string, given: integer"]
      ),
      ("[1]", #"{"minItems":2}"#, ["(root): Array must have at least 2 items"]),
      ("[1]", #"{"maxItems":0}"#, ["(root): Array must have at most 0 items"]),
      ("[1,2,1.0]", #"{"uniqueItems":true}"#, ["(root): array items[0,2] must be unique"]),
      (
        "[1]", #"{"contains":{"type":"string"}}"#,
        ["(root): At least one of the items must match", "0: Invalid type. Expected: string, given: integer"]
      ), (#"[1,"x"]"#, #"{"contains":{"type":"string"}}"#, []),
      ("7", #"{"multipleOf":2}"#, ["(root): Must be a multiple of 2"]), ("0.3", #"{"multipleOf":0.1}"#, []),
      ("1e400", #"{"multipleOf":3}"#, ["(root): Must be a multiple of 3"]),
      ("1e999999999", #"{"multipleOf":0.5}"#, []),
      ("5", #"{"maximum":4}"#, ["(root): Must be less than or equal to 4"]),
      ("5", #"{"exclusiveMaximum":5}"#, ["(root): Must be less than 5"]),
      ("5", #"{"minimum":6}"#, ["(root): Must be greater than or equal to 6"]),
      ("5", #"{"minimum":5,"exclusiveMinimum":true}"#, ["(root): Must be greater than 5"]),
      (#""é""#, #"{"minLength":2}"#, ["(root): String length must be greater than or equal to 2"]),
      (#""abc""#, #"{"pattern":"^b"}"#, ["(root): Does not match pattern '^b'"]),
      ("2", #"{"enum":[1,"a"]}"#, [#"(root): (root) must be one of the following: 1, "a""#]),
      (#"{"a":1}"#, #"{"const":{"a":1.0}}"#, []),
      ("1", #"{"const":2}"#, ["(root): (root) does not match: 2"]),
      (
        "1", #"{"anyOf":[{"type":"string"},{"minimum":2}]}"#,
        ["(root): Must validate at least one schema (anyOf)", "(root): Must be greater than or equal to 2"]
      ),
      (
        "1", #"{"oneOf":[{"type":"integer"},{"minimum":0}]}"#,
        ["(root): Must validate one and only one schema (oneOf)"]
      ), ("1", #"{"oneOf":[{"type":"integer"},{"minimum":2}]}"#, []),
      (
        "1", #"{"allOf":[{"minimum":2},{"maximum":3}]}"#,
        ["(root): Must be greater than or equal to 2", "(root): Must validate all the schemas (allOf)"]
      ), ("1", #"{"not":{"type":"integer"}}"#, ["(root): Must not validate the schema (not)"]),
      (
        "1", #"{"if":{"type":"integer"},"then":{"minimum":2},"else":false}"#,
        [#"(root): Must validate "then" as "if" was valid"#, "(root): Must be greater than or equal to 2"]
      ),
      (#"{"a":1}"#, #"{"properties":{"a":false}}"#, ["a: False always fails validation"]),
      (
        #"{"next":{"next":{"next":1}}}"#, ##"{"properties":{"next":{"$ref":"#"}},"type":"object"}"##,
        ["next.next.next: Invalid type. Expected: object, given: integer"]
      ),
      (
        #"{"a":"x"}"#,
        ##"{"definitions":{"n":{"type":"number"}},"properties":{"a":{"$ref":"#/definitions/n"}}}"##,
        ["a: Invalid type. Expected: number, given: string"]
      ),
      (
        #"{"a":"x"}"#,
        ##"{"definitions":{"n":{"$id":"#num","type":"number"}},"properties":{"a":{"$ref":"#num"}}}"##,
        ["a: Invalid type. Expected: number, given: string"]
      ),
    ] as [(String, String, [String])])
  func keywords(_ document: String, _ schema: String, _ expected: [String]) throws {
    if document.first == "{" || document.first == "[" {
      #expect(try problems(document, schema) == expected)
    } else {
      // Numbers and strings must be inside, for a string is read as the document's text.
      let wrapped = try problems(#"{"v":\#(document)}"#, #"{"properties":{"v":\#(schema)}}"#)
      #expect(wrapped == expected.map { $0.replacing("(root)", with: "v") })
    }
  }

  @Test(
    "formats",
    arguments: [
      ("date", ["2024-02-29"], ["2023-02-29", "2024-2-1", "x"]),
      ("time", ["12:00:00Z", "23:59:59", "12:00:00.5+01:00"], ["25:00:00", "12:00", "12:00:00+1"]),
      (
        "date-time", ["2024-01-01T00:00:00Z", "2024-01-01", "10:00:00"],
        ["2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "2024-13-01T00:00:00Z"]
      ),
      ("hostname", ["a.example.com", "x"], ["-a.com", "a..b", "a_b"]),
      ("email", ["a@b.c", "\"x y\"@b.c", "Name <a@b.c>"], ["a", "a@", "@b", "a b@c.d"]),
      ("ipv4", ["10.0.0.1"], ["10.0.0", "10.0.0.256", "::1"]),
      ("ipv6", ["::1", "fe80::1"], ["10.0.0.1", "::g"]),
      ("uri", ["http://a/b?c#d", "urn:x:y"], ["/a/b", "a\\\\b:c"]),
      ("uri-reference", ["/a", "a", "#x"], ["a\\\\b"]),
      ("uri-template", ["http://a/{b}"], ["http://a/{b"]),
      ("uuid", ["00000000-0000-4000-8000-00000000000A"], ["0", "00000000-0000-4000-8000-00000000000g"]),
      ("regex", ["^a+$", ""], ["("]),
      ("json-pointer", ["", "/a/~0~1"], ["a", "/~2"]),
      ("relative-json-pointer", ["0", "1/a", "2#"], ["/a", "01"]), ("unknown", ["anything"], []),
    ] as [(String, [String], [String])])
  func formats(_ format: String, _ good: [String], _ bad: [String]) throws {
    let schema = #"{"items":{"format":"\#(format)"}}"#
    for text in good { #expect(try problems("[\(Value.string(text).json)]", schema).isEmpty, "\(text)") }
    for text in bad {
      #expect(
        try problems("[\(Value.string(text).json)]", schema) == ["0: Does not match format '\(format)'"],
        "\(text)")
    }
    #expect(try problems("[1, null]", schema).isEmpty)
  }

  @Test(
    "what is no schema, and why",
    arguments: [
      (
        #"{"type":"unknown"}"#,
        "has a primitive type that is NOT VALID -- given: /unknown/ Expected valid values are:[array boolean integer number null object string]"
      ),
      (#"{"type":["string","string"]}"#, "string type is duplicated"),
      (#"{"type":5}"#, "Invalid type. Expected: type, given: string/array of strings"),
      (#"{"properties":1}"#, "properties must be of type object"),
      (#"{"items":1}"#, "Invalid type. Expected: schema/array of schemas, given: items"),
      (#"{"minLength":-1}"#, "minLength must be greater than or equal to 0"),
      (#"{"minLength":"x"}"#, "minLength must be of an integer"),
      (#"{"minLength":2,"maxLength":1}"#, "minLength cannot be greater than maxLength"),
      (#"{"pattern":"("}"#, "pattern must be a valid regex"),
      (#"{"required":["a","a"]}"#, "required items must be unique"),
      (#"{"required":"a"}"#, "required must be of an array"),
      (#"{"multipleOf":0}"#, "multipleOf must be strictly greater than 0"),
      (#"{"exclusiveMinimum":true}"#, "exclusiveMinimum cannot be used without minimum"),
      (#"{"enum":[1,1]}"#, "enum items must be unique"),
      (#"{"$ref":"http://example.com/x"}"#, "remote reference loading disabled: http://example.com/x"),
      (##"{"$ref":"#/nothing"}"##, "Object has no key 'nothing'"),
      (
        #"{"$schema":"http://json-schema.org/draft-04/schema#","exclusiveMinimum":1}"#,
        "Invalid type. Expected: boolean, given: exclusiveMinimum"
      ), ("[]", "Expected: schema, given: Invalid JSON"), ("{", "invalid JSON string"),
    ])
  func invalid(_ schema: String, _ reason: String) throws {
    #expect(try verify(.string(schema)) == [false, .string("jsonschema: \(reason)")])
    #expect(errorText("json.match_schema", [[:], .string(schema)]) == reason)
  }

  @Test("schemas and documents can be values too")
  func values() throws {
    #expect(try verify(["type": "boolean"]) == [true, .null])
    #expect(try verify(1) == [false, "jsonschema: wrong type, expected string or object"])
    #expect(errorText("json.match_schema", [1, [:]]) == "wrong type, expected string or object")
    #expect(
      try callBuiltin("json.match_schema", [["id": "foo"], ["properties": ["id": ["type": "integer"]]]])
        == [
          false,
          [
            [
              "desc": "Invalid type. Expected: integer, given: string",
              "error": "id: Invalid type. Expected: integer, given: string",
              "field": "id", "type": "invalid_type",
            ]
          ],
        ])
  }

  @Test("a schema that refers to itself, and documents without end, are bounded")
  func bounds() throws {
    #expect(
      errorText("json.match_schema", [[:], ##"{"$ref":"#"}"##])?.hasPrefix("the schema refers to itself")
        == true)
    #expect(
      errorText("json.match_schema", [[:], ##"{"allOf":[{"$ref":"#"}]}"##])?.hasPrefix(
        "the schema refers to itself") == true)
    let deep = String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
    #expect(
      errorText("json.match_schema", [.string(deep), ##"{"items":{"$ref":"#"}}"##])?.hasSuffix(
        "nested too deep") == true)
    let schema = String(repeating: #"{"not":"#, count: 900) + "{}" + String(repeating: "}", count: 900)
    #expect(errorText("json.match_schema", [[:], .string(schema)]) == "schemas nested more than 500 deep")
  }
}
