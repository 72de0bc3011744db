import NIOHTTP1

/// What the server does, by path.
enum Endpoint: Sendable, Hashable {
  case validate
  /// Reviews of policies themselves.
  case validatePolicies
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
  /// Whether this port decides reviews of policies themselves, too.
  var servesPolicyReviews = false

  enum Match {
    case endpoint(Endpoint)
    case unknownPath
    /// The path is known but not with this method: what to put in `Allow`.
    case wrongMethod(allowed: String)
  }

  func match(method: HTTPMethod, path: Substring.UTF8View) -> Match {
    if servesReviews && path.isEqual(to: "/validate") {
      return method == .POST ? .endpoint(.validate) : .wrongMethod(allowed: "POST")
    }
    if servesPolicyReviews && path.isEqual(to: "/validate-policies") {
      return method == .POST ? .endpoint(.validatePolicies) : .wrongMethod(allowed: "POST")
    }
    guard servesHealth else { return .unknownPath }
    let endpoint: Endpoint
    if path.isEqual(to: "/healthz") {
      endpoint = .liveness
    } else if path.isEqual(to: "/readyz") {
      endpoint = .readiness
    } else if path.isEqual(to: "/metrics") {
      endpoint = .metrics
    } else {
      return .unknownPath
    }
    return method == .GET || method == .HEAD ? .endpoint(endpoint) : .wrongMethod(allowed: "GET, HEAD")
  }
}

/// A request target in its parts (RFC 9112 section 3.2).
struct RequestTarget {
  var path: Substring.UTF8View
  /// Without the question mark.
  var query: Substring.UTF8View

  init(_ target: String) {
    var rest = target[...].utf8
    // The absolute form must be accepted (section 3.2.2).
    if rest.first != UInt8(ascii: "/") {
      for scheme: StaticString in ["https://", "http://"]
      where rest.prefix(scheme.utf8CodeUnitCount).isEqual(to: scheme) {
        rest = rest.dropFirst(scheme.utf8CodeUnitCount).drop {
          $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?")
        }
        if rest.isEmpty { rest = "/"[...].utf8 }
        break
      }
    }
    if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
      path = rest[..<mark]
      query = rest[rest.index(after: mark)...]
    } else {
      path = rest
      query = rest[rest.endIndex...]
    }
  }

  /// The value of a query parameter; empty where it is there without one, nil where it is not there.
  func parameter(_ name: StaticString) -> Substring? {
    var rest = query
    while !rest.isEmpty {
      let pair = rest.prefix { $0 != UInt8(ascii: "&") }
      rest = rest[pair.endIndex...].dropFirst()
      let key = pair.prefix { $0 != UInt8(ascii: "=") }
      if key.isEqual(to: name) { return Substring(pair[key.endIndex...].dropFirst()) }
    }
    return nil
  }
}

extension Substring.UTF8View {
  /// Compares bytes.
  func isEqual(to text: StaticString) -> Bool {
    let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    return withContiguousStorageIfAvailable { $0.elementsEqual(expected) } ?? elementsEqual(expected)
  }
}
