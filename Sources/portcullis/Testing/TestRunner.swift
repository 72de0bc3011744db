import Connectivity
import Foundation
import Rego
import Synchronization

/// Runs tests, several at a time.
struct TestRunner: Sendable {
  var tests: [TestSuite.Test]
  /// The program without instrumentation, which is the faster.
  var program: Program
  /// The same with it: for coverage, for tests with cases, and to say why a test failed.
  var instrumented: @Sendable () throws(RegoErrors) -> Program
  var data: Value
  /// What functions about network policies answer from; nil where no test can call one, or the data holds no inventory.
  var model: ClusterModel?
  /// How long one test may take.
  var timeout: Duration
  /// Whether to note which lines tests reach.
  var coverage: CoverageRecorder?
  /// Whether to keep the events that a verbose report shows.
  var keepsTrace: (@Sendable (TraceEvent) -> Bool)?

  /// What each test came to, in the order of the tests.
  func run(parallel: Int) throws(RegoErrors) -> [TestResult] {
    var instrumented: Program?
    if coverage != nil || keepsTrace != nil || tests.contains(where: \.hasCases) {
      instrumented = try self.instrumented()
    }
    var results = Self.concurrently(tests, parallel: parallel) { [instrumented] test in
      let tracesThis = coverage != nil || keepsTrace != nil || test.hasCases
      return run(test, tracesThis ? instrumented ?? program : program, isTraced: tracesThis)
    }
    // Why the others failed is told by a second run.
    let failed = results.indices.filter { results[$0].hasFailed && results[$0].failure == nil }
    if !failed.isEmpty, instrumented == nil || coverage == nil {
      let traced: Program
      if let instrumented { traced = instrumented } else { traced = try self.instrumented() }
      let again = Self.concurrently(failed.map { tests[$0] }, parallel: parallel) { test in
        run(test, traced, isTraced: true)
      }
      for (index, result) in zip(failed, again) { results[index].failure = result.failure }
    }
    return results
  }

  private func run(_ test: TestSuite.Test, _ program: Program, isTraced: Bool) -> TestResult {
    if test.isTodo { return TestResult(test: test, outcome: .skipped) }
    let now = Int(Date().timeIntervalSince1970 * 1e9)
    let start = ContinuousClock.now
    let deadline = start + timeout
    var output = ""
    let evaluation = Evaluation(
      program, input: nil, data: data,
      context: BuiltinContext(nowNanoseconds: now, deadline: deadline, host: model?.question(nil)),
      limits: EvaluationLimits(deadline: deadline), printer: { text, _ in output += text + "\n" })
    let record = TestTrace(keeps: keepsTrace, coverage: coverage)
    if isTraced { evaluation.trace(withValues: true) { record.note($0) } }
    var result = TestResult(test: test, outcome: .passed)
    do throws(RegoError) {
      let value = try evaluation.value(at: test.path)
      record.finish()
      if test.hasCases, let value {
        result.cases = TestCases.results(of: value, record.cases)
        if result.cases.contains(where: \.hasFailed) { result.outcome = .failed }
      } else if value != .boolean(true) {
        result.outcome = .failed
      }
    } catch {
      result.outcome = .error(error)
    }
    let elapsed = (ContinuousClock.now - start).components
    result.nanoseconds = Int(elapsed.seconds) * 1_000_000_000 + Int(elapsed.attoseconds / 1_000_000_000)
    result.output = output
    if result.hasFailed {
      result.failure = record.failure
      result.trace = record.events
    }
    return result
  }

  /// Does the same with each element on several threads, whose stacks have room for deep evaluations.
  private static func concurrently<Element: Sendable, Output: Sendable>(
    _ elements: [Element], parallel: Int, _ body: @escaping @Sendable (Element) -> Output
  ) -> [Output] {
    let next = Mutex(0)
    let outputs = Mutex([Output?](repeating: nil, count: elements.count))
    let shared = Shared(next: next, outputs: outputs)
    let done = DispatchSemaphore(value: 0)
    let count = max(1, min(parallel, elements.count))
    for _ in 0..<count {
      let thread = Thread {
        while true {
          let index = shared.next.withLock { next in
            defer { next += 1 }
            return next
          }
          guard index < elements.count else { break }
          let output = body(elements[index])
          shared.outputs.withLock { $0[index] = output }
        }
        done.signal()
      }
      thread.stackSize = 16 << 20
      thread.start()
    }
    for _ in 0..<count { done.wait() }
    return shared.outputs.withLock { $0.compactMap(\.self) }
  }

