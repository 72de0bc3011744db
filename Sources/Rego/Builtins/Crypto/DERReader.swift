/// Reads ASN.1 in its distinguished encoding (X.690), as certificates and keys have it.
struct DERReader {
  /// What is malformed.
  struct Failure: Error {}

  /// A tag's class bits and number; only single-byte tags are read, as no structure here has others.
  struct Tag: Hashable {
    let byte: UInt8

    static let boolean = Tag(byte: 0x01)
    static let integer = Tag(byte: 0x02)
    static let bitString = Tag(byte: 0x03)
    static let octetString = Tag(byte: 0x04)
    static let null = Tag(byte: 0x05)
    static let objectIdentifier = Tag(byte: 0x06)
    static let utcTime = Tag(byte: 0x17)
    static let generalizedTime = Tag(byte: 0x18)
    static let sequence = Tag(byte: 0x30)
    static let set = Tag(byte: 0x31)

    /// A tag whose meaning is that of its place.
    static func context(_ number: UInt8, isConstructed: Bool = false) -> Tag {
      Tag(byte: 0x80 | (isConstructed ? 0x20 : 0) | number)
    }
  }

  struct Element {
    let tag: Tag
    /// Tag, length and content.
    let whole: ArraySlice<UInt8>
    let content: ArraySlice<UInt8>

    /// A reader of what a constructed element holds.
    var reader: DERReader { DERReader(content) }
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }
  init(_ bytes: [UInt8]) { rest = bytes[...] }

  var isAtEnd: Bool { rest.isEmpty }
  /// What was not read yet.
  var remaining: ArraySlice<UInt8> { rest }

  /// The tag that comes next.
  var nextTag: Tag? { rest.first.map { Tag(byte: $0) } }

  mutating func element() throws(Failure) -> Element {
    guard rest.count >= 2, let tag = rest.first, tag & 0x1f != 0x1f else { throw Failure() }
    var position = rest.startIndex + 1
    var length = Int(rest[position])
    position += 1
    if length & 0x80 != 0 {
      let size = length & 0x7f
      guard (1...4).contains(size), rest.endIndex - position >= size, rest[position] != 0 else {
        throw Failure()
      }
      length = 0
      for _ in 0..<size {
        length = length << 8 | Int(rest[position])
        position += 1
      }
      // The shortest form of a length is the only one.
      if length < 0x80 { throw Failure() }
    }
    guard rest.endIndex - position >= length else { throw Failure() }
    let end = position + length
    defer { rest = rest[end...] }
    return Element(tag: Tag(byte: tag), whole: rest[rest.startIndex..<end], content: rest[position..<end])
  }

  mutating func element(_ tag: Tag) throws(Failure) -> Element {
    guard nextTag == tag else { throw Failure() }
    return try element()
  }

  /// The next element, where it has a tag; else nothing is read.
  mutating func optional(_ tag: Tag) throws(Failure) -> Element? {
    nextTag == tag ? try element() : nil
  }

  mutating func sequence() throws(Failure) -> DERReader { try element(.sequence).reader }

  /// The most bytes of an integer: a sign before the 16,384 bits of the largest keys that libcrypto takes.
  static let integerBytes = 2_049

  /// The two's complement bytes of an integer.
  mutating func integer() throws(Failure) -> ArraySlice<UInt8> {
    let content = try element(.integer).content
    guard let first = content.first, content.count <= DERReader.integerBytes else { throw Failure() }
    if content.count > 1, let second = content.dropFirst().first {
      if (first == 0 && second < 0x80) || (first == 0xff && second >= 0x80) { throw Failure() }
    }
    return content
  }

  mutating func smallInteger() throws(Failure) -> Int {
    try DERReader.smallInteger(try integer())
  }

  static func smallInteger(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Int {
    guard let first = bytes.first, bytes.count <= 8 else { throw Failure() }
    return bytes.dropFirst().reduce(Int(Int8(bitPattern: first))) { $0 << 8 | Int($1) }
  }

  mutating func boolean() throws(Failure) -> Bool {
    let content = try element(.boolean).content
    guard content.count == 1, content.first == 0 || content.first == 0xff else { throw Failure() }
    return content.first == 0xff
  }

  mutating func objectIdentifier() throws(Failure) -> ASN1ObjectIdentifier {
    guard let identifier = ASN1ObjectIdentifier(der: try element(.objectIdentifier).content) else {
      throw Failure()
    }
    return identifier
  }

  /// The bytes of a bit string; `unused` bits at the end do not belong to it.
  mutating func bitString() throws(Failure) -> (bytes: ArraySlice<UInt8>, unused: Int) {
    let content = try element(.bitString).content
    guard let unused = content.first, unused < 8, content.count > 1 || unused == 0 else { throw Failure() }
    return (content.dropFirst(), Int(unused))
  }
}

/// An object identifier such as 2.5.4.3.
struct ASN1ObjectIdentifier: Hashable, CustomStringConvertible {
  let arcs: [UInt64]

  init(_ arcs: UInt64...) { self.arcs = arcs }

  /// Reads the content of an element; nil where it is malformed.
  init?(der bytes: ArraySlice<UInt8>) {
    guard let last = bytes.last, last & 0x80 == 0 else { return nil }
    var arcs: [UInt64] = []
    var value: UInt64 = 0
    var isFirstByte = true
    for byte in bytes {
      if isFirstByte, byte == 0x80 { return nil }
      guard value >> 57 == 0 else { return nil }
      value = value << 7 | UInt64(byte & 0x7f)
      isFirstByte = byte & 0x80 == 0
      if isFirstByte {
        // The first two arcs share a number.
        arcs += arcs.isEmpty ? [min(value / 40, 2), value - min(value / 40, 2) * 40] : [value]
        value = 0
      }
    }
    self.arcs = arcs
  }

  var description: String { arcs.map(String.init).joined(separator: ".") }

  /// As Go writes it in JSON: an array of numbers.
  var value: Value { .array(arcs.map { Number(json: String($0)).map(Value.number) ?? .null }) }
}
