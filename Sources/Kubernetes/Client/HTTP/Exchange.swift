import NIOCore
import NIOHTTP1
import Synchronization

/// One request's response as it arrives: filled on the connection's event loop, emptied by the task that asked.
///
/// Only so much is held: while more than ``highWater`` waits to be taken, the connection does not read on.
final class Exchange: Sendable {
  private static let highWater = 1 << 20

  private enum End {
    case finished
    case failed(any Error)
  }

  private struct State {
    var head: HTTPResponseHead?
    var chunks: [ByteBuffer] = []
    var bufferedBytes = 0
    var end: End?
    var headWaiter: CheckedContinuation<HTTPResponseHead, any Error>?
    var chunkWaiter: CheckedContinuation<ByteBuffer?, any Error>?
  }

  private let state = Mutex(State())
  private let channel: any Channel

  init(channel: any Channel) { self.channel = channel }

  // MARK: On the event loop

  func received(_ head: HTTPResponseHead) {
    state.withLock { state in
      state.head = head
      defer { state.headWaiter = nil }
      return state.headWaiter
    }?.resume(returning: head)
  }

  func received(_ bytes: ByteBuffer) {
    state.withLock { state -> CheckedContinuation<ByteBuffer?, any Error>? in
      if let waiter = state.chunkWaiter {
        state.chunkWaiter = nil
        return waiter
      }
      state.chunks.append(bytes)
      state.bufferedBytes += bytes.readableBytes
      return nil
    }?.resume(returning: bytes)
  }

  func finished() { end(.finished) }

  func failed(_ error: any Error) { end(.failed(error)) }

  private func end(_ end: End) {
    let (head, chunk) = state.withLock { state in
      guard state.end == nil else {
        return (
          CheckedContinuation<HTTPResponseHead, any Error>?.none,
          CheckedContinuation<ByteBuffer?, any Error>?.none
        )
      }
      state.end = end
      defer {
        state.headWaiter = nil
        state.chunkWaiter = nil
      }
      return (state.headWaiter, state.chunkWaiter)
    }
    switch end {
    case .finished:
      head?.resume(throwing: ChannelError.eof)
      chunk?.resume(returning: nil)
    case .failed(let error):
      head?.resume(throwing: error)
      chunk?.resume(throwing: error)
    }
  }

  /// Whether enough waits to be taken.
  var isFull: Bool { state.withLock { $0.bufferedBytes >= Self.highWater } }

  // MARK: In the task that asked

  /// The response's head. Cancellation closes the connection.
  func head() async throws -> HTTPResponseHead {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result = state.withLock { state -> Result<HTTPResponseHead, any Error>? in
          if let head = state.head { return .success(head) }
          if case .failed(let error)? = state.end { return .failure(error) }
          state.headWaiter = continuation
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      abandon(CancellationError())
    }
  }

  /// The next part of the body; nil after the last. Cancellation closes the connection.
  func nextChunk() async throws -> ByteBuffer? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let (result, hasDrained) = state.withLock { state -> (Result<ByteBuffer?, any Error>?, Bool) in
          if !state.chunks.isEmpty {
            let wasFull = state.bufferedBytes >= Self.highWater
            let all = Self.joined(&state.chunks)
            state.bufferedBytes = 0
            return (.success(all), wasFull)
          }
          switch state.end {
          case .finished?: return (.success(nil), false)
          case .failed(let error)?: return (.failure(error), false)
          case nil:
            state.chunkWaiter = continuation
            return (nil, false)
          }
        }
        if hasDrained { channel.read() }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      abandon(CancellationError())
    }
  }

  private static func joined(_ chunks: inout [ByteBuffer]) -> ByteBuffer {
    defer { chunks.removeAll(keepingCapacity: true) }
    guard chunks.count > 1 else { return chunks[0] }
    var all = ByteBuffer()
    all.reserveCapacity(chunks.reduce(0) { $0 + $1.readableBytes })
    for chunk in chunks { all.writeImmutableBuffer(chunk) }
    return all
  }

  /// Ends a response that nobody will read to its end, and its connection.
  func abandon(_ error: any Error) {
    let isOver = state.withLock { if case .finished? = $0.end { true } else { false } }
    failed(error)
    if !isOver { channel.close(promise: nil) }
  }
}
