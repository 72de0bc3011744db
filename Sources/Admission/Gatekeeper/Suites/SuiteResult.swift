import Rego

/// What a suite came to.
public struct SuiteResult: Sendable {
  public struct Test: Sendable {
    public var name: String
    /// Why the test could not be run.
    public var error: String?
    public var isSkipped = false
    public var duration: Duration = .zero
    public var cases: [Case] = []

    public var hasFailed: Bool { error != nil || cases.contains { $0.error != nil } }
  }

  public struct Case: Sendable {
    public var name: String
    /// Why the case fails.
    public var error: String?
    public var isSkipped = false
    public var duration: Duration = .zero
  }

  public var path: String
  public var isSkipped = false
  public var duration: Duration = .zero
  public var tests: [Test] = []

  public var hasFailed: Bool { tests.contains(where: \.hasFailed) }
}

/// Which tests and cases of suites to run, by their names (Gatekeeper documentation, "The gator CLI", "--run").
public struct SuiteFilter: Sendable {
  private enum Kind: Sendable {
    case everything
    /// Tests and cases whose names match.
    case either(RegularExpression)
    /// Cases whose names match, of tests whose names match.
    case both(test: RegularExpression, case: RegularExpression)
  }

  private let kind: Kind

  /// - Parameter text: nothing; a regular expression; or one for tests and one for cases with `//` between.
  /// - Throws: ``RegularExpressionError`` where one is invalid.
  public init(_ text: String) throws(RegularExpressionError) {
    if text.isEmpty {
      kind = .everything
      return
    }
    guard let range = text.firstRange(of: "//") else {
      kind = .either(try RegularExpression(RegoString(text)))
      return
    }
    kind = .both(
      test: try RegularExpression(RegoString(String(text[..<range.lowerBound]))),
      case: try RegularExpression(RegoString(String(text[range.upperBound...]))))
  }

  func matches(_ test: ConstraintSuite.Test) -> Bool {
    switch kind {
    case .everything: true
    case .either(let expression):
      expression.matches(RegoString(test.name))
        || test.cases.contains { expression.matches(RegoString($0.name)) }
    case .both(let expression, _): expression.matches(RegoString(test.name))
    }
  }

  func matches(case name: String, of test: String) -> Bool {
    switch kind {
    case .everything: true
    case .either(let expression):
      expression.matches(RegoString(name)) || expression.matches(RegoString(test))
    case .both(let first, let second): first.matches(RegoString(test)) && second.matches(RegoString(name))
    }
  }
}
