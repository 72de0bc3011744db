import COpenSSL

/// Hash functions and what is made of them, by libcrypto.
enum Digest: String {
  case md5 = "MD5"
  case sha1 = "SHA1"
  case sha256 = "SHA256"
  case sha384 = "SHA384"
  case sha512 = "SHA512"

  /// libcrypto's description of the function, which lives as long as the process.
  var algorithm: OpaquePointer? {
    switch self {
    case .md5: EVP_md5()
    case .sha1: EVP_sha1()
    case .sha256: EVP_sha256()
    case .sha384: EVP_sha384()
    case .sha512: EVP_sha512()
    }
  }

  func hash(_ bytes: UnsafeBufferPointer<UInt8>) throws(BuiltinError) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard EVP_Digest(bytes.baseAddress, bytes.count, &output, &length, algorithm, nil) == 1 else {
      throw .failed("\(rawValue) is not available")
    }
    return Array(output.prefix(Int(length)))
  }

  func hash(_ bytes: [UInt8]) throws(BuiltinError) -> [UInt8] {
    // A closure that throws a typed error cannot be passed through, so the result carries it.
    let result = bytes.withUnsafeBufferPointer { buffer in
      Result<[UInt8], BuiltinError> { () throws(BuiltinError) in try hash(buffer) }
    }
    return try result.get()
  }

  /// The keyed hash of RFC 2104.
  func authenticate(_ message: [UInt8], key: [UInt8]) throws(BuiltinError) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    // No key at all would mean the previous one.
    let key = key.isEmpty ? [0] : key
    guard HMAC(algorithm, key, Int32(clamping: key.count), message, message.count, &output, &length) != nil
    else {
      throw .failed("HMAC with \(rawValue) is not available")
    }
    return Array(output.prefix(Int(length)))
  }

  /// Whether two secrets are equal, in a time that does not tell where they differ.
  static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
  }
}
