import Rego
import Testing

@testable import Kubernetes

@Suite("Label selectors")
struct LabelSelectorTests {
  /// A selector and labels as plain Swift values, judged from the API reference's sentences alone.
  struct Model {
    struct Expression {
      let key: String
      let operation: String
      let values: [String]?
    }

    let matchLabels: [(String, String)]?
    let expressions: [Expression]?

    func matches(_ labels: [String: String]) -> Bool {
      let equalities = (matchLabels ?? []).map { labels[$0.0] == $0.1 }
      let conditions = (expressions ?? []).map { expression -> Bool in
        switch expression.operation {
        case "In": labels.contains { $0.key == expression.key && expression.values!.contains($0.value) }
        case "NotIn": !labels.contains { $0.key == expression.key && expression.values!.contains($0.value) }
        case "Exists": labels.keys.contains(expression.key)
        default: !labels.keys.contains(expression.key)
        }
      }
      return !(equalities + conditions).contains(false)
    }

    var value: Value {
      var members: [(Value, Value)] = []
      if let matchLabels {
        members.append(
          ("matchLabels", .object(ObjectValue(matchLabels.map { (Value.string($0.0), Value.string($0.1)) }))))
      }
      if let expressions {
        members.append(
          (
            "matchExpressions",
            .array(
              expressions.map { expression in
                var members: [(Value, Value)] = [
                  ("key", .string(expression.key)), ("operator", .string(expression.operation)),
                ]
                if let values = expression.values {
                  members.append(("values", .array(values.map { .string($0) })))
                }
                return .object(ObjectValue(members))
              })
          ))
      }
      return .object(ObjectValue(members))
    }
  }

