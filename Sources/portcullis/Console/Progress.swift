/// Says on a terminal how far work has come that takes over a second; says nothing elsewhere.
final class Progress {
  private let console: Console
  private let what: String
  private let total: Int
  private let isShown: Bool
  private let start = ContinuousClock.now
  private var next: ContinuousClock.Instant
  private var hasText = false

  /// - Parameter what: what is counted, such as `objects checked`.
  init(_ what: String, of total: Int, on console: Console = .error) {
    self.what = what
    self.total = total
    self.console = console
    isShown = console.isTerminal
    next = start + .seconds(1)
  }

  func update(_ done: Int) {
    guard isShown, ContinuousClock.now >= next else { return }
    next = ContinuousClock.now + .milliseconds(100)
    console.write("\r\u{1b}[K\(done) of \(total) \(what)")
    hasText = true
  }

  /// Takes the text away again.
  func finish() {
    if hasText { console.write("\r\u{1b}[K") }
  }
}
