/// Reads YAML, of which JSON is a part, straight from libyaml's events into values with their places in the file.
///
/// Scalars mean what sigs.k8s.io/yaml makes of them (``YAMLScalar``), so that a manifest means what it means to kubectl.
public enum YAMLReader {
  /// Bounds of a reading.
  public struct Options: Sendable {
    /// How deep sequences and mappings may be nested.
    public var depth: Int
    /// How many nodes aliases may bring into a document.
    public var aliasedNodes: Int
    /// Whether of equal keys the last counts; else they are an error.
    public var allowsDuplicateKeys: Bool

    public init(depth: Int = 1000, aliasedNodes: Int = 500_000, allowsDuplicateKeys: Bool = false) {
      self.depth = depth
      self.aliasedNodes = aliasedNodes
      self.allowsDuplicateKeys = allowsDuplicateKeys
    }
  }

  /// The documents of a stream, and what is wrong with those that are broken; after one of these reading resumes at the next `---`.
  public static func documents(
    _ bytes: UnsafeRawBufferPointer, file: String, options: Options = Options()
  ) -> [Result<YAMLDocument, YAMLError>] {
    var results: [Result<YAMLDocument, YAMLError>] = []
    var start = 0
    var lineOffset = 0
    while start < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
      var stream = YAMLStream(rest, file: file, lineOffset: lineOffset, options: options)
      let failure = stream.read()
      results += stream.results
      guard let failure, let next = documentStart(in: rest, after: failure) else { break }
      lineOffset += rest[..<next].count { $0 == UInt8(ascii: "\n") }
      start += next
    }
    return results
  }

  /// The documents of a stream, and what is wrong with those that are broken.
  public static func documents(
    _ text: String, file: String, options: Options = Options()
  ) -> [Result<YAMLDocument, YAMLError>] {
    Array(text.utf8).withUnsafeBytes { documents($0, file: file, options: options) }
  }

  /// The first document of a text; null where there is none.
  public static func value(_ text: String, file: String = "", options: Options = Options()) throws(YAMLError)
    -> Value
  {
    let result = Array(text.utf8).withUnsafeBytes { bytes in
      var stream = YAMLStream(bytes, file: file, lineOffset: 0, options: options)
      stream.read(onlyFirst: true)
      return stream.results.first
    }
    return try result?.get().value ?? .null
  }

  /// Where the line after a place starts that begins a document.
  private static func documentStart(in bytes: UnsafeRawBufferPointer, after offset: Int) -> Int? {
    var position = offset
    // What was missing may be noticed only at the next document.
    if offset > 0, offset < bytes.count, bytes[offset - 1] == UInt8(ascii: "\n") { position -= 1 }
    while let newline = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) {
      position = newline + 1
      let line = bytes[position...]
      let marker = UInt8(ascii: "-")
      if line.count >= 3, line.prefix(3).allSatisfy({ $0 == marker }) {
        let following = line.dropFirst(3).first
        if following == nil || [0x20, 0x09, 0x0a, 0x0d].contains(following) { return position }
      }
    }
    return nil
  }
}

/// A run over a stream's events, up to its end or to what is not YAML.
private struct YAMLStream {
  private let parser: YAMLEventParser
  private let file: String
  private let lineOffset: Int
  private let limits: YAMLComposer.Limits
  private(set) var results: [Result<YAMLDocument, YAMLError>] = []

  init(_ bytes: UnsafeRawBufferPointer, file: String, lineOffset: Int, options: YAMLReader.Options) {
    parser = YAMLEventParser(bytes)
    self.file = file
    self.lineOffset = lineOffset
    limits = YAMLComposer.Limits(
      depth: options.depth, aliasedNodes: options.aliasedNodes,
      allowsDuplicateKeys: options.allowsDuplicateKeys)
  }

  /// Reads on, returning the offset at which it stopped where that was before the end.
  @discardableResult
  mutating func read(onlyFirst: Bool = false) -> Int? {
    var composer: YAMLComposer?
    while true {
      let event: YAMLEventParser.Event
      do {
        event = try parser.next()
      } catch {
        // What was wrong with the document before counts first.
        results.append(.failure(composer?.problem ?? yamlError(error)))
        return error.offset
      }
      switch event {
      case .streamStart: break
      case .streamEnd: return nil
      case .documentStart: composer = YAMLComposer(file: file, limits: limits)
      case .documentEnd:
        if let composer { finish(composer) }
        composer = nil
        if onlyFirst { return nil }
      default: composer?.take(event, from: parser, lineOffset: lineOffset)
      }
      if let composer, let problem = composer.problem, onlyFirst || composer.isOutOfBounds {
        results.append(.failure(problem))
        return parser.offset
      }
    }
  }

  private mutating func finish(_ composer: YAMLComposer) {
    if let problem = composer.problem {
      results.append(.failure(problem))
    } else if let root = composer.root {
      let positions = YAMLPositions(start: root.position, root: root.node)
      results.append(
        .success(YAMLDocument(value: root.value, line: root.position.line, positions: positions)))
    }
  }

  private func yamlError(_ failure: YAMLEventParser.Failure) -> YAMLError {
    YAMLError(
      file: file, line: failure.line + 1 + lineOffset, column: failure.column + 1, problem: failure.problem,
      goMessage: failure.goLine.map { "line \($0): \(failure.problem)" } ?? failure.problem)
  }
}
