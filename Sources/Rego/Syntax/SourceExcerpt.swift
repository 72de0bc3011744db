/// The line of a source that an error is about, with a caret below the place.
enum SourceExcerpt {
  /// How many bytes of a line are shown at most.
  private static let maximumWidth = 160

  /// Both lines; nil where the source has no such line, or an empty one.
  static func lines(at location: Location, in source: String) -> [String]? {
    var source = source
    return source.withUTF8 { bytes in
      guard let line = line(location.line, of: bytes), !line.isEmpty else { return nil }
      let place = line.startIndex + min(max(location.column - 1, 0), line.count)
      var (start, end) = (line.startIndex, line.endIndex)
      if line.count > maximumWidth {
        start = max(start, place - maximumWidth / 2)
        end = min(end, start + maximumWidth)
        while start < place, isContinuation(bytes[start]) { start += 1 }
        while end < line.endIndex, isContinuation(bytes[end]) { end += 1 }
      }
      let text = String(decoding: bytes[start..<end], as: UTF8.self)
      let before = String(decoding: bytes[start..<place], as: UTF8.self)
      return [printable(text), String(before.map { $0 == "\t" ? "\t" : " " }) + "^"]
    }
  }

  private static func line(
    _ number: Int, of bytes: UnsafeBufferPointer<UInt8>
  ) -> Slice<UnsafeBufferPointer<UInt8>>? {
    var start = 0
    for _ in 1..<max(number, 1) {
      guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
      start = end + 1
    }
    var end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return bytes[start..<end]
  }

  private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xc0 == 0x80 }

  /// What a terminal would obey is not shown as it is.
  private static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          scalar != "\t" && scalar.properties.generalCategory == .control ? "\u{fffd}" : scalar
        }))
  }
}

extension RegoErrors {
  /// The errors with the lines of the sources that they are about.
  ///
  /// - Parameter sources: the text of each file by the name that locations give it.
  public func quoting(_ sources: [String: String]) -> RegoErrors {
    if sources.isEmpty { return self }
    return RegoErrors(
      errors.map { error in
        var error = error
        if error.excerpt.isEmpty, let location = error.location, let source = sources[location.file] {
          error.excerpt = SourceExcerpt.lines(at: location, in: source) ?? []
        }
        return error
      })
  }
}