  private final class Shared<Output: Sendable>: Sendable {
    let next: Mutex<Int>
    let outputs: Mutex<[Output?]>

    init(next: consuming Mutex<Int>, outputs: consuming Mutex<[Output?]>) {
      self.next = next
      self.outputs = outputs
    }
  }
}

extension Location {
  /// Whether another text lies within this one.
  fileprivate func holds(_ other: Location) -> Bool {
    file == other.file && offset <= other.offset && other.offset + other.length <= offset + length
  }
}

/// What is kept of a test's evaluation.
private final class TestTrace {
  /// Bounds what a test that loops for long can make us keep.
  private static let maximumEvents = 10_000

  private let keeps: (@Sendable (TraceEvent) -> Bool)?
  private let coverage: CoverageRecorder?
  private(set) var failure: TraceEvent?
  private(set) var events: [TraceEvent] = []
  /// The keys of the cases that the test came to, with what failed last up to the next case.
  private(set) var cases: [(keys: [Value], failure: TraceEvent?)] = []
  private var current: [Value]?
  private var currentFailure: TraceEvent?
  private var lines = CoverageRecorder.Lines()

  init(keeps: (@Sendable (TraceEvent) -> Bool)?, coverage: CoverageRecorder?) {
    self.keeps = keeps
    self.coverage = coverage
  }

  func note(_ event: TraceEvent) {
    switch event.operation {
    case .fail:
      // Of an `every` the expression within it says more.
      if case .every = event.subject, let failure, event.location.holds(failure.location) { break }
      if !event.location.file.isEmpty {
        failure = event
        currentFailure = event
      }
    case .testCase:
      closeCase()
      current = event.note?.array
    case .evaluate, .exit: if coverage != nil { lines.note(event) }
    default: break
    }
    if let keeps, event.operation != .testCase, events.count < Self.maximumEvents, keeps(event) {
      events.append(event)
    }
  }

  func finish() {
    closeCase()
    coverage?.add(lines)
  }

  private func closeCase() {
    if let current { cases.append((current, currentFailure)) }
    current = nil
    currentFailure = nil
  }
}

/// The results of a test's cases: those that the rule's value holds, and those that it came to and that failed.
private enum TestCases {
  static func results(
    of value: Value, _ announced: [(keys: [Value], failure: TraceEvent?)]
  ) -> [TestResult.Case] {
    var root = TestResult.Case(name: "")
    root.cases = cases(of: value)
    for (keys, failure) in announced { _ = add(keys.map(name)[...], failure, to: &root) }
    return root.cases
  }

  private static func cases(of value: Value) -> [TestResult.Case] {
    guard let object = value.object else { return [] }
    return object.map { key, value in
      var one = TestResult.Case(name: name(key))
      if value.object != nil {
        one.cases = cases(of: value)
        one.hasFailed = one.cases.contains(where: \.hasFailed)
      } else {
        one.hasFailed = value != .boolean(true)
      }
      return one
    }
  }

  /// Adds a case that the test came to; true where it failed.
  private static func add(
    _ path: ArraySlice<String>, _ failure: TraceEvent?, to parent: inout TestResult.Case
  ) -> Bool {
    guard let name = path.first else { return parent.hasFailed }
    let index: Int
    if let known = parent.cases.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
      index = known
    } else {
      // It is not in the value, so it does not hold.
      index =
        parent.cases.firstIndex { name.utf8.lexicographicallyPrecedes($0.name.utf8) } ?? parent.cases.count
      parent.cases.insert(TestResult.Case(name: name, hasFailed: true), at: index)
    }
    if path.count == 1 {
      if parent.cases[index].hasFailed { parent.cases[index].failure = failure }
      return parent.cases[index].hasFailed
    }
    let hasFailed = add(path.dropFirst(), failure, to: &parent.cases[index])
    if hasFailed { parent.cases[index].hasFailed = true }
    return hasFailed
  }

  private static func name(_ key: Value) -> String { key.string ?? JSONWriter().string(key) }
}
