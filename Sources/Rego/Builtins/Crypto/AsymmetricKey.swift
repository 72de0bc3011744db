import COpenSSL

/// A public or private key that signs or verifies, by libcrypto.
final class AsymmetricKey {
  /// What kind of key it is, since no algorithm may be used with a key of another kind.
  enum Kind: Equatable {
    case rsa
    /// On a curve with so many bits.
    case ellipticCurve(bits: Int)
    case ed25519
  }

  let kind: Kind
  private let key: OpaquePointer

  private init?(_ key: OpaquePointer?) {
    guard let key else { return nil }
    // Computing with larger ones would take too long; libcrypto itself only refuses to verify with them.
    guard EVP_PKEY_get_bits(key) <= 16_384 else {
      EVP_PKEY_free(key)
      return nil
    }
    if EVP_PKEY_is_a(key, "RSA") == 1 {
      kind = .rsa
    } else if EVP_PKEY_is_a(key, "EC") == 1 {
      kind = .ellipticCurve(bits: Int(EVP_PKEY_get_bits(key)))
    } else if EVP_PKEY_is_a(key, "ED25519") == 1 {
      kind = .ed25519
    } else {
      EVP_PKEY_free(key)
      return nil
    }
    self.key = key
  }

  deinit { EVP_PKEY_free(key) }

  /// Reads a SubjectPublicKeyInfo; nil where it is malformed or of another kind.
  convenience init?(publicKeyInfo der: [UInt8]) {
    self.init(
      der.withUnsafeBufferPointer { buffer in
        var start = buffer.baseAddress
        return d2i_PUBKEY(nil, &start, buffer.count)
      })
    ERR_clear_error()
  }

  /// Reads a private key in PKCS #1, PKCS #8 or SEC 1; nil where it is malformed or of another kind.
  convenience init?(privateKey der: [UInt8]) {
    self.init(
      der.withUnsafeBufferPointer { buffer in
        var start = buffer.baseAddress
        return d2i_AutoPrivateKey(nil, &start, buffer.count)
      })
    ERR_clear_error()
  }

  /// The public key as a SubjectPublicKeyInfo.
  var publicKeyInfo: [UInt8]? {
    let length = i2d_PUBKEY(key, nil)
    guard length > 0 else { return nil }
    var der = [UInt8](repeating: 0, count: Int(length))
    let written = der.withUnsafeMutableBufferPointer { buffer in
      var start = buffer.baseAddress
      return i2d_PUBKEY(key, &start)
    }
    return written == length ? der : nil
  }

  /// Whether a signature of a message is this key's. Signatures by elliptic curves are the two numbers, each with the same
  /// number of bytes (RFC 7518, section 3.4).
  func verifies(_ signature: [UInt8], of message: [UInt8], digest: Digest?, isPSS: Bool) -> Bool {
    defer { ERR_clear_error() }
    var signature = signature
    if case .ellipticCurve = kind {
      let half = signature.count / 2
      signature = DERWriter.sequence(
        DERWriter.unsigned(signature.prefix(half)), DERWriter.unsigned(signature.dropFirst(half)))
    }
    guard let context = EVP_MD_CTX_new() else { return false }
    defer { EVP_MD_CTX_free(context) }
    var keyContext: OpaquePointer?
    guard EVP_DigestVerifyInit(context, &keyContext, digest?.algorithm, nil, key) == 1,
      !isPSS || AsymmetricKey.usePSS(keyContext, saltLength: RSA_PSS_SALTLEN_AUTO)
    else { return false }
    return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
  }

  /// The signature of a message; nil where the key cannot sign so.
  func sign(_ message: [UInt8], digest: Digest?, isPSS: Bool) -> [UInt8]? {
    defer { ERR_clear_error() }
    guard let context = EVP_MD_CTX_new() else { return nil }
    defer { EVP_MD_CTX_free(context) }
    var keyContext: OpaquePointer?
    guard EVP_DigestSignInit(context, &keyContext, digest?.algorithm, nil, key) == 1,
      !isPSS || AsymmetricKey.usePSS(keyContext, saltLength: RSA_PSS_SALTLEN_DIGEST)
    else { return nil }
    var length = 0
    guard EVP_DigestSign(context, nil, &length, message, message.count) == 1 else { return nil }
    var signature = [UInt8](repeating: 0, count: length)
    guard EVP_DigestSign(context, &signature, &length, message, message.count) == 1 else { return nil }
    signature.removeLast(signature.count - length)
    guard case .ellipticCurve(let bits) = kind else { return signature }
    return AsymmetricKey.numbers(signature, size: (bits + 7) / 8)
  }

  private static func usePSS(_ context: OpaquePointer?, saltLength: Int32) -> Bool {
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1
      && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, saltLength) == 1
  }

  /// The two numbers of a signature by an elliptic curve, each with so many bytes.
  private static func numbers(_ der: [UInt8], size: Int) -> [UInt8]? {
    var outer = DERReader(der)
    guard var sequence = try? outer.sequence(), let r = try? sequence.integer(),
      let s = try? sequence.integer()
    else {
      return nil
    }
    func fixed(_ number: ArraySlice<UInt8>) -> [UInt8] {
      let digits = number.drop { $0 == 0 }
      return [UInt8](repeating: 0, count: max(0, size - digits.count)) + digits
    }
    return fixed(r) + fixed(s)
  }
}
