/// Builtins for Amazon Web Services (OPA documentation, "Providers").
enum AWSBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    Builtin(
      "providers.aws.sign_req", category: "providers.aws",
      "Signs a request of `http.send` with AWS Signature Version 4.",
      [
        Parameter("request", .object(.string, .any), "the request"),
        Parameter("aws_config", .object(.string, .any), "keys, region and service"),
        Parameter("time_ns", .number, "the instant of the signature"),
      ],
      returns: Parameter("signed_request", .anyObject, "the request with the headers of the signature"),
      .ternary(signRequest)
    ).restricted()
  ]

  private static let requiredConfiguration = [
    "aws_access_key", "aws_region", "aws_secret_access_key", "aws_service",
  ]
  /// What a request of `http.send` may have.
  private static let requestMembers = Set([
    "method", "url", "body", "enable_redirect", "force_json_decode", "force_yaml_decode", "headers",
    "raw_body",
    "tls_use_system_certs", "tls_ca_cert", "tls_ca_cert_file", "tls_ca_cert_env_variable", "tls_client_cert",
    "tls_client_cert_file", "tls_client_cert_env_variable", "tls_client_key", "tls_client_key_file",
    "tls_client_key_env_variable", "tls_insecure_skip_verify", "tls_server_name", "timeout", "cache",
    "force_cache",
    "force_cache_duration_seconds", "raise_error", "caching_mode", "max_retry_attempts",
    "cache_ignored_headers",
  ])

  private static func signRequest(
    _ request: Value, _ configuration: Value, _ time: Value
  ) throws(BuiltinError) -> Value? {
    let request = try request.object(operand: 1)
    let configuration = try configuration.object(operand: 2)
    try require(requiredConfiguration, in: configuration, 2, "required AWS config parameters(s)")
    guard let nanoseconds = try time.number(operand: 3).int, nanoseconds >= 0 else {
      throw .operand(3, "could not convert time_ns value into a unix timestamp")
    }
    let unknown = request.keys.filter { key in !(key.string.map(requestMembers.contains) ?? false) }
    if !unknown.isEmpty {
      throw .operand(1, "invalid request parameters(s): \(Value.set(SetValue(unknown)))")
    }
    var headers = ObjectValue()
    if let value = request["headers"] {
      guard case .object(let object) = value else { throw .wrongType(0, expected: "object", got: value) }
      headers = object
    }
    try require(["method", "url"], in: request, 1, "required request parameters(s)")
    guard let url = request["url"]?.string.flatMap(GoURL.init) else {
      throw .failed("parse \(GoQuote.quote(request["url"]?.string ?? "")): invalid URL")
    }
    var unsignedPayload = false
    if let value = configuration["disable_payload_signing"] {
      guard case .boolean(let boolean) = value else {
        throw .operand(2, "invalid value for 'disable_payload_signing' in AWS config")
      }
      unsignedPayload = boolean
    }
    let signature = AWSSignature(
      accessKey: configuration["aws_access_key"]?.string ?? "",
      secretKey: configuration["aws_secret_access_key"]?.string ?? "",
      sessionToken: configuration["aws_session_token"]?.string ?? "",
      region: configuration["aws_region"]?.string ?? "", service: configuration["aws_service"]?.string ?? "",
      time: ZonedTime(nanoseconds: nanoseconds, zone: .utc))
    let added = try signature.headers(
      method: request["method"]?.string ?? "", url: url, headers: headers, body: body(request),
      hasUnsignedPayload: unsignedPayload)
    var signed = ObjectValue(headers.map { ($0, .string($1.string ?? "")) })
    for (name, value) in added { signed = signed.inserting(.string(name), .string(value)) }
    return .object(request.inserting("headers", .object(signed)))
  }

  /// Refuses an object in which members are missing or are no strings.
  private static func require(
    _ names: [String], in object: ObjectValue, _ position: Int, _ what: String
  ) throws(BuiltinError) {
    func text(_ names: [String]) -> String { Value.set(SetValue(names.map { .string($0) })).description }
    let missing = names.filter { object[$0] == nil }
    if !missing.isEmpty { throw .operand(position, "missing \(what): \(text(missing))") }
    let invalid = names.filter { object[$0]?.string == nil }
    if !invalid.isEmpty { throw .operand(position, "invalid values for \(what): \(text(invalid))") }
  }

  private static func body(_ request: ObjectValue) -> [UInt8] {
    if let raw = request["raw_body"] { return Array((raw.string ?? "").utf8) }
    guard let body = request["body"] else { return [] }
    var bytes: [UInt8] = []
    JSONWriter().append(body, to: &bytes)
    return bytes
  }
}

/// AWS Signature Version 4 in the header `Authorization` (AWS General Reference, "Signing AWS API requests").
struct AWSSignature {
  let accessKey: String
  let secretKey: String
  /// Empty where the keys are lasting ones.
  let sessionToken: String
  let region: String
  let service: String
  let time: ZonedTime

  /// Headers that proxies change on the way, which therefore are not signed.
  private static let ignored = Set(["authorization", "user-agent", "x-amzn-trace-id"])

  /// The headers to add to a request, `Authorization` among them.
  func headers(
    method: String, url: GoURL, headers: ObjectValue, body: [UInt8], hasUnsignedPayload: Bool
  ) throws(BuiltinError) -> [(String, String)] {
    let payload = hasUnsignedPayload ? "UNSIGNED-PAYLOAD" : Hexadecimal.encode(try Digest.sha256.hash(body))
    let date = time.formatted(GoTimeLayout("20060102"))
    let instant = time.formatted(GoTimeLayout("20060102T150405Z"))
    var added = [("host", url.host), ("x-amz-date", instant)]
    if hasUnsignedPayload || service == "s3" || service == "glacier" {
      added.append(("x-amz-content-sha256", payload))
    }
    if !sessionToken.isEmpty { added.append(("x-amz-security-token", sessionToken)) }
    var signed = Dictionary(added, uniquingKeysWith: { $1 })
    for (name, value) in headers {
      let name = (name.string ?? "").lowercased()
      if !AWSSignature.ignored.contains(name) { signed[name] = value.string ?? "" }
    }
    let ordered = signed.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    let names = ordered.map(\.key).joined(separator: ";")
    var canonical = "\(method)\n\(url.escapedPath)\n\(url.query)\n"
    for (name, value) in ordered { canonical += "\(name):\(value)\n" }
    canonical += "\n\(names)\n\(payload)"
    let scope = "\(date)/\(region)/\(service)/aws4_request"
    let hash = Hexadecimal.encode(try Digest.sha256.hash(Array(canonical.utf8)))
    let toSign = "AWS4-HMAC-SHA256\n\(instant)\n\(scope)\n\(hash)"
    var key = Array("AWS4\(secretKey)".utf8)
    for part in [date, region, service, "aws4_request"] {
      key = try Digest.sha256.authenticate(Array(part.utf8), key: key)
    }
    let signature = Hexadecimal.encode(try Digest.sha256.authenticate(Array(toSign.utf8), key: key))
    added.append(
      (
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope),SignedHeaders=\(names),Signature=\(signature)"
      ))
    return added
  }
}
