import Rego

/// What one test came to.
struct TestResult: Sendable {
  enum Outcome: Sendable {
    case passed
    case failed
    case skipped
    case error(RegoError)

    /// As reports say it.
    var word: String {
      switch self {
      case .passed: "PASS"
      case .failed: "FAIL"
      case .skipped: "SKIPPED"
      case .error: "ERROR"
      }
    }
  }

  /// A case of a test, or several below a key.
  struct Case: Sendable {
    var name: String
    var hasFailed = false
    /// By name, in the order of the names.
    var cases: [Case] = []
    /// Of a case that failed: the last expression that did.
    var failure: TraceEvent?

    /// This and those below, each with how deep it lies.
    func flattened(depth: Int = 0) -> [(depth: Int, case: Case)] {
      [(depth, self)] + cases.flatMap { $0.flattened(depth: depth + 1) }
    }
  }

  var test: TestSuite.Test
  var outcome: Outcome
  var nanoseconds = 0
  /// What the test printed.
  var output = ""
  var cases: [Case] = []
  /// Where the test failed: the last expression that did.
  var failure: TraceEvent?
  /// What a verbose report shows of the evaluation.
  var trace: [TraceEvent] = []

  var hasPassed: Bool { if case .passed = outcome { true } else { false } }
  var hasFailed: Bool { if case .failed = outcome { true } else { false } }
  var isSkipped: Bool { if case .skipped = outcome { true } else { false } }
  var error: RegoError? { if case .error(let error) = outcome { error } else { nil } }

  var fullName: String { "\(test.packageName).\(test.ruleName)" }

  /// `data.a.test_b: PASS (1.2ms)`.
  var line: String {
    isSkipped
      ? "\(fullName): \(outcome.word)"
      : "\(fullName): \(outcome.word) (\(GoDurationText.text(nanoseconds: nanoseconds)))"
  }

  /// How many tests this counts for: its cases, where it has some.
  var counts: (passed: Int, failed: Int, skipped: Int, errors: Int) {
    switch outcome {
    case .skipped: return (0, 0, 1, 0)
    case .error: return (0, 0, 0, 1)
    case .passed, .failed:
      let leaves = cases.flatMap { $0.flattened() }.map(\.case).filter(\.cases.isEmpty)
      if leaves.isEmpty { return hasPassed ? (1, 0, 0, 0) : (0, 1, 0, 0) }
      let failed = leaves.count(where: \.hasFailed)
      return (leaves.count - failed, failed, 0, 0)
    }
  }
}

/// Durations as Go prints them.
enum GoDurationText {
  static func text(nanoseconds: Int) -> String {
    switch nanoseconds {
    case 0: return "0s"
    case ..<1000: return "\(nanoseconds)ns"
    case ..<1_000_000: return "\(decimal(nanoseconds, 1000))µs"
    case ..<1_000_000_000: return "\(decimal(nanoseconds, 1_000_000))ms"
    default:
      let minutes = nanoseconds / 60_000_000_000
      let seconds = decimal(nanoseconds % 60_000_000_000, 1_000_000_000)
      if minutes == 0 { return "\(seconds)s" }
      return minutes < 60 ? "\(minutes)m\(seconds)s" : "\(minutes / 60)h\(minutes % 60)m\(seconds)s"
    }
  }

  private static func decimal(_ number: Int, _ unit: Int) -> String {
    let rest = number % unit
    if rest == 0 { return "\(number / unit)" }
    var fraction = String(String(unit + rest).dropFirst())
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(number / unit).\(fraction)"
  }
}
