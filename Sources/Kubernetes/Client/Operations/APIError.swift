import Rego

/// What the API server says of a request that failed (Kubernetes API reference, Status).
public struct APIStatus: Error, Sendable, Hashable {
  /// The HTTP status code.
  public var code: Int
  /// A word for programs, such as `NotFound`, `AlreadyExists`, `Conflict` or `Expired`; empty where none was given.
  public var reason: String
  /// A sentence for people.
  public var message: String
  /// When to try again, where the server says so.
  public var retryAfter: Duration?

  public init(code: Int, reason: String, message: String, retryAfter: Duration? = nil) {
    self.code = code
    self.reason = reason
    self.message = message
    self.retryAfter = retryAfter
  }

  /// Reads a Status object; a member that is missing or of another type counts as none.
  init(_ object: Value, code: Int) {
    self.code = object["code"]?.int ?? code
    reason = object["reason"]?.string ?? ""
    message = object["message"]?.string ?? ""
    retryAfter = object["details"]?["retryAfterSeconds"]?.int.flatMap { $0 > 0 ? .seconds($0) : nil }
  }
}

/// Why a request to the API server has no result.
public enum APIError: Error, Sendable, Hashable {
  /// The server refused it.
  case status(APIStatus, operation: String)
  /// No connection could be made: which server, and why.
  case unreachable(server: String, reason: String)
  /// The connection ended before the response did.
  case connectionLost(operation: String, reason: String)
  case timedOut(operation: String)
  /// The response is not what the API's reference says.
  case malformedResponse(operation: String, reason: String)
  case responseTooLarge(operation: String, limit: Int)
  /// There are no credentials to show: why.
  case credentials(reason: String)

  /// The HTTP status code, where the server answered with one that is no success.
  public var code: Int? {
    if case .status(let status, _) = self { status.code } else { nil }
  }

  /// The Status' reason, such as `AlreadyExists`; empty where there is none.
  public var reason: String {
    if case .status(let status, _) = self { status.reason } else { "" }
  }

  /// When to try again, where the server says so.
  public var retryAfter: Duration? {
    if case .status(let status, _) = self { status.retryAfter } else { nil }
  }

  public var isNotFound: Bool { code == 404 }
  public var isUnauthorized: Bool { code == 401 }
  public var isForbidden: Bool { code == 403 }
  /// The version from which to list or watch on is no longer kept.
  public var isExpired: Bool { code == 410 }
  /// Another has changed the object since it was read.
  public var isConflict: Bool { code == 409 && reason != "AlreadyExists" }
  public var isAlreadyExists: Bool { code == 409 && reason == "AlreadyExists" }
  /// Whether the server could not be asked at all.
  public var isUnreachable: Bool {
    switch self {
    case .unreachable, .connectionLost, .timedOut: true
    default: false
    }
  }
}

extension APIError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .status(let status, let operation):
      "\(operation): \(status.message.isEmpty ? "the API server answered \(status.code) \(status.reason)" : status.message)"
    case .unreachable(let server, let reason): "cannot reach the API server \(server): \(reason)"
    case .connectionLost(let operation, let reason): "\(operation): the connection was lost: \(reason)"
    case .timedOut(let operation): "\(operation): the API server did not answer in time"
    case .malformedResponse(let operation, let reason):
      "\(operation): the API server's answer cannot be read: \(reason)"
    case .responseTooLarge(let operation, let limit):
      "\(operation): the API server's answer is larger than \(limit) bytes"
    case .credentials(let reason): "no credentials for the API server: \(reason)"
    }
  }
}
