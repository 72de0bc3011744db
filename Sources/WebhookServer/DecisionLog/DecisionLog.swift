import Admission
import Glibc

/// Writes each decision as one JSON line; a reader who stalls costs lines, not time.
public final class DecisionLog: Sendable {
  private let queue: LineQueue

  /// - Parameters:
  ///   - descriptor: where lines go; standard output where nothing else is said.
  ///   - maximumBytes: lines that wait beyond this are dropped and counted.
  public init(descriptor: CInt = STDOUT_FILENO, maximumBytes: Int = 4 << 20) {
    queue = LineQueue(descriptor: descriptor, maximumBytes: maximumBytes)
  }

  /// Lines that were dropped.
  public var dropped: Int { queue.dropped }

  /// Logs a decision. Never blocks.
  public func append(_ decision: Decision) { queue.append(decision.logLine(at: .now())) }

  /// Writes what waits and takes no more.
  ///
  /// - Returns: false where the reader did not take all in time.
  @discardableResult
  public func close(within limit: Duration) async -> Bool { await queue.close(within: limit) }
}
