/// What reaches outside the evaluation in OPA, and does not here.
enum RuntimeBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    Builtin(
      "opa.runtime", category: "opa",
      "What OPA tells of its own process: here an empty object, since a policy's answer depends on nothing but its documents.",
      [], returns: Parameter("output", .object(.string, .any), "an empty object"),
      nondeterministic: true, .nullary { (_) throws(BuiltinError) in .object(ObjectValue()) }
    ).restricted(),
    Builtin(
      "trace", category: "tracing", "Leaves a note in the trace of the evaluation.",
      [Parameter("note", .string, "the note")], returns: Parameter("result", .boolean, "always true"),
      .unary { (_) throws(BuiltinError) in true }),
    Builtin(
      "internal.test_case", category: "internal",
      "Says which of its cases a test is at, so that one that fails can be named.",
      [Parameter("keys", .array(of: .any), "the case's keys")],
      returns: Parameter("result", .boolean, "always true"), .unary { (_) throws(BuiltinError) in true }),
    Builtin(
      "http.send", category: "http",
      "Always fails: policies have no network. It is known so that tests can replace it using `with`.",
      [Parameter("request", .object(.string, .any), "the request")],
      returns: Parameter("response", .anyObject, "never"), nondeterministic: true, .unary(send)
    ).restricted(),
  ]

  private static let requestKeys: Set<RegoString> = [
    "method", "url", "body", "enable_redirect", "force_json_decode", "force_yaml_decode", "headers",
    "raw_body",
    "tls_use_system_certs", "tls_ca_cert", "tls_ca_cert_file", "tls_ca_cert_env_variable", "tls_client_cert",
    "tls_client_cert_file", "tls_client_cert_env_variable", "tls_client_key", "tls_client_key_file",
    "tls_client_key_env_variable", "tls_insecure_skip_verify", "tls_server_name", "timeout", "cache",
    "force_cache",
    "force_cache_duration_seconds", "raise_error", "caching_mode", "max_retry_attempts",
    "cache_ignored_headers",
  ]

  private static func send(_ request: Value) throws(BuiltinError) -> Value? {
    guard case .object(let object) = request else { return nil }
    let keys = SetValue(object.keys)
    let unknown = keys.elements.filter { key in
      guard case .string(let name) = key else { return true }
      return !requestKeys.contains(name)
    }
    if !unknown.isEmpty {
      throw .operand(1, "invalid request parameters(s): \(Value.set(SetValue(unknown)))")
    }
    let missing = SetValue(["method", "url"]).subtracting(keys)
    if !missing.isEmpty { throw .operand(1, "missing required request parameters(s): \(Value.set(missing))") }
    throw .failed("policies have no network")
  }
}
