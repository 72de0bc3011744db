import Glibc
import NIOCore
import NIOHTTP1
import Rego

/// From where to watch, and for how long.
public struct WatchOptions: Sendable {
  public var resourceVersion: RegoString
  public var labelSelector: String?
  public var fieldSelector: String?
  /// After which the server ends the watch.
  public var timeout = Duration.seconds(Int64.random(in: 300...600))
  /// After which a watch that sends nothing, not even a bookmark, counts as lost.
  public var silence = Duration.seconds(120)
  /// What of each object is built; its resource version need not be among it.
  public var shape = PathShape.all

  public init(resourceVersion: RegoString) { self.resourceVersion = resourceVersion }
}

/// What happened to an object.
public struct WatchEvent: Sendable {
  public enum Kind: Sendable, Hashable {
    case added
    case modified
    case deleted
    /// Nothing happened up to ``WatchEvent/resourceVersion``.
    case bookmark
  }

  public var kind: Kind
  /// As it is now; as it last was where it is deleted; of a bookmark nothing to rely on.
  public var object: Value
  /// From where to watch on after this event.
  public var resourceVersion: RegoString

  public init(kind: Kind, object: Value, resourceVersion: RegoString) {
    self.kind = kind
    self.object = object
    self.resourceVersion = resourceVersion
  }
}

extension KubernetesClient {
  /// Watches objects.
  ///
  /// - Returns: the events as they come, several at a time where several have come.
  /// - Throws: a failure whose ``APIError/isExpired`` is true where the server no longer keeps the resource version.
  public func watch(
    _ resource: APIResource, namespace: RegoString? = nil, options: WatchOptions
  ) async throws -> WatchStream {
    var items = [(name: String, value: String)]()
    items += [
      ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", options.resourceVersion.string),
      ("timeoutSeconds", "\(max(options.timeout.components.seconds, 1))"),
    ]
    if let selector = options.labelSelector { items.append(("labelSelector", selector)) }
    if let selector = options.fieldSelector { items.append(("fieldSelector", selector)) }
    let request = Request(
      method: .GET, target: resource.path(namespace: namespace) + URLText.query(items),
      operation: "watch \(resource)", deadline: .now + limits.requestTimeout, silence: options.silence)
    return WatchStream(
      exchange: try await open(request), request: request, resource: resource, shape: options.shape,
      maximumLine: limits.responseBytes, client: self)
  }
}

/// The events of a watch. It ends where the server ends it; what was cut off is no event, and is sent again by the next watch.
///
/// To be iterated once.
public struct WatchStream: AsyncSequence, Sendable {
  public typealias Element = [WatchEvent]

  let exchange: Exchange
  let request: KubernetesClient.Request
  let resource: APIResource
  let shape: PathShape
  let maximumLine: Int
  let client: KubernetesClient

  public func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

  /// Ends the watch and its connection.
  public func cancel() { exchange.abandon(CancellationError()) }

  public struct Iterator: AsyncIteratorProtocol {
    private let stream: WatchStream
    private let eventShape: PathShape
    private var pending = ByteBuffer()
    /// How much of ``pending`` is known to hold no line's end.
    private var searched = 0

    init(stream: WatchStream) {
      self.stream = stream
      eventShape = PathShape.members([(RegoString("object"), stream.shape)])
    }

    /// The next events; nil once the server has ended the watch.
    ///
    /// - Throws: ``APIError``: what an ERROR event says, such as that the resource version has expired; that the watch was
    ///   silent for too long; that the connection was lost. All that came before has been returned.
    public mutating func next() async throws -> [WatchEvent]? {
      while true {
        let events = try takeEvents()
        if !events.isEmpty { return events }
        let chunk: ByteBuffer?
        do {
          chunk = try await stream.exchange.nextChunk()
        } catch let failure as ConnectionFailure {
          throw stream.client.apiError(failure, stream.request)
        }
        guard let chunk else { return nil }
        guard pending.readableBytes + chunk.readableBytes <= stream.maximumLine else {
          let error = APIError.responseTooLarge(
            operation: stream.request.operation, limit: stream.maximumLine)
          stream.exchange.abandon(error)
          throw error
        }
        if pending.readableBytes == 0 { pending = chunk } else { pending.writeImmutableBuffer(chunk) }
      }
    }

    /// The events whose lines are complete. What an ERROR says is thrown once those before it have been taken.
    private mutating func takeEvents() throws -> [WatchEvent] {
      var events: [WatchEvent] = []
      while let length = lineLength() {
        guard let line = pending.getSlice(at: pending.readerIndex, length: length) else { break }
        do {
          if let event = try line.withUnsafeReadableBytes({ try event($0) }) { events.append(event) }
        } catch {
          if !events.isEmpty { return events }
          stream.exchange.abandon(error)
          throw error
        }
        pending.moveReaderIndex(forwardBy: length + 1)
        searched = 0
      }
      if pending.readableBytes == 0 { pending = ByteBuffer() }
      return events
    }

    /// How long the first line is; nil where its end has not come.
    private mutating func lineLength() -> Int? {
      let searched = searched
      let found = pending.withUnsafeReadableBytes { bytes -> Int? in
        guard let start = bytes.baseAddress, bytes.count > searched,
          let end = memchr(start + searched, Int32(UInt8(ascii: "\n")), bytes.count - searched)
        else { return nil }
        return UnsafeRawPointer(end) - start
      }
      if found == nil { self.searched = pending.readableBytes }
      return found
    }

    private func event(_ line: UnsafeRawBufferPointer) throws -> WatchEvent? {
      if line.allSatisfy({ $0 <= UInt8(ascii: " ") }) { return nil }
      func malformed(_ reason: String) -> APIError {
        .malformedResponse(operation: stream.request.operation, reason: reason)
      }
      do {
        guard let type = JSONReader.peekString(at: ["type"], in: line) else {
          throw malformed("an event without a type")
        }
        let kind: WatchEvent.Kind
        switch type {
        case "ADDED": kind = .added
        case "MODIFIED": kind = .modified
        case "DELETED": kind = .deleted
        case "BOOKMARK": kind = .bookmark
        case "ERROR":
          let status = APIStatus(try JSONReader.value(line)["object"] ?? .null, code: 500)
          throw APIError.status(status, operation: stream.request.operation)
        default: throw malformed("an event of the unknown type \(type)")
        }
        guard let version = JSONReader.peekString(at: ["object", "metadata", "resourceVersion"], in: line)
        else { throw malformed("an event without the object's resourceVersion") }
        if kind == .bookmark { return WatchEvent(kind: kind, object: .null, resourceVersion: version) }
        let object = try JSONReader.project(line, shape: eventShape)["object"] ?? .null
        return WatchEvent(kind: kind, object: stream.resource.completed(object), resourceVersion: version)
      } catch let error as JSONError {
        throw malformed("\(error)")
      }
    }
  }
}
