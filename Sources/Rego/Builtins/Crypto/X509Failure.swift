/// Why a text is no certificate, request or key, as Go words it.
struct X509Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  /// Reads a part of a structure; a malformed one is named by `description`.
  static func reading<Result>(
    _ description: String, _ body: () throws(DERReader.Failure) -> Result
  ) throws(X509Failure) -> Result {
    do { return try body() } catch { throw X509Failure("x509: \(description)") }
  }
}

/// Parts of the JSON that Go makes of its structures.
enum GoJSON {
  /// Bytes are base64.
  static func bytes(_ bytes: some Collection<UInt8>) -> Value { .string(Base64.standard.encode(bytes)) }

  /// A slice without elements is null, as one that was never made is.
  static func list(_ elements: [Value]) -> Value { elements.isEmpty ? .null : .array(elements) }

  static func object(_ members: (String, Value)...) -> Value {
    .object(ObjectValue(members.map { (.string($0.0), $0.1) }))
  }
}
