import Foundation
import Rego

/// What is told of an evaluation beside its results: where its time went, which lines it reached, and its steps.
final class EvaluationRecord {
  /// More steps than these are not kept.
  private static let maximumEvents = 500_000

  /// Nanoseconds by the names that OPA gives them (OPA documentation, "Monitoring", "Metrics").
  private(set) var metrics: [(name: String, nanoseconds: Int)] = []
  private(set) var events: [TraceEvent] = []
  private(set) var hasMoreEvents = false
  private(set) var profile = EvaluationProfile()
  private var lines = CoverageRecorder.Lines()
  let mode: TraceText.Mode
  let profiles: Bool
  let covers: Bool

  init(mode: TraceText.Mode, profiles: Bool, covers: Bool) {
    self.mode = mode
    self.profiles = profiles
    self.covers = covers
  }

  var isInstrumented: Bool { mode != .off || profiles || covers }

  /// Does something, and notes how long it takes as `timer_NAME_ns`.
  func time<Output, Failure: Error>(_ name: String, _ body: () throws(Failure) -> Output) throws(Failure)
    -> Output
  {
    let start = Self.now()
    defer { add(Self.now() - start, to: "timer_\(name)_ns") }
    return try body()
  }

  private func add(_ nanoseconds: Int, to name: String) {
    if let index = metrics.firstIndex(where: { $0.name == name }) {
      metrics[index].nanoseconds += nanoseconds
    } else {
      metrics.append((name, nanoseconds))
    }
  }

  func note(_ event: TraceEvent) {
    if covers { lines.note(event) }
    if profiles { profile.note(event, at: Self.now()) }
    guard mode != .off else { return }
    if events.count < Self.maximumEvents { events.append(event) } else { hasMoreEvents = true }
  }

  func finish() {
    if profiles { profile.finish(at: Self.now()) }
  }

  func coverage(of modules: [Module]) -> CoverageReport {
    CoverageReport(modules: modules, covered: lines)
  }

  private static func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}

/// Where an evaluation's time went, by expression.
struct EvaluationProfile {
  struct Entry {
    var location: Location
    var nanoseconds = 0
    var evaluations = 0
    var redos = 0
  }

  private var entries: [Location: Entry] = [:]
  private var current: (location: Location, since: Int)?

  /// From one event to the next, the time is that of the expression that came last.
  mutating func note(_ event: TraceEvent, at now: Int) {
    switch event.subject {
    case .query, .rule: return
    case .expression, .every: break
    }
    guard event.operation == .evaluate || event.operation == .redo else { return }
    finish(at: now)
    let location = event.location
    if event.operation == .evaluate {
      entries[location, default: Entry(location: location)].evaluations += 1
    } else {
      entries[location, default: Entry(location: location)].redos += 1
    }
    current = (location, now)
  }

  mutating func finish(at now: Int) {
    if let current {
      entries[current.location, default: Entry(location: current.location)].nanoseconds += now - current.since
    }
    current = nil
  }

  /// The ten that took longest.
  var longest: [Entry] {
    let sorted = entries.values.sorted { a, b in
      if a.nanoseconds != b.nanoseconds { return a.nanoseconds > b.nanoseconds }
      return a.location.file == b.location.file
        ? a.location.offset < b.location.offset : a.location.file < b.location.file
    }
    return Array(sorted.prefix(10))
  }
}
