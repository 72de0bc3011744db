import Glibc
import Synchronization

/// Carries lines to a file descriptor through a bounded queue and a thread of its own, so that a reader who stalls costs
/// lines, which are counted, and never a decision.
final class LineQueue: Sendable {
  private struct State {
    var waiting: [UInt8] = []
    /// The thread is asleep until the semaphore is signalled.
    var isAsleep = false
    var isClosed = false
    /// The thread has written all it could and is gone.
    var isFinished = false
  }

  private let state = Mutex(State())
  private let wake = Semaphore()
  private let droppedCount = Atomic<Int>(0)
  private let descriptor: CInt
  private let maximumBytes: Int
  private let lingerMicroseconds: UInt32

  /// - Parameters:
  ///   - descriptor: written to by the queue's thread alone; not closed.
  ///   - maximumBytes: what may wait; lines beyond it are dropped.
  ///   - linger: how long the first of a burst of lines may wait for others, to be written with them.
  init(descriptor: CInt, maximumBytes: Int, linger: Duration = .milliseconds(5)) {
    self.descriptor = descriptor
    self.maximumBytes = maximumBytes
    lingerMicroseconds = UInt32(clamping: linger.components.attoseconds / 1_000_000_000_000)
    state.withLock { $0.waiting.reserveCapacity(64 << 10) }
    startThread { [self] in drain() }
  }

  /// Lines that were not written.
  var dropped: Int { droppedCount.load(ordering: .relaxed) }

  /// Puts a line, with its end, into the queue, or drops it where the queue is full or closed. Never blocks.
  func append(_ line: [UInt8]) {
    let mustWake = state.withLock { state -> Bool? in
      guard !state.isClosed, state.waiting.count + line.count <= maximumBytes else { return nil }
      state.waiting.append(contentsOf: line)
      let wasAsleep = state.isAsleep
      state.isAsleep = false
      return wasAsleep
    }
    switch mustWake {
    case true: wake.signal()
    case false: break
    case nil: droppedCount.wrappingAdd(1, ordering: .relaxed)
    }
  }

  /// Takes no more lines and waits until those there are have been written.
  ///
  /// - Returns: false where the reader did not take them in time.
  func close(within limit: Duration) async -> Bool {
    let wasAsleep = state.withLock { state -> Bool in
      state.isClosed = true
      let wasAsleep = state.isAsleep
      state.isAsleep = false
      return wasAsleep
    }
    if wasAsleep { wake.signal() }
    let end = ContinuousClock.now + limit
    while !state.withLock({ $0.isFinished }) {
      if ContinuousClock.now >= end { return false }
      try? await Task.sleep(for: .milliseconds(2))
    }
    return true
  }

  private enum Next {
    case write
    case sleep
    case finish
  }

  private func drain() {
    // This buffer and the queue's take turns, so that neither is allocated anew.
    var lines: [UInt8] = []
    while true {
      let next = state.withLock { state -> Next in
        if !state.waiting.isEmpty {
          swap(&state.waiting, &lines)
          return .write
        }
        if state.isClosed {
          state.isFinished = true
          return .finish
        }
        state.isAsleep = true
        return .sleep
      }
      switch next {
      case .finish:
        return
      case .sleep:
        wake.wait()
        // A thread that woke for each line would take the time of the decisions that make them.
        usleep(lingerMicroseconds)
      case .write:
        write(lines)
        lines.removeAll(keepingCapacity: lines.capacity <= 1 << 20)
      }
    }
  }

  private func write(_ lines: [UInt8]) {
    lines.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let chunk = UnsafeRawBufferPointer(rebasing: rest)
        let count = Glibc.write(descriptor, chunk.baseAddress, chunk.count)
        if count >= 0 {
          rest = rest.dropFirst(count)
          continue
        }
        switch errno {
        case EINTR: continue
        case EAGAIN:
          var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&poller, 1, -1)
        default:
          // A closed pipe or a full disk: these lines are lost, later ones may not be.
          let lost = rest.reduce(0) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
          droppedCount.wrappingAdd(lost, ordering: .relaxed)
          return
        }
      }
    }
  }
}

/// A counting semaphore of the C library, on which a thread may wait.
private final class Semaphore: @unchecked Sendable {
  // Sendable: sem_post and sem_wait are made to be called on one semaphore from many threads (POSIX.1-2017), and its
  // storage stays where it is until deinit.
  private let pointer: UnsafeMutablePointer<sem_t>

  init() {
    pointer = .allocate(capacity: 1)
    sem_init(pointer, 0, 0)
  }

  deinit {
    sem_destroy(pointer)
    pointer.deallocate()
  }

  func signal() { sem_post(pointer) }

  func wait() {
    while sem_wait(pointer) != 0 && errno == EINTR {}
  }
}

/// Runs the closure on a new thread that nobody waits for.
private func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let box = Unmanaged.passRetained(Box(body))
  let error = pthread_create(
    &thread, nil,
    { argument in
      if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
      return nil
    }, box.toOpaque())
  guard error == 0 else {
    box.release()
    return
  }
  pthread_detach(thread)
}
