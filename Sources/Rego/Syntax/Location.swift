/// Where something stands in a source text.
public struct Location: Sendable, Hashable {
  /// The path or name of the source, as messages print it; empty for a query.
  public var file: String
  /// Line, from 1.
  public var line: Int
  /// Column in UTF-8 bytes, from 1.
  public var column: Int
  /// Distance from the start of the source, in UTF-8 bytes.
  public var offset: Int
  /// Length of the text, in UTF-8 bytes.
  public var length: Int

  public init(file: String = "", line: Int = 1, column: Int = 1, offset: Int = 0, length: Int = 0) {
    self.file = file
    self.line = line
    self.column = column
    self.offset = offset
    self.length = length
  }
}
