import CYAML

/// libyaml's event parser over bytes that outlive it.
final class YAMLEventParser {
  enum Event {
    case streamStart, streamEnd, documentStart, documentEnd
    case alias
    case scalar
    case sequenceStart, sequenceEnd
    case mappingStart, mappingEnd
  }

  /// libyaml's refusal, before it is given a file and made a sentence.
  struct Failure: Error {
    /// Both count from 0.
    var line: Int
    var column: Int
    /// Distance from the start of the bytes.
    var offset: Int
    var problem: String
    /// The line as go-yaml reports it, from 1; nil where it reports none.
    var goLine: Int?
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let event: UnsafeMutablePointer<yaml_event_t>
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    parser = .allocate(capacity: 1)
    event = .allocate(capacity: 1)
    event.initialize(to: yaml_event_t())
    parser.initialize(to: yaml_parser_t())
    yaml_parser_initialize(parser)
    yaml_parser_set_input_string(parser, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
  }

  deinit {
    yaml_event_delete(event)
    yaml_parser_delete(parser)
    event.deallocate()
    parser.deallocate()
  }

  /// The next event, whose parts the properties below give until the next call.
  func next() throws(Failure) -> Event {
    yaml_event_delete(event)
    guard yaml_parser_parse(parser, event) == 1 else { throw failure() }
    switch event.pointee.type {
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias
    case YAML_SCALAR_EVENT: return .scalar
    case YAML_SEQUENCE_START_EVENT: return .sequenceStart
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT: return .mappingStart
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    default: return .streamEnd
    }
  }

  var position: YAMLPositions.Position {
    YAMLPositions.Position(
      line: event.pointee.start_mark.line + 1, column: event.pointee.start_mark.column + 1)
  }

  /// Where the event starts in the bytes.
  var offset: Int {
    byteOffset(line: event.pointee.start_mark.line, column: event.pointee.start_mark.column)
  }

  /// The text of a scalar.
  var text: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: event.pointee.data.scalar.value, count: event.pointee.data.scalar.length)
  }

  /// Whether a scalar stands without quotes and tag, so that its text decides what it is.
  var isPlain: Bool { event.pointee.data.scalar.plain_implicit == 1 }

  /// The tag of a scalar, written out in full.
  var tag: String? { string(event.pointee.data.scalar.tag) }

  var aliasName: String { string(event.pointee.data.alias.anchor) ?? "" }

  func anchor(of kind: Event) -> String? {
    switch kind {
    case .scalar: string(event.pointee.data.scalar.anchor)
    case .sequenceStart: string(event.pointee.data.sequence_start.anchor)
    case .mappingStart: string(event.pointee.data.mapping_start.anchor)
    default: nil
    }
  }

  private func string(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
    pointer.map { String(cString: $0) }
  }

  private func failure() -> Failure {
    let state = parser.pointee
    let problem = state.problem.map { String(cString: $0) } ?? "the text is not YAML"
    guard state.error != YAML_READER_ERROR else { return readerFailure(problem, at: state.problem_offset) }
    var line = state.problem_mark.line
    var column = state.problem_mark.column
    let offset = byteOffset(line: line, column: column)
    if offset == bytes.count {
      // At the end libyaml counts a line more than there is.
      let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      line = max(0, lines.count - 1)
      column = lines.last.map { String(decoding: $0, as: UTF8.self).unicodeScalars.count } ?? 0
    }
    let isScannerError = state.error == YAML_SCANNER_ERROR
    var goLine: Int?
    if state.context_mark.line != 0 {
      goLine = state.context_mark.line + (isScannerError ? 1 : 0)
    } else if state.problem_mark.line != 0 {
      goLine = state.problem_mark.line + (isScannerError ? 1 : 0)
    }
    return Failure(
      line: line, column: column, offset: offset, problem: clarified(problem, offset: offset), goLine: goLine)
  }

  /// Where a place in libyaml's lines and columns is; the end, where it is beyond.
  private func byteOffset(line: Int, column: Int) -> Int {
    var offset = 0
    for _ in 0..<line {
      guard
        let end = bytes[offset...].firstIndex(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
      else {
        return bytes.count
      }
      let isPair =
        bytes[end] == UInt8(ascii: "\r") && end + 1 < bytes.count && bytes[end + 1] == UInt8(ascii: "\n")
      offset = end + (isPair ? 2 : 1)
    }
    for _ in 0..<column where offset < bytes.count {
      offset += 1
      while offset < bytes.count, bytes[offset] & 0xc0 == 0x80 { offset += 1 }
    }
    return offset
  }

  /// A failure to read characters at all; libyaml tells the byte, not the line.
  private func readerFailure(_ problem: String, at problemOffset: Int) -> Failure {
    let offset = min(problemOffset, bytes.count)
    let before = UnsafeRawBufferPointer(rebasing: bytes[..<offset])
    let line = before.count { $0 == UInt8(ascii: "\n") }
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    return Failure(line: line, column: offset - lineStart, offset: offset, problem: problem, goLine: nil)
  }

  private func clarified(_ problem: String, offset: Int) -> String {
    let isTab = offset < bytes.count && bytes[offset] == UInt8(ascii: "\t")
    if problem == "found character that cannot start any token", isTab {
      return "found a tab character, but YAML is indented by spaces"
    }
    return problem
  }
}
