import Rego

/// The answer to an AdmissionReview (Kubernetes API reference, AdmissionResponse), within the bounds that the API server sets.
public struct AdmissionResponse: Sendable, Hashable {
  /// Why a request is refused.
  public struct Status: Sendable, Hashable {
    /// The HTTP status code that the API server gives its client.
    public var code: Int
    public var message: String

    public init(code: Int, message: String) {
      self.code = code
      self.message = message
    }

    /// The code's name among the API's reasons (Kubernetes API reference, Status).
    public var reason: String {
      switch code {
      case 400: "BadRequest"
      case 401: "Unauthorized"
      case 403: "Forbidden"
      case 404: "NotFound"
      case 409: "Conflict"
      case 422: "Invalid"
      case 429: "TooManyRequests"
      case 500: "InternalError"
      case 503: "ServiceUnavailable"
      case 504: "Timeout"
      default: ""
      }
    }
  }

  /// The version of the request.
  public var version: AdmissionRequest.Version
  /// The uid of the request.
  public var uid: RegoString
  public var allowed: Bool
  /// Rendered only where the request is refused.
  public var status: Status?
  public var warnings: [String]
  /// By keys without a slash, before which the API server writes the webhook's name.
  public var auditAnnotations: [String: String]

  public init(
    version: AdmissionRequest.Version, uid: RegoString, allowed: Bool, status: Status? = nil,
    warnings: [String] = [],
    auditAnnotations: [String: String] = [:]
  ) {
    self.version = version
    self.uid = uid
    self.allowed = allowed
    self.status = status
    self.warnings = warnings
    self.auditAnnotations = auditAnnotations
  }

  /// The AdmissionReview as JSON: what is longer than the API server takes is cut, and audit annotations in the order of their keys.
  public func json() -> [UInt8] {
    var json = JSONBytes()
    json.raw("{\"kind\":\"AdmissionReview\",\"apiVersion\":\"")
    json.raw(version == .v1 ? "admission.k8s.io/v1" : "admission.k8s.io/v1beta1")
    json.raw("\",\"response\":{\"uid\":")
    json.string(uid)
    json.raw(allowed ? ",\"allowed\":true" : ",\"allowed\":false")
    if !allowed, let status {
      json.raw(",\"status\":{\"code\":")
      json.raw(String(status.code))
      if !status.reason.isEmpty {
        json.raw(",\"reason\":")
        json.string(status.reason)
      }
      json.raw(",\"message\":")
      json.string(ResponseLimits.cut(status.message, toBytes: ResponseLimits.messageBytes))
      json.raw("}")
    }
    if !warnings.isEmpty {
      json.raw(",\"warnings\":[")
      for (index, warning) in ResponseLimits.bounded(warnings).enumerated() {
        if index > 0 { json.raw(",") }
        json.string(warning)
      }
      json.raw("]")
    }
    if !auditAnnotations.isEmpty { append(auditAnnotations, to: &json) }
    json.raw("}}")
    return json.bytes
  }

  private func append(_ annotations: [String: String], to json: inout JSONBytes) {
    var named: [(key: String, value: String)] = []
    named.reserveCapacity(annotations.count)
    for (key, value) in annotations {
      let key = ResponseLimits.auditKey(key)
      if !key.isEmpty { named.append((key, value)) }
    }
    // Keys are ASCII, of which Swift's order is that of the bytes.
    if named.count > 1 { named.sort { $0.key < $1.key } }
    json.raw(",\"auditAnnotations\":{")
    for (index, annotation) in named.enumerated() {
      // Two keys can become one where characters are replaced; JSON's readers differ on which of two members counts.
      if index > 0, named[index - 1].key == annotation.key { continue }
      if index > 0 { json.raw(",") }
      json.string(annotation.key)
      json.raw(":")
      json.string(ResponseLimits.cut(annotation.value, toBytes: ResponseLimits.messageBytes))
    }
    json.raw("}")
  }
}

/// JSON under construction.
struct JSONBytes {
  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(512) }

  /// Adds what is JSON already.
  mutating func raw(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func raw(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  mutating func string(_ text: RegoString) { string(text.string) }

  mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { JSONBytes.writer.append(string: UnsafeRawBufferPointer($0), to: &bytes) }
  }

  private static let writer = JSONWriter(escapesHTML: false)
}
