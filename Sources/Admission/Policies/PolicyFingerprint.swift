import Rego

/// What tells one set of policies from another: a hash of all that they are made of, the same wherever that is the same.
public struct PolicyFingerprint: Sendable, Hashable {
  /// The SHA-256 of the parts so far, in hexadecimal.
  private var state = ""

  public init() {}

  /// Adds a part under a name. The order of parts matters, as that of policies does.
  public mutating func add(_ name: String, _ text: String) {
    var bytes: [UInt8] = []
    for part in [state, name, text] {
      // Lengths, so that no two lists of parts run into the same bytes.
      bytes += "\(part.utf8.count):".utf8
      bytes += part.utf8
    }
    state = ContentHash.sha256(bytes) ?? "unknown"
  }

  /// Adds a value, whose members have one order.
  public mutating func add(_ name: String, _ value: Value) { add(name, value.json) }

  public mutating func add(_ other: PolicyFingerprint) { add("", other.state) }

  /// The beginning of the hash, which is enough to tell sets apart.
  public var text: String { String(state.prefix(12)) }
}
