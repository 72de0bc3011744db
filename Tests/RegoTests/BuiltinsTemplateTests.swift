import Testing

@testable import Rego

@Suite("Builtins on templates")
struct BuiltinsTemplateTests {
  private static let data: Value = [
    "name": "World", "count": 3, "zero": 0, "empty": "", "none": .null, "yes": true, "no": false,
    "list": ["a", "b", "c"], "blank": [], "nested": ["deep": ["key": "found"]],
    "mixed": [1, "x", .null, true],
    "html": "<a href='x'>&\"=</a>", "ratio": decimal("1.5"),
    "people": [["name": "Ann", "age": 30], ["name": "Bob", "age": 4]],
    "word": "naïve",
  ]

  struct Rendering: Sendable, CustomTestStringConvertible {
    let template: String
    let output: String

    init(_ template: String, _ output: String) {
      self.template = template
      self.output = output
    }

    var testDescription: String { template }
  }

  private static func render(_ template: String) throws -> Value? {
    try callBuiltin("strings.render_template", [.string(template), data])
  }

  @Test(
    "text, fields and literals",
    arguments: [
      Rendering("", ""), Rendering("plain }} text", "plain }} text"),
      Rendering("Hello {{.name}}!", "Hello World!"), Rendering("{{ .nested.deep.key }}", "found"),
      Rendering("{{.nested}} {{.list}} {{.mixed}}", "map[deep:map[key:found]] [a b c] [1 x <nil> true]"),
      Rendering("{{.count}} {{.ratio}} {{.yes}} {{.none}}", "3 1.5 true <no value>"),
      Rendering("{{$.name}} {{(.nested).deep.key}} {{$.nested.deep.key}}", "World found found"),
      Rendering(#"{{"a\tb\x41é\u00e9\101"}}{{`raw\n`}}{{'x'}}"#, "a\tbAééAraw\\n120"),
      Rendering(
        "{{1}} {{-2}} {{0x1F}} {{0b101}} {{0o17}} {{017}} {{1_000}} {{1e3}} {{.5}} {{1i}} {{1+2i}}",
        "1 -2 31 5 15 15 1000 1000 0.5 (0+1i) (1+2i)"),
      Rendering("{{true}}{{false}}{{1.0}}", "truefalse1"),
      Rendering("a {{- .name -}} b{{/* c */}} d {{- /* e */ -}} f", "aWorldb df"),
      Rendering("x\n{{- 3 }}\n {{ 4 -}}\n y", "x3\n 4y"),
      Rendering("{{.count.String}}{{.count.Int64}}", "33"),
      Rendering("{{.ratio.Float64}}", "1.5"),
    ])
  func values(_ rendering: Rendering) throws {
    #expect(try BuiltinsTemplateTests.render(rendering.template) == .string(rendering.output))
  }

  @Test(
    "control structures and variables",
    arguments: [
      Rendering("{{if .yes}}1{{else}}2{{end}}{{if .no}}3{{else if .zero}}4{{else}}5{{end}}", "14"),
      Rendering("{{if .empty}}a{{end}}{{if .blank}}b{{end}}{{if .none}}c{{end}}{{if .nested}}d{{end}}", "d"),
      Rendering("{{range .list}}<{{.}}>{{end}}", "<a><b><c>"),
      Rendering("{{range $i, $x := .list}}{{if $i}},{{end}}{{$i}}={{$x}}{{end}}", "0=a,1=b,2=c"),
      Rendering("{{range $k, $v := .nested}}{{$k}}{{$v}}{{end}}", "deepmap[key:found]"),
      Rendering("{{range .blank}}x{{else}}nothing{{end}}{{range .none}}x{{else}}!{{end}}", "nothing!"),
      Rendering("{{range .list}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{end}}", "ac"),
      Rendering("{{range .list}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", "a"),
      Rendering("{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}{{range 0}}{{else}}-{{end}}", "01201-"),
      Rendering("{{range .people}}{{.name}}:{{.age}};{{end}}", "Ann:30;Bob:4;"),
      Rendering(
        "{{with .nested.deep}}{{.key}}{{end}}{{with .empty}}a{{else with .name}}{{.}}{{end}}", "foundWorld"),
      Rendering("{{with $x := .name}}{{$x}}{{.}}{{$.count}}{{end}}", "WorldWorld3"),
      Rendering("{{$x := 1}}{{if .yes}}{{$x = 2}}{{$y := 3}}{{end}}{{$x}}", "2"),
      Rendering(
        "{{define \"t\"}}[{{.}}]{{end}}{{template \"t\" .name}}{{template \"t\"}}", "[World][<no value>]"),
      Rendering("{{block \"b\" .count}}({{.}}){{end}}{{template \"b\" 7}}", "(3)(7)"),
      Rendering(
        "{{define \"t\"}}{{if .}}x{{template \"t\" slice . 1}}{{end}}{{end}}{{template \"t\" .list}}", "xxx"),
      Rendering("{{define \"template\"}}defined{{end}} \n", "defined"),
    ])
  func control(_ rendering: Rendering) throws {
    #expect(try BuiltinsTemplateTests.render(rendering.template) == .string(rendering.output))
  }

  @Test(
    "functions",
    arguments: [
      Rendering("{{len .list}} {{len .name}} {{len .word}} {{len .nested}} {{.list | len}}", "3 5 6 1 3"),
      Rendering(
        "{{index .list 1}} {{index .nested \"deep\" \"key\"}} {{index .name 0}} {{index .nested \"x\"}}",
        "b found 87 <no value>"),
      Rendering("{{slice .name 1 3}} {{slice .list 1}} {{slice .list 0 1 2}}", "or [b c] [a]"),
      Rendering(
        "{{and .yes .name}} {{and .no .missing}} {{or .empty .name}} {{or .yes .missing}} {{not .no}}",
        "World false World true true"),
      Rendering(
        "{{print .name .count 1 2 .none nil}}|{{println .name 1}}|", "World31 2 <nil> <nil>|World 1\n|"),
      Rendering(
        "{{printf \"%s %d %v %q %5.2f|%T\" .name 7 .list .name 1.5 .count}}",
        "World 7 [a b c] \"World\"  1.50|json.Number"),
      Rendering(
        "{{printf \"%d %s %t %v %d\" .count .yes .yes .none .none}}",
        "%!d(json.Number=3) %!s(bool=true) true <nil> %!d(<nil>)"),
      Rendering(
        "{{printf \"%#v %v\" .mixed .people}}",
        "[]interface {}{\"1\", \"x\", interface {}(nil), true} [map[age:30 name:Ann] map[age:4 name:Bob]]"),
      Rendering(
        "{{printf \"%d\" .list}} {{printf \"%3s|\" .list}}",
        "[%!d(string=a) %!d(string=b) %!d(string=c)] [  a   b   c]|"),
      Rendering("{{html .html}}", "&lt;a href=&#39;x&#39;&gt;&amp;&#34;=&lt;/a&gt;"),
      Rendering("{{js .html}}", #"\u003Ca href\u003D\'x\'\u003E\u0026\"\u003D\u003C/a\u003E"#),
      Rendering("{{urlquery \"a b&c\" 1}}{{html .none}}", "a+b%26c1&lt;no value&gt;"),
      Rendering("{{.name | printf \"%s-%s\" \"x\" | len}}", "7"),
      Rendering(
        "{{eq 1 1}} {{eq .name \"a\" \"World\"}} {{ne 1 2}} {{eq .none nil}} {{eq .name nil}} {{eq nil nil}}",
        "true true true true false true"),
      Rendering(
        "{{lt 1 2}} {{le 2 2}} {{gt 1.5 2.5}} {{ge \"b\" \"a\"}} {{eq .count \"3\"}} {{lt .count.Int64 5}}",
        "true true false true true true"),
      Rendering("{{eq (index .name 0) 87}}{{index .name 0 | printf \"%T\"}}", "trueuint8"),
    ])
  func functions(_ rendering: Rendering) throws {
    #expect(try BuiltinsTemplateTests.render(rendering.template) == .string(rendering.output))
  }

  @Test(
    "what does not parse",
    arguments: [
      Rendering("{{", "template: template:1: unclosed action"),
      Rendering("a\n{{.name", "template: template:2: unclosed action"),
      Rendering("{{.name\n\n", "template: template:3: unclosed action started at template:1"),
      Rendering("{{}}", "template: template:1: missing value for command"),
      Rendering("{{foo}}", "template: template:1: function \"foo\" not defined"),
      Rendering("{{$x}}", "template: template:1: undefined variable \"$x\""),
      Rendering("{{if .a}}", "template: template:1: unexpected EOF"),
      Rendering("{{end}}", "template: template:1: unexpected {{end}}"),
      Rendering("{{else}}", "template: template:1: unexpected {{else}}"),
      Rendering("{{break}}", "template: template:1: {{break}} outside {{range}}"),
      Rendering("{{if}}{{end}}", "template: template:1: missing value for if"),
      Rendering("{{(.a}}", "template: template:1: unclosed left paren"),
      Rendering("{{.a)}}", "template: template:1: unexpected right paren"),
      Rendering("{{.a | 1}}", "template: template:1: non executable command in pipeline stage 2"),
      Rendering("{{| .a}}", "template: template:1: unexpected \"|\" in command"),
      Rendering("{{\"a}}", "template: template:1: unterminated quoted string"),
      Rendering("{{`a}}", "template: template:1: unterminated raw quoted string"),
      Rendering("{{'a}}", "template: template:1: unterminated character constant"),
      Rendering(#"{{"\q"}}"#, "template: template:1: invalid syntax"),
      Rendering("{{/* a }}", "template: template:1: unclosed comment"),
      Rendering("{{/* a */ b}}", "template: template:1: comment ends before closing delimiter"),
      Rendering("{{1a}}", "template: template:1: bad number syntax: \"1a\""),
      Rendering(
        "{{99999999999999999999}}", "template: template:1: integer overflow: \"99999999999999999999\""),
      Rendering("{{.a!}}", "template: template:1: bad character U+0021 '!'"),
      Rendering("{{\u{1}}}", "template: template:1: unrecognized character in action: U+0001"),
      Rendering("{{: 1}}", "template: template:1: expected :="),
      Rendering("{{1.name}}", "template: template:1: bad number syntax: \"1.n\""),
      Rendering("{{\"a\".name}}", "template: template:1: unexpected . after term \"\\\"a\\\"\""),
      Rendering("{{template .a}}", "template: template:1: unexpected \".a\" in template clause"),
      Rendering(
        "{{if 1}}{{define \"a\"}}{{end}}{{end}}", "template: template:1: unexpected <define> in command"),
      Rendering("{{range $a, $b, $c := .l}}{{end}}", "template: template:1: too many declarations in range"),
      Rendering("{{$a, $b := 1}}", "template: template:1: too many declarations in command"),
      Rendering(
        "{{define \"a\"}}1{{end}}{{define \"a\"}}2{{end}}",
        "template: template:1: template: multiple definition of template \"a\""),
      Rendering("{{if 1}}{{else}}{{else}}{{end}}", "template: template:1: expected end; found {{else}}"),
    ])
  func syntaxErrors(_ rendering: Rendering) {
    let operands: [Value] = [.string(rendering.template), BuiltinsTemplateTests.data]
    #expect(errorText("strings.render_template", operands) == rendering.output)
  }

  @Test(
    "what fails while it is rendered",
    arguments: [
      Rendering(
        "{{.missing}}", "1:2: executing \"template\" at <.missing>: map has no entry for key \"missing\""),
      Rendering(
        "ab\n{{.nested.x.y}}",
        "2:9: executing \"template\" at <.nested.x.y>: map has no entry for key \"x\""),
      Rendering(
        "{{.name.first}}",
        "1:7: executing \"template\" at <.name.first>: can't evaluate field first in type interface {}"),
      Rendering(
        "{{with .name}}{{.first}}{{end}}",
        "1:16: executing \"template\" at <.first>: can't evaluate field first in type string"),
      Rendering(
        "{{.none.x}}", "1:7: executing \"template\" at <.none.x>: nil pointer evaluating interface {}.x"),
      Rendering(
        "{{(.none).x}}", "1:3: executing \"template\" at <.none>: nil data; no entry for key \"x\""),
      Rendering(
        "{{.name 1}}", "1:2: executing \"template\" at <.name>: name is not a method but has arguments"),
      Rendering("{{nil}}", "1:2: executing \"template\" at <nil>: nil is not a command"),
      Rendering("{{1 2}}", "1:2: executing \"template\" at <1>: can't give argument to non-function 1"),
      Rendering(
        "{{range .name}}{{end}}", "1:8: executing \"template\" at <.name>: range can't iterate over World"),
      Rendering(
        "{{range $a, $b := 3}}{{end}}",
        "1:18: executing \"template\" at <3>: can't use 3 to iterate over more than one variable"),
      Rendering(
        "{{template \"no\"}}",
        "1:11: executing \"template\" at <{{template \"no\"}}>: template \"no\" not defined"),
      Rendering(
        "{{len}}", "1:2: executing \"template\" at <len>: wrong number of args for len: want 1 got 0"),
      Rendering(
        "{{eq}}", "1:2: executing \"template\" at <eq>: wrong number of args for eq: want at least 1 got 0"),
      Rendering(
        "{{eq 1}}", "1:2: executing \"template\" at <eq 1>: error calling eq: missing argument for comparison"
      ),
      Rendering(
        "{{eq .count 3}}",
        "1:2: executing \"template\" at <eq .count 3>: error calling eq: incompatible types for comparison"),
      Rendering(
        "{{eq .list .list}}",
        "1:2: executing \"template\" at <eq .list .list>: error calling eq: non-comparable type [a b c]: []interface {}"
      ),
      Rendering(
        "{{lt .list 1}}",
        "1:2: executing \"template\" at <lt .list 1>: error calling lt: invalid type for comparison"),
      Rendering(
        "{{index .list 7}}",
        "1:2: executing \"template\" at <index .list 7>: error calling index: index out of range: 7"),
      Rendering(
        "{{index .list 3}}",
        "1:2: executing \"template\" at <index .list 3>: error calling index: reflect: slice index out of range"
      ),
      Rendering(
        "{{index .list \"a\"}}",
        "1:2: executing \"template\" at <index .list \"a\">: error calling index: cannot index slice/array with type string"
      ),
      Rendering(
        "{{index .nested 1}}",
        "1:2: executing \"template\" at <index .nested 1>: error calling index: value has type int; should be string"
      ),
      Rendering(
        "{{index .yes 1}}",
        "1:2: executing \"template\" at <index .yes 1>: error calling index: can't index item of type bool"),
      Rendering(
        "{{len .none}}", "1:2: executing \"template\" at <len .none>: error calling len: len of nil pointer"),
      Rendering("{{len 3}}", "1:2: executing \"template\" at <len 3>: error calling len: len of type int"),
      Rendering(
        "{{call .name}}",
        "1:2: executing \"template\" at <call .name>: error calling call: non-function .name of type string"),
      Rendering(
        "{{printf .count}}",
        "1:9: executing \"template\" at <.count>: wrong type for value; expected string; got json.Number"),
      Rendering("{{printf 1}}", "1:9: executing \"template\" at <1>: expected string; found 1"),
      Rendering(
        "{{slice .list 2 1}}",
        "1:2: executing \"template\" at <slice .list 2 1>: error calling slice: invalid slice index: 2 > 1"),
      Rendering(
        "{{.ratio.Int64}}",
        "1:8: executing \"template\" at <.ratio.Int64>: error calling Int64: strconv.ParseInt: parsing \"1.5\": invalid syntax"
      ),
      Rendering(
        "{{define \"t\"}}{{.x}}{{end}}{{template \"t\" .}}",
        "1:16: executing \"t\" at <.x>: map has no entry for key \"x\""),
    ])
  func failures(_ rendering: Rendering) {
    let operands: [Value] = [.string(rendering.template), BuiltinsTemplateTests.data]
    #expect(errorText("strings.render_template", operands) == "template: template:\(rendering.output)")
  }

  @Test("variables that JSON has not")
  func unrepresentable() {
    let cases: [(Value, String)] = [
      (["a": set(1)], "invalid character '1' looking for beginning of object key string"),
      (["a": set("x")], "invalid character '}' after object key"),
      (["a": set()], "invalid character 's' looking for beginning of value"),
    ]
    for (variables, message) in cases {
      #expect(errorText("strings.render_template", ["", variables]) == message)
    }
  }

  @Test("what never ends ends")
  func bounds() throws {
    #expect(
      errorText(
        "strings.render_template", ["{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}", [:]])?
        .contains("exceeded maximum template depth") == true)
    #expect(
      errorText(
        "strings.render_template",
        [.string("{{range 2000000000}}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{{end}}"), [:]])
        == "cancelled")
    let nested = String(repeating: "(", count: 10_000) + "1" + String(repeating: ")", count: 10_000)
    #expect(
      errorText("strings.render_template", [.string("{{\(nested)}}"), [:]])
        == "template: template:1: max expression depth exceeded")
    let large = String(repeating: "{{.}}", count: 300_000)
    #expect(
      errorText("strings.render_template", [.string(large), [:]])
        == "template: the text is larger than 1048576 bytes")
    let deadline = ContinuousClock.now + .milliseconds(50)
    let context = BuiltinContext(nowNanoseconds: 0, deadline: deadline)
    #expect(throws: BuiltinError.self) {
      try callBuiltin(
        "strings.render_template", ["{{range 9223372036854775807}}{{end}}", [:]], context: context)
    }
  }
}
