import COpenSSL
import Foundation

/// Verifies chains of certificates, by libcrypto.
struct CertificateChain {
  /// The host that the last certificate must be for, if any.
  var host: String?
  /// Seconds since 1970 at which all certificates must be valid.
  var time: Int
  /// What the last certificate must be good for: any one of these.
  var usages = [ExtendedKeyUsage.serverAuthentication]

  /// The chain from the last certificate to the first, which is trusted; nil where there is none. Those between serve as
  /// intermediates, in any order.
  func verify(_ certificates: [X509Certificate]) -> [X509Certificate]? {
    guard certificates.count >= 2, let chain = chain(certificates.map(\.der)) else { return nil }
    let verified = chain.compactMap { der in certificates.first { $0.der == der } }
    guard verified.count == chain.count, allowsUsage(verified) else { return nil }
    return verified
  }

  /// Whether one of the usages is left when every certificate has struck those that it does not have; one that has no list
  /// strikes none.
  private func allowsUsage(_ chain: [X509Certificate]) -> Bool {
    if usages.contains(ExtendedKeyUsage.any) { return true }
    var left = Set(usages)
    for certificate in chain {
      let allowed = certificate.extensions.extendedKeyUsages
      if allowed.isEmpty, certificate.extensions.unknownExtendedKeyUsages.isEmpty { continue }
      if allowed.contains(ExtendedKeyUsage.any) { continue }
      left.formIntersection(allowed)
    }
    return !left.isEmpty
  }

  private func chain(_ certificates: [[UInt8]]) -> [[UInt8]]? {
    defer { ERR_clear_error() }
    let parsed = certificates.compactMap(CertificateChain.parse)
    defer { parsed.forEach { X509_free($0) } }
    guard parsed.count == certificates.count, let leaf = parsed.last, let store = X509_STORE_new() else {
      return nil
    }
    defer { X509_STORE_free(store) }
    guard X509_STORE_add_cert(store, parsed[0]) == 1, let intermediates = shim_sk_X509_new_null() else {
      return nil
    }
    defer { shim_sk_X509_free(intermediates) }
    for certificate in parsed.dropFirst().dropLast() { _ = shim_sk_X509_push(intermediates, certificate) }
    guard let context = X509_STORE_CTX_new() else { return nil }
    defer { X509_STORE_CTX_free(context) }
    guard X509_STORE_CTX_init(context, store, leaf, intermediates) == 1,
      let parameters = X509_STORE_CTX_get0_param(context)
    else { return nil }
    // The trusted certificate need not be its own issuer.
    X509_VERIFY_PARAM_set_flags(parameters, shim_X509_V_FLAG_PARTIAL_CHAIN)
    X509_VERIFY_PARAM_set_time(parameters, time_t(time))
    // Refuses signatures by MD5 and SHA-1, as Go does.
    X509_VERIFY_PARAM_set_auth_level(parameters, 1)
    if let host, !setHost(host, parameters) { return nil }
    guard X509_verify_cert(context) == 1, let found = X509_STORE_CTX_get0_chain(context) else { return nil }
    return (0..<shim_sk_X509_num(found)).compactMap { CertificateChain.encode(shim_sk_X509_value(found, $0)) }
  }

  private func setHost(_ host: String, _ parameters: OpaquePointer) -> Bool {
    // An address may stand in brackets.
    let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    if IPAddress(bare.utf8) != nil { return X509_VERIFY_PARAM_set1_ip_asc(parameters, bare) == 1 }
    X509_VERIFY_PARAM_set_hostflags(
      parameters, UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    return X509_VERIFY_PARAM_set1_host(parameters, host, host.utf8.count) == 1
  }

  private static func parse(_ der: [UInt8]) -> OpaquePointer? {
    der.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      return d2i_X509(nil, &start, buffer.count)
    }
  }

  private static func encode(_ certificate: OpaquePointer?) -> [UInt8]? {
    let length = i2d_X509(certificate, nil)
    guard length > 0 else { return nil }
    var der = [UInt8](repeating: 0, count: Int(length))
    let written = der.withUnsafeMutableBufferPointer { buffer in
      var start = buffer.baseAddress
      return i2d_X509(certificate, &start)
    }
    return written == length ? der : nil
  }
}
