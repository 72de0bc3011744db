/// Builtins that encode and decode base64, hexadecimal and URL queries (OPA documentation, "Encoding").
///
/// What decodes to bytes that are no UTF-8 has U+FFFD in their place, since strings are made of code points.
enum TransferEncodingBuiltins {
  private typealias Parameter = Builtin.Parameter

  private static func declare(
    _ name: String, _ summary: String, _ parameter: Parameter, returns result: Parameter,
    acceptsAnyOperands: Bool = false, _ body: @escaping @Sendable (Value) throws(BuiltinError) -> Value?
  ) -> Builtin {
    Builtin(
      name, category: "encoding", summary, [parameter], returns: result,
      acceptsAnyOperands: acceptsAnyOperands,
      .unary(body))
  }

  private static let text = Parameter("x", .string, "the string")
  private static let encoded = Parameter("y", .string, "the encoded string")
  private static let decoded = Parameter("y", .string, "the decoded string")

  static let all: [Builtin] = [
    declare("base64.encode", "Encodes a string in base64.", text, returns: encoded, base64Encode),
    declare("base64.decode", "Decodes a string from base64.", text, returns: decoded, base64Decode),
    declare(
      "base64.is_valid", "Whether a string is base64.", text,
      returns: Parameter("result", .boolean, "whether it is"), acceptsAnyOperands: true, base64IsValid),
    declare(
      "base64url.encode", "Encodes a string in the base64 of URLs, with padding.", text, returns: encoded,
      base64URLEncode),
    declare(
      "base64url.encode_no_pad", "Encodes a string in the base64 of URLs, without padding.", text,
      returns: encoded,
      base64URLEncodeNoPad),
    declare(
      "base64url.decode", "Decodes a string from the base64 of URLs, padded or not.", text, returns: decoded,
      base64URLDecode),
    declare("hex.encode", "Encodes a string in hexadecimal digits.", text, returns: encoded, hexEncode),
    declare("hex.decode", "Decodes a string from hexadecimal digits.", text, returns: decoded, hexDecode),
    declare("urlquery.encode", "Escapes a string for a URL's query.", text, returns: encoded, urlQueryEncode),
    declare(
      "urlquery.decode", "Takes the escapes out of a part of a URL's query.", text, returns: decoded,
      urlQueryDecode),
    declare(
      "urlquery.encode_object", "Makes a URL's query of an object.",
      Parameter(
        "object", .object(.string, .union([.string, .array(of: .string), .set(of: .string)])),
        "the values, one or several a key"),
      returns: Parameter("y", .string, "the query"), urlQueryEncodeObject),
    declare(
      "urlquery.decode_object", "Makes an object of a URL's query.", Parameter("x", .string, "the query"),
      returns: Parameter("object", .object(.string, .array(of: .string)), "the values of each key"),
      urlQueryDecodeObject),
  ]

  private static func string(_ bytes: [UInt8]) -> Value { .string(String(decoding: bytes, as: UTF8.self)) }

  // MARK: Base64

  private static func base64Encode(_ value: Value) throws(BuiltinError) -> Value? {
    .string(Base64.standard.encode(try value.string(operand: 1).utf8))
  }

  private static func base64Decode(_ value: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    do { return string(try Base64.standard.decode(text)) } catch { throw .failed(error.description) }
  }

  private static func base64IsValid(_ value: Value) throws(BuiltinError) -> Value? {
    guard case .string(let text) = value else { return false }
    return .boolean((try? Base64.standard.decode(text)) != nil)
  }

  private static func base64URLEncode(_ value: Value) throws(BuiltinError) -> Value? {
    .string(Base64.url.encode(try value.string(operand: 1).utf8))
  }

  private static func base64URLEncodeNoPad(_ value: Value) throws(BuiltinError) -> Value? {
    .string(Base64.rawURL.encode(try value.string(operand: 1).utf8))
  }

  /// Padding that is missing is put there first (RFC 7515, appendix C).
  private static func base64URLDecode(_ value: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    var bytes = Array(text.utf8)
    if bytes.last != UInt8(ascii: "=") {
      switch bytes.count % 4 {
      case 0: break
      case 2: bytes += Array("==".utf8)
      case 3: bytes += Array("=".utf8)
      default: throw .failed("illegal base64url string: \(text.string)")
      }
    }
    do { return string(try Base64.url.decode(bytes)) } catch { throw .failed(error.description) }
  }

  // MARK: Hexadecimal

  private static func hexEncode(_ value: Value) throws(BuiltinError) -> Value? {
    .string(Hexadecimal.encode(try value.string(operand: 1).utf8))
  }

  private static func hexDecode(_ value: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    do { return string(try Hexadecimal.decode(text.utf8)) } catch { throw .failed(error.description) }
  }

  // MARK: URL queries

  private static func urlQueryEncode(_ value: Value) throws(BuiltinError) -> Value? {
    .string(URLQuery.escape(try value.string(operand: 1)))
  }

  private static func urlQueryDecode(_ value: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    do { return .string(try URLQuery.unescape(text.utf8)) } catch { throw .failed(error.description) }
  }

  private static func urlQueryEncodeObject(_ value: Value) throws(BuiltinError) -> Value? {
    var pairs: [String] = []
    for (key, value) in try value.object(operand: 1) {
      let name = URLQuery.escape(RegoString(key.messageText))
      if case .string(let string) = value {
        pairs.append("\(name)=\(URLQuery.escape(string))")
        continue
      }
      guard let strings = try? value.strings(operand: 1) else {
        throw .operand(1, "values must be string, array[string], or set[string]")
      }
      for string in strings { pairs.append("\(name)=\(URLQuery.escape(string))") }
    }
    return .string(pairs.joined(separator: "&"))
  }

  private static func urlQueryDecodeObject(_ value: Value) throws(BuiltinError) -> Value? {
    let query = try value.string(operand: 1)
    do {
      return .object(ObjectValue(try URLQuery.parse(query).map { (.string($0), .array($1)) }))
    } catch {
      throw .failed(error.description)
    }
  }
}
