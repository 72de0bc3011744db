import NIOHTTP1

/// What the server does, by path.
enum Endpoint: Sendable, Hashable {
  case validate
  case liveness
  case readiness
  case metrics
}

/// Which paths a port serves.
struct Routes: Sendable {
  /// Whether this port decides reviews.
  var servesReviews: Bool
  /// Whether this port answers `/healthz`, `/readyz` and `/metrics`.
  var servesHealth: Bool

  enum Match {
    case endpoint(Endpoint)
    case unknownPath
    /// The path is known but not with this method: what to put in `Allow`.
    case wrongMethod(allowed: String)
  }

  func match(method: HTTPMethod, path: Substring) -> Match {
    switch path {
    case "/validate" where servesReviews:
      method == .POST ? .endpoint(.validate) : .wrongMethod(allowed: "POST")
    case "/healthz" where servesHealth: reading(method, .liveness)
    case "/readyz" where servesHealth: reading(method, .readiness)
    case "/metrics" where servesHealth: reading(method, .metrics)
    default: .unknownPath
    }
  }

  private func reading(_ method: HTTPMethod, _ endpoint: Endpoint) -> Match {
    method == .GET || method == .HEAD ? .endpoint(endpoint) : .wrongMethod(allowed: "GET, HEAD")
  }
}

/// A request target in its parts (RFC 9112 section 3.2).
struct RequestTarget {
  var path: Substring
  /// Without the question mark.
  var query: Substring

  init(_ target: String) {
    var rest = target[...]
    // The absolute form must be accepted (section 3.2.2).
    if rest.utf8.first != UInt8(ascii: "/") {
      for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) {
        let afterHost = rest.dropFirst(scheme.count).drop { $0 != "/" && $0 != "?" }
        rest = afterHost.isEmpty ? "/" : afterHost
      }
    }
    if let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) {
      path = rest[..<mark]
      query = rest[rest.utf8.index(after: mark)...]
    } else {
      path = rest
      query = ""
    }
  }

  /// The value of a query parameter; empty where it is there without one, nil where it is not there.
  func parameter(_ name: String) -> Substring? {
    guard !query.isEmpty else { return nil }
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts[0].utf8.elementsEqual(name.utf8) { return parts.count > 1 ? parts[1] : "" }
    }
    return nil
  }
}
