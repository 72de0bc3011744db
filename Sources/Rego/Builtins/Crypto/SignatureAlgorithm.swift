/// An algorithm of JSON Web Signatures (RFC 7518, section 3; RFC 8037).
struct SignatureAlgorithm {
  enum Family {
    /// HMAC with a shared secret.
    case secret
    /// RSASSA-PKCS1-v1_5.
    case rsa
    /// RSASSA-PSS.
    case rsaPSS
    case ellipticCurve
    case edwardsCurve
  }

  let name: String
  let family: Family
  /// Nil for those that hash on their own.
  let digest: Digest?

  static let all: [SignatureAlgorithm] = [
    SignatureAlgorithm(name: "HS256", family: .secret, digest: .sha256),
    SignatureAlgorithm(name: "HS384", family: .secret, digest: .sha384),
    SignatureAlgorithm(name: "HS512", family: .secret, digest: .sha512),
    SignatureAlgorithm(name: "RS256", family: .rsa, digest: .sha256),
    SignatureAlgorithm(name: "RS384", family: .rsa, digest: .sha384),
    SignatureAlgorithm(name: "RS512", family: .rsa, digest: .sha512),
    SignatureAlgorithm(name: "PS256", family: .rsaPSS, digest: .sha256),
    SignatureAlgorithm(name: "PS384", family: .rsaPSS, digest: .sha384),
    SignatureAlgorithm(name: "PS512", family: .rsaPSS, digest: .sha512),
    SignatureAlgorithm(name: "ES256", family: .ellipticCurve, digest: .sha256),
    SignatureAlgorithm(name: "ES384", family: .ellipticCurve, digest: .sha384),
    SignatureAlgorithm(name: "ES512", family: .ellipticCurve, digest: .sha512),
    SignatureAlgorithm(name: "EdDSA", family: .edwardsCurve, digest: nil),
  ]

  static func named(_ name: String) -> SignatureAlgorithm? { all.first { $0.name == name } }

  /// The size of the curve that goes with an algorithm, where one does.
  private var curveBits: Int? {
    guard family == .ellipticCurve else { return nil }
    switch digest {
    case .sha384: return 384
    case .sha512: return 521
    default: return 256
    }
  }

  /// Whether a signature is that of a message by a key. A key of another kind never fits; `anyCurve` lets elliptic curves of
  /// another size than the algorithm's pass.
  func verifies(
    _ signature: [UInt8], of message: [UInt8], with key: JSONWebKey.Material, anyCurve: Bool = false
  ) throws(BuiltinError) -> Bool {
    switch key {
    case .secret(let secret):
      guard family == .secret, let digest else { return false }
      return Digest.areEqual(signature, try digest.authenticate(message, key: secret))
    case .asymmetric(let key):
      guard fits(key, anyCurve: anyCurve) else { return false }
      if case .ellipticCurve(let bits) = key.kind, !anyCurve, signature.count != (bits + 7) / 8 * 2 {
        return false
      }
      return key.verifies(signature, of: message, digest: digest, isPSS: family == .rsaPSS)
    }
  }

  /// The signature of a message; nil where the key does not fit or cannot sign.
  func sign(_ message: [UInt8], with key: JSONWebKey.Material) throws(BuiltinError) -> [UInt8]? {
    switch key {
    case .secret(let secret):
      guard family == .secret, let digest else { return nil }
      return try digest.authenticate(message, key: secret)
    case .asymmetric(let key):
      guard fits(key, anyCurve: false) else { return nil }
      return key.sign(message, digest: digest, isPSS: family == .rsaPSS)
    }
  }

  private func fits(_ key: AsymmetricKey, anyCurve: Bool) -> Bool {
    switch (family, key.kind) {
    case (.rsa, .rsa), (.rsaPSS, .rsa), (.edwardsCurve, .ed25519): true
    case (.ellipticCurve, .ellipticCurve(let bits)): anyCurve || bits == curveBits
    default: false
    }
  }
}
