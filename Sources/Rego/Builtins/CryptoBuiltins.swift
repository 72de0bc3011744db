/// Builtins that hash (OPA documentation, "Crypto").
enum CryptoBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] =
    [
      hashing("crypto.md5", "MD5", .md5), hashing("crypto.sha1", "SHA-1", .sha1),
      hashing("crypto.sha256", "SHA-256", .sha256),
      authenticating("crypto.hmac.md5", "MD5", .md5), authenticating("crypto.hmac.sha1", "SHA-1", .sha1),
      authenticating("crypto.hmac.sha256", "SHA-256", .sha256),
      authenticating("crypto.hmac.sha512", "SHA-512", .sha512),
      Builtin(
        "crypto.hmac.equal", category: "crypto",
        "Whether two authentication codes are equal, in a time that does not tell where they differ.",
        [Parameter("mac1", .string, "a code"), Parameter("mac2", .string, "another")],
        returns: Parameter("result", .boolean, "whether they are equal"), .binary(areEqual)),
    ]

  private static func hashing(_ name: String, _ title: String, _ digest: Digest) -> Builtin {
    Builtin(
      name, category: "crypto", "The \(title) hash of a string.", [Parameter("x", .string, "the string")],
      returns: Parameter("y", .string, "the hash in hexadecimal digits"),
      .unary { (value) throws(BuiltinError) in
        .string(Hexadecimal.encode(try digest.hash(Array(try value.string(operand: 1).utf8))))
      })
  }

  private static func authenticating(_ name: String, _ title: String, _ digest: Digest) -> Builtin {
    Builtin(
      name, category: "crypto", "The keyed \(title) hash (HMAC) of a string.",
      [Parameter("x", .string, "the string"), Parameter("key", .string, "the key")],
      returns: Parameter("y", .string, "the code in hexadecimal digits"),
      .binary { (value, key) throws(BuiltinError) in
        let message = Array(try value.string(operand: 1).utf8)
        return .string(
          Hexadecimal.encode(try digest.authenticate(message, key: Array(try key.string(operand: 2).utf8))))
      })
  }

  private static func areEqual(_ a: Value, _ b: Value) throws(BuiltinError) -> Value? {
    let first = Array(try a.string(operand: 1).utf8)
    return .boolean(Digest.areEqual(first, Array(try b.string(operand: 2).utf8)))
  }
}