  @Test("every small selector matches what the API reference says, on every small label map")
  func bruteForce() throws {
    let keys = ["app", "tier"]
    var expressions: [Model.Expression] = []
    for key in keys {
      for values in [["x"], ["y"], ["x", "y"]] {
        expressions.append(.init(key: key, operation: "In", values: values))
        expressions.append(.init(key: key, operation: "NotIn", values: values))
      }
      for values in [nil, []] as [[String]?] {
        expressions.append(.init(key: key, operation: "Exists", values: values))
        expressions.append(.init(key: key, operation: "DoesNotExist", values: values))
      }
    }
    var lists: [[Model.Expression]?] = [nil, []]
    for first in expressions {
      lists.append([first])
      for second in expressions { lists.append([first, second]) }
    }
    let choices: [String?] = [nil, "x", "y"]
    var matchLabels: [[(String, String)]?] = [nil]
    var labelMaps: [[String: String]] = []
    for app in choices {
      for tier in choices {
        matchLabels.append([app.map { ("app", $0) }, tier.map { ("tier", $0) }].compactMap { $0 })
      }
    }
    for app in choices + ["z"] {
      for tier in choices + ["z"] {
        labelMaps.append(
          Dictionary(uniqueKeysWithValues: zip(keys, [app, tier]).compactMap { k, v in v.map { (k, $0) } }))
      }
    }
    let labelValues = labelMaps.map { map in
      ObjectValue(map.map { (Value.string($0.key), Value.string($0.value)) })
    }

    var wrong: [String] = []
    var matched = 0
    for equalities in matchLabels {
      for list in lists {
        let model = Model(matchLabels: equalities, expressions: list)
        let selector = try LabelSelector(model.value)
        for (labels, value) in zip(labelMaps, labelValues) {
          let expected = model.matches(labels)
          if expected { matched += 1 }
          if selector.matches(value) != expected { wrong.append("\(model.value) on \(labels)") }
          if matchesInPlace(model.value, .object(value)) != expected {
            wrong.append("\(model.value) on \(labels), unread")
          }
        }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(5))")
    #expect(matched > 5_000)
  }

  @Test(
    "null members count as absent, and only a selector without requirements matches all",
    arguments: [
      ([:], true), (["matchLabels": .null], true), (["matchLabels": [:], "matchExpressions": []], true),
      (["matchExpressions": .null, "matchLabels": ["a": "b"]], false),
      (["matchExpressions": [["key": "a", "operator": "Exists", "values": .null]]], false),
    ] as [(Value, Bool)])
  func emptiness(_ selector: Value, matchesAll: Bool) throws {
    #expect(try LabelSelector(selector).matchesAll == matchesAll)
    #expect(try LabelSelector(selector).matches(ObjectValue()) == matchesAll)
  }

  @Test("an absent or null selector is nil, which is for the caller to interpret")
  func absent() throws {
    #expect(try LabelSelector.ifPresent(nil) == nil)
    #expect(try LabelSelector.ifPresent(.null) == nil)
    #expect(try LabelSelector.ifPresent([:]) == .everything)
  }

  @Test("strings are compared by code points")
  func codePoints() throws {
    // U+00E9, and e with U+0301: canonically equivalent, and two strings. Not valid in labels, so only the comparison is tested.
    let requirement = LabelSelector.Requirement(key: "a", operation: .in, values: ["\u{e9}"])
    #expect(requirement.matches(ObjectValue([("a", "\u{e9}")])))
    #expect(!requirement.matches(ObjectValue([("a", "e\u{301}")])))
  }

  @Test(
    "what the API server would refuse is an error",
    arguments: [
      (.null, "the selector must be an object, but is null"),
      ([], "the selector must be an object, but is an array"),
      ("app", "the selector must be an object, but is a string"),
      (["app": "web"], "app is no field of a label selector, which has matchLabels and matchExpressions"),
      (["matchLabels": "app"], "matchLabels must be an object, but is a string"),
      (["matchLabels": ["version": 1]], "matchLabels.version must be a string, but is a number"),
      (["matchLabels": ["version": .null]], "matchLabels.version must be a string, but is null"),
      (
        ["matchLabels": ["-a": "b"]],
        "matchLabels is \"-a\", but a label key must be letters, digits, \"-\", \"_\" or \".\", with a letter or digit at "
          + "either end"
      ),
      (["matchLabels": ["": "b"]], "matchLabels is \"\", but a label key must not be empty"),
      (["matchExpressions": [:]], "matchExpressions must be an array, but is an object"),
      (["matchExpressions": ["a"]], "matchExpressions[0] must be an object, but is a string"),
      (["matchExpressions": [["operator": "Exists"]]], "matchExpressions[0].key is missing"),
      (["matchExpressions": [["key": "a"]]], "matchExpressions[0].operator is missing"),
      (
        ["matchExpressions": [["key": "a", "operator": "in", "values": ["x"]]]],
        "matchExpressions[0].operator must be In, NotIn, Exists or DoesNotExist, but is \"in\""
      ),
      (
        ["matchExpressions": [["key": "a", "operator": "Gt", "values": ["1"]]]],
        "matchExpressions[0].operator must be In, NotIn, Exists or DoesNotExist, but is \"Gt\""
      ),
      (
        ["matchExpressions": [["key": "a", "operator": "In"]]],
        "matchExpressions[0].values must hold at least one value, since the operator is In"
      ),
      (
        ["matchExpressions": [["key": "a", "operator": "NotIn", "values": []]]],
        "matchExpressions[0].values must hold at least one value, since the operator is NotIn"
      ),
      (
        [
          "matchExpressions": [
            ["key": "a", "operator": "Exists"], ["key": "a", "operator": "Exists", "values": ["x"]],
          ]
        ],
        "matchExpressions[1].values must be empty, since the operator is Exists"
      ),
      (
        ["matchExpressions": [["key": "a", "operator": "DoesNotExist", "values": ["x"]]]],
        "matchExpressions[0].values must be empty, since the operator is DoesNotExist"
      ),
      (
        ["matchExpressions": [["key": "a", "operator": "In", "values": ["x", true]]]],
        "matchExpressions[0].values[1] must be a string, but is a boolean"
      ),
      (
        ["matchExpressions": [["key": "a", "operator": "In", "values": "x"]]],
        "matchExpressions[0].values must be an array, but is a string"
      ),
      (
        ["matchExpressions": [["key": "a", "operator": "In", "value": ["x"]]]],
        "matchExpressions[0].value is no field of a label selector, which has matchLabels and matchExpressions"
      ),
    ] as [(Value, String)])
  func invalid(_ selector: Value, message: String) {
    let error = #expect(throws: SelectorError.self) { try LabelSelector(selector) }
    #expect(matchesInPlace(selector, [:]) == nil)
    #expect(error?.description == message)
  }

  @Test("labels that are not strings are an error, and null labels are none")
  func labels() throws {
    let absent = try LabelSelector(["matchExpressions": [["key": "a", "operator": "DoesNotExist"]]])
    #expect(try absent.matches(nil as Value?))
    #expect(try absent.matches(.null))
    for labels in ["a", ["a"], ["b": 1], ["b": .null], ["b": ["c": "d"]]] as [Value] {
      #expect(throws: SelectorError.self) { try absent.matches(labels) }
    }
  }

  @Test(
    "label keys have an optional DNS subdomain and a name",
    arguments: [
      ("app", true), ("kubernetes.io/metadata.name", true), ("A_b.c-D", true), ("a", true), ("9", true),
      (String(repeating: "a", count: 63), true), (String(repeating: "a", count: 64), false),
      ("example.com/" + String(repeating: "a", count: 63), true), ("a/b/c", false), ("/a", false),
      ("a/", false),
      ("Example.com/a", false), ("-a.com/b", false), ("a..b/c", false), ("a b", false), ("é", false),
      ("_a", false),
      ("a.", false), (String(repeating: "a.", count: 126) + "a/b", true),
      (String(repeating: "a.", count: 127) + "a/b", false),
    ])
  func keySyntax(_ key: String, isValid: Bool) {
    #expect((LabelSyntax.problem(inKey: RegoString(key)) == nil) == isValid)
  }

  @Test(
    "label values are empty or a name",
    arguments: [
      ("", true), ("a", true), ("v1.2_3-4", true), ("a/b", false), ("-", false), ("a-", false),
      ("a b", false),
    ])
  func valueSyntax(_ value: String, isValid: Bool) {
    #expect((LabelSyntax.problem(inValue: RegoString(value)) == nil) == isValid)
  }
}

/// The answer of the matcher that builds nothing; nil where it leaves the answer to the reader of selectors.
private func matchesInPlace(_ selector: Value, _ labels: Value) -> Bool? {
  [selector, labels].withUnsafeBufferPointer { places in
    guard let first = places.baseAddress else { return nil }
    return LabelSelector.matches(first, first + 1)
  }
}
