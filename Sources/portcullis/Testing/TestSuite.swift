import Rego

/// The tests among modules: rules whose names begin with `test_`, or with `todo_test_` where they are not to run yet (OPA documentation,
/// "Policy Testing").
struct TestSuite {
  struct Test: Sendable {
    /// The path of the package, without `data`.
    var package: [RegoString]
    /// The rule's reference, up to the part that says it is a test.
    var name: [RegoString]
    var location: Location
    var isTodo: Bool
    /// Whether the rule has a value for each of its cases, by the cases' names.
    var hasCases: Bool

    var path: [RegoString] { package + name }
    var packageName: String { DataPath.text(package) }
    var ruleName: String { DataPath.reference(name) }
  }

  /// The modules, with tests of the same name told apart and cases that tell of themselves.
  private(set) var modules: [Module]
  private(set) var tests: [Test] = []

  init(_ modules: [Module]) {
    self.modules = modules
    var counts: [[RegoString]: Int] = [:]
    for module in modules.indices {
      for rule in modules[module].rules.indices { add(rule, ofModule: module, &counts) }
    }
  }

  private mutating func add(_ index: Int, ofModule module: Int, _ counts: inout [[RegoString]: Int]) {
    let rule = modules[module].rules[index]
    guard rule.head.arguments == nil, let (name, isTodo) = Self.testName(rule.head) else { return }
    let package = modules[module].package.path
    let cases = Array(rule.head.reference[name.count...])
    var test = Test(
      package: package, name: name, location: rule.location, isTodo: isTodo,
      hasCases: !cases.isEmpty && rule.head.key == nil)
    if !isTodo {
      // Several definitions of one name are several tests.
      let count = counts[test.path, default: 0]
      counts[test.path] = count + 1
      if count > 0 {
        let last = name[name.count - 1].string
        test.name[name.count - 1] = RegoString("\(last)#\(count < 10 ? "0" : "")\(count)")
        modules[module].rules[index].head.rename(to: test.name)
      }
      if test.hasCases { modules[module].rules[index].body.announce(cases, at: rule.head.location) }
    }
    tests.append(test)
  }

  /// The rule's reference up to the first part that makes it a test; nil where there is none.
  private static func testName(_ head: Head) -> (name: [RegoString], isTodo: Bool)? {
    var name: [RegoString] = []
    for term in head.reference {
      switch term.kind {
      case .variable(let part) where name.isEmpty: name.append(RegoString(part))
      case .string(let part): name.append(part)
      default: return nil
      }
      let part = name[name.count - 1].string
      if part.utf8.starts(with: "todo_test_".utf8) { return (name, true) }
      if part.utf8.starts(with: "test_".utf8) { return (name, false) }
    }
    return nil
  }
}

extension Head {
  /// Gives the last part of the constant path that `name` is another name.
  fileprivate mutating func rename(to name: [RegoString]) {
    let last = name.count - 1
    reference[last].kind = last == 0 ? .variable(name[last].string) : .string(name[last])
  }
}

extension Body {
  /// Adds a call that says which case the test is at, as early as the case's variables are mentioned: what fails after it then fails that
  /// case.
  fileprivate mutating func announce(_ cases: [Term], at location: Location) {
    var isAnnounced = false
    for expression in expressions {
      SyntaxWalk.terms(of: expression) { if $0.dottedPath == "internal.test_case" { isAnnounced = true } }
    }
    if isAnnounced { return }
    var names: Set<String> = []
    let keys = Expression(.term(Term(.array(cases), location: location)), location: location)
    SyntaxWalk.terms(of: keys) { if case .variable(let name) = $0.kind { names.insert(name) } }
    var place = 0
    for (index, expression) in expressions.enumerated() {
      var mentioned: Set<String> = []
      SyntaxWalk.terms(of: expression) { if case .variable(let name) = $0.kind { mentioned.insert(name) } }
      // Variables of a nested body of the same name are mentioned too, which only makes the call come later.
      if !names.isDisjoint(with: mentioned) {
        names.subtract(mentioned)
        place = index + 1
      }
    }
    let callee = Term(
      .reference(
        head: Term(.variable("internal"), location: location),
        operands: [Term(.string("test_case"), location: location)]), location: location)
    expressions.insert(
      Expression(
        .call(callee: callee, arguments: [Term(.array(cases), location: location)]),
        location: Location(file: "", line: location.line, column: location.column)),
      at: place)
  }
}

extension Term {
  /// `a.b` for a reference of two or more names.
  fileprivate var dottedPath: String? {
    guard case .reference(let head, let operands) = kind, case .variable(var path) = head.kind else {
      return nil
    }
    for operand in operands {
      guard case .string(let part) = operand.kind else { return nil }
      path += "." + part.string
    }
    return path
  }
}

/// Paths below `data` as Rego writes them.
enum DataPath {
  static func text(_ path: [RegoString]) -> String { reference(["data"] + path) }

  static func reference(_ path: [RegoString]) -> String {
    guard let first = path.first else { return "" }
    return path.dropFirst().reduce(first.string) { text, part in
      isName(part) ? "\(text).\(part.string)" : "\(text)[\(JSONWriter().string(.string(part)))]"
    }
  }

  private static func isName(_ part: RegoString) -> Bool {
    let bytes = Array(part.utf8)
    func isLetter(_ byte: UInt8) -> Bool {
      (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == UInt8(ascii: "_")
    }
    guard let first = bytes.first, isLetter(first) else { return false }
    // A test's number: test_x#01.
    return bytes.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "#") }
  }
}
