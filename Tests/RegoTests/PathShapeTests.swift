import Testing

@testable import Rego

private func project(_ text: String, _ shape: PathShape) throws -> Value {
  let bytes = Array(text.utf8)
  return try bytes.withUnsafeBytes { try JSONReader.project($0, shape: shape) }
}

/// `a.*.b` as a shape.
private func path(_ text: String, leaf: PathShape = .all) -> PathShape {
  .path(text.split(separator: ".").map { $0 == "*" ? .any : .key(RegoString(String($0))) }, leaf: leaf)
}

@Suite("Projected reading")
struct PathShapeTests {
  @Test(
    "only what the shape needs is built",
    arguments: [
      ("{\"a\":1,\"b\":[1,{\"c\":2}],\"d\":\"x\"}", path("a"), "{\"a\":1}"),
      ("{\"a\":1,\"b\":2}", path("c"), "{}"),
      ("{\"b\":2,\"x\":[[]],\"a\":1}", path("a").union(path("b")), "{\"a\":1,\"b\":2}"),
      ("{\"a\":{\"b\":{\"c\":1,\"d\":2}},\"e\":3}", path("a.b.c"), "{\"a\":{\"b\":{\"c\":1}}}"),
      ("{\"a\":[{\"b\":1,\"c\":2},{\"c\":3},4]}", path("a.*.b"), "{\"a\":[{\"b\":1},{},4]}"),
      (
        "{\"a\":{\"x\":{\"b\":1,\"c\":2},\"y\":[{\"b\":0}]}}", path("a.*.b"),
        "{\"a\":{\"x\":{\"b\":1},\"y\":[]}}"
      ),
      ("{\"a\":[1,[2]],\"b\":{\"c\":3},\"d\":4}", path("a", leaf: .shallow), "{\"a\":[]}"),
      ("{\"a\":{\"x\":1}}", path("a", leaf: .shallow), "{\"a\":{}}"),
      ("{\"a\":false}", path("a", leaf: .shallow), "{\"a\":false}"),
      ("{\"a\":\"s\"}", path("a.b.c"), "{\"a\":\"s\"}"), ("{\"a\":null}", path("a.b"), "{\"a\":null}"),
      ("{\"a\":[1,2]}", path("a.b"), "{\"a\":[]}"), ("[1,2]", PathShape.none, "[]"),
      ("[1,{\"a\":[2]}]", PathShape.all, "[1,{\"a\":[2]}]"),
      ("{\"a\":1,\"a\":{\"b\":2,\"c\":3}}", path("a.b"), "{\"a\":{\"b\":2}}"),
      ("{\"b\":1,\"a\":2,\"b\":3}", path("a").union(path("b")), "{\"a\":2,\"b\":3}"),
      ("{\"\\u0061\":1,\"\\u0062\":2}", path("a"), "{\"a\":1}"),
      ("{\"abcdefghi\":1,\"abcdefghj\":2,\"abcdefgh\":3}", path("abcdefghj"), "{\"abcdefghj\":2}"),
      (
        "{\"a\":{\"k\":1,\"l\":{\"m\":2}}}", path("a.*.m").union(path("a.k")),
        "{\"a\":{\"k\":1,\"l\":{\"m\":2}}}"
      ),
    ] as [(String, PathShape, String)])
  func projected(_ text: String, _ shape: PathShape, _ expected: String) throws {
    #expect(try project(text, shape).json == expected)
  }

  @Test("keys of the shape are shared, not made again")
  func sharedKeys() throws {
    let key = RegoString("request")
    let value = try project("{\"request\":1}", .path([.key(key)]))
    guard case .string(let made)? = value.object?.keys.first else { return }
    #expect(made.storage === key.storage)
  }

