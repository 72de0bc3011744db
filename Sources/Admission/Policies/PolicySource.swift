/// The text of one policy or library, and where it comes from.
public struct PolicySource: Sendable, Hashable {
  /// The path as messages print it.
  public var path: String
  /// Whether the binary carries it.
  public var isBuiltin: Bool
  public var text: String

  public init(path: String, isBuiltin: Bool = false, text: String) {
    self.path = path
    self.isBuiltin = isBuiltin
    self.text = text
  }
}
