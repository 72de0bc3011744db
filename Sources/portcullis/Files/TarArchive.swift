/// Reads tar archives (POSIX.1-1988 ustar, with the long names of pax and GNU).
enum TarArchive {
  struct Entry {
    /// The parts of the path; none is `..`.
    var path: [String]
    var bytes: ArraySlice<UInt8>
  }

  private static let block = 512

  /// The regular files of an archive, in its order.
  ///
  /// Links are refused, and paths that lead out of the archive; `/` at the beginning is the archive's own root.
  static func files(_ bytes: [UInt8], name: String) throws(InputProblem) -> [Entry] {
    var entries: [Entry] = []
    var position = 0
    var longName: String?
    while position + block <= bytes.count {
      let header = bytes[position..<position + block]
      // Two empty blocks end an archive; one is enough to know.
      if header.allSatisfy({ $0 == 0 }) { return entries }
      guard hasChecksum(header), let size = size(header) else {
        throw InputProblem(file: name, problem: "invalid tar archive: no header at byte \(position)")
      }
      let start = position + block
      guard size <= bytes.count - start else {
        throw InputProblem(file: name, problem: "invalid tar archive: it ends too early")
      }
      let content = bytes[start..<start + size]
      position = start + (size + block - 1) / block * block
      switch header[header.startIndex + 156] {
      case UInt8(ascii: "L"): longName = text(content)
      case UInt8(ascii: "x"): longName = paxPath(content) ?? longName
      case UInt8(ascii: "g"), UInt8(ascii: "5"): longName = nil
      case 0, UInt8(ascii: "0"):
        entries.append(Entry(path: try path(longName ?? headerName(header), archive: name), bytes: content))
        longName = nil
      case UInt8(ascii: "1"), UInt8(ascii: "2"):
        throw InputProblem(
          file: name, problem: "holds a link, \(longName ?? headerName(header)): links are refused")
      default:
        throw InputProblem(
          file: name, problem: "holds \(longName ?? headerName(header)), which is neither a file nor a folder"
        )
      }
    }
    throw InputProblem(file: name, problem: "invalid tar archive: it ends too early")
  }

  private static func path(_ text: String, archive: String) throws(InputProblem) -> [String] {
    let parts = text.split(separator: "/").map(String.init).filter { $0 != "." }
    if parts.contains("..") {
      throw InputProblem(file: archive, problem: "holds \(text): a path with .. is refused")
    }
    return parts
  }

  private static func field(_ header: ArraySlice<UInt8>, _ offset: Int, _ count: Int) -> ArraySlice<UInt8> {
    header[header.startIndex + offset..<header.startIndex + offset + count]
  }

  private static func text(_ field: ArraySlice<UInt8>) -> String {
    String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }

  private static func headerName(_ header: ArraySlice<UInt8>) -> String {
    let name = text(field(header, 0, 100))
    let prefix = field(header, 257, 5).elementsEqual("ustar".utf8) ? text(field(header, 345, 155)) : ""
    return prefix.isEmpty ? name : "\(prefix)/\(name)"
  }

  private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
    let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
    return digits.isEmpty ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8)
  }

  private static func size(_ header: ArraySlice<UInt8>) -> Int? {
    guard let size = octal(field(header, 124, 12)), size >= 0 else { return nil }
    return size
  }

  /// The sum of the header's bytes, its own field counting as spaces.
  private static func hasChecksum(_ header: ArraySlice<UInt8>) -> Bool {
    let sum = header.enumerated().reduce(0) { sum, byte in
      sum + ((148..<156).contains(byte.offset) ? 0x20 : Int(byte.element))
    }
    return octal(field(header, 148, 8)) == sum
  }

  /// The path among the records of a pax header, each `LENGTH KEY=VALUE\n`.
  private static func paxPath(_ content: ArraySlice<UInt8>) -> String? {
    var rest = content
    while let space = rest.firstIndex(of: UInt8(ascii: " ")),
      let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
      length > space - rest.startIndex + 1, length <= rest.count
    {
      let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
      if record.starts(with: "path=".utf8) { return String(decoding: record.dropFirst(5), as: UTF8.self) }
      rest = rest.dropFirst(length)
    }
    return nil
  }
}