  @Test("a shape of many keys finds each")
  func manyKeys() throws {
    let names = (0..<40).map { "key-\(String(repeating: "x", count: $0 % 7))\($0)" }
    let shape = names.map { path($0) }.reduce(PathShape.none) { $0.union($1) }
    let text =
      "{" + (names + ["other", "key-"]).shuffled().map { "\"\($0)\":\"\($0)\"" }.joined(separator: ",") + "}"
    let object = try #require(try project(text, shape).object)
    #expect(object.count == 40)
    for name in names { #expect(object[name] == .string(name)) }
  }

  @Test("unions need what either needs")
  func unions() {
    #expect(path("a.b").union(path("a.c")).description == "{a: {b: all, c: all}}")
    #expect(path("a").union(path("a.c")).description == "{a: all}")
    #expect(path("a", leaf: .shallow).union(path("a.c")).description == "{a: {c: all}}")
    #expect(path("a.*").union(path("a.c.d")).description == "{a: {c: all, *: all, [all]}}")
    #expect(path("*.x").union(path("a.y")).description == "{a: {x: all, y: all}, *: {x: all}, [{x: all}]}")
    #expect(path("a.y").union(path("*.x")).description == "{a: {x: all, y: all}, *: {x: all}, [{x: all}]}")
    #expect(PathShape.none.union(.shallow).description == "shallow")
    #expect(path("a")["a"].description == "all")
    #expect(path("a")["b"].description == "none")
    #expect(path("*.b")["a"].description == "{b: all}")
  }

  @Test("paths that are added to a draft come to the shape that their union is")
  func drafts() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let paths = (0..<5).map { _ in
        (
          steps: (0..<Int.random(in: 0...5, using: &generator)).map { _ -> PathShape.Step in
            let names: [RegoString] = ["a", "b", "c"]
            return Int.random(in: 0...3, using: &generator) == 0 ? .any : .key(names.randomElement() ?? "a")
          }, isShallow: Bool.random(using: &generator)
        )
      }
      var draft = PathShape.Draft()
      for path in paths { draft.add(path.steps, isShallow: path.isShallow) }
      let union = paths.reduce(PathShape.none) {
        $0.union(.path($1.steps, leaf: $1.isShallow ? .shallow : .all))
      }
      #expect(draft.shape.description == union.description, "\(paths)")
    }
  }

  @Test("a draft of paths with many choices has a shape that is not as large as all choices are")
  func choices() throws {
    var draft = PathShape.Draft()
    let count = 30
    for place in 0..<count {
      draft.add((0..<count).map { $0 == place ? .key("a") : PathShape.Step.any }, isShallow: false)
    }
    let text = "{\"a\":{\"a\":{\"b\":1}},\"b\":{\"a\":[2]}}"
    #expect(try project(text, draft.shape.replica()).json == text)
  }

  @Test("what is nested in variables takes one node a level")
  func nestedVariables() throws {
    let steps = Array(repeating: PathShape.Step.any, count: 60)
    let shape = PathShape.path(steps).union(.path(steps + [.key("a")])).replica()
    let text = String(repeating: "[", count: 60) + "{\"a\":1,\"b\":2}" + String(repeating: "]", count: 60)
    #expect(try project(text, shape).json == text)
  }

  /// What a reader of the whole document would find along the paths is what a reader of the projected one finds.
  @Test("looking up the shape's paths gives what the whole document gives")
  func againstWhole() throws {
    var generator = SystemRandomNumberGenerator()
    let names = ["a", "b", "c", "d"]
    func document(_ depth: Int) -> Value {
      switch Int.random(in: 0...(depth > 0 ? 5 : 1), using: &generator) {
      case 0: .int(Int.random(in: 0...9, using: &generator))
      case 1: .boolean(Bool.random(using: &generator))
      case 2: .array((0..<Int.random(in: 0...3, using: &generator)).map { _ in document(depth - 1) })
      default:
        .object(
          ObjectValue(names.shuffled(using: &generator).prefix(3).map { (.string($0), document(depth - 1)) }))
      }
    }
    for _ in 0..<500 {
      let whole = document(5)
      let paths = (0..<3).map { _ in
        (0..<Int.random(in: 0...4, using: &generator)).map { _ in
          Int.random(in: 0...3, using: &generator) == 0
            ? PathShape.Step.any : .key(RegoString(names.randomElement(using: &generator) ?? "a"))
        }
      }
      let shape = paths.map { PathShape.path($0) }.reduce(PathShape.none) { $0.union($1) }
      let projected = try project(whole.json, shape)
      for steps in paths {
        #expect(
          find(steps[...], in: projected) == find(steps[...], in: whole), "\(steps) in \(whole) as \(shape)")
      }
    }
  }

  /// Everything that a reference with these steps denotes, with the keys it went through.
  private func find(_ steps: ArraySlice<PathShape.Step>, in value: Value) -> [[Value]] {
    guard let step = steps.first else { return [[value]] }
    let children: [(Value, Value)]
    switch (step, value) {
    case (.key(let key), .object(let object)): children = object[key].map { [(.string(key), $0)] } ?? []
    case (.any, .object(let object)): children = Array(object)
    case (.any, .array(let elements)): children = elements.enumerated().map { (.int($0), $1) }
    default: children = []
    }
    return children.flatMap { key, child in find(steps.dropFirst(), in: child).map { [key] + $0 } }
  }
}
