import Rego

/// A document of a file of manifests, and where its parts stand.
struct ManifestDocument {
  let value: Value
  let location: Location
  /// Where an element of `items` starts.
  let item: (Int) -> Location

  /// The documents of a file, and what is wrong with those that are broken.
  static func all(
    in bytes: UnsafeRawBufferPointer, file: String, interner: StringInterner? = nil
  ) -> [Result<ManifestDocument, ManifestError>] {
    if bytes.prefix(8192).contains(0) {
      return [.failure(ManifestError(file: file, "it is a binary file, or not in UTF-8"))]
    }
    let isNamedJSON = file.hasSuffix(".json")
    let first = bytes.first { !JSONPlaces.isSpace($0) }
    if isNamedJSON || first == UInt8(ascii: "{") {
      let documents = json(bytes, file: file, interner: interner)
      // A flow mapping of YAML starts as an object of JSON does.
      if isNamedJSON || documents.allSatisfy({ if case .success = $0 { true } else { false } }) {
        return documents
      }
    }
    return yaml(bytes, file: file)
  }

  private static func yaml(
    _ bytes: UnsafeRawBufferPointer, file: String
  ) -> [Result<ManifestDocument, ManifestError>] {
    YAMLReader.documents(bytes, file: file).map { result in
      result.map { document in
        let place = { (position: YAMLPositions.Position) in
          Location(file: file, line: position.line, column: position.column)
        }
        return ManifestDocument(
          value: document.value, location: place(document.positions.nearestPosition(to: [])),
          item: { place(document.positions.nearestPosition(to: ["items", .int($0)])) })
      }
      .mapError { ManifestError(file: $0.file, line: $0.line, column: $0.column, $0.problem) }
    }
  }

  private static func json(
    _ bytes: UnsafeRawBufferPointer, file: String, interner: StringInterner?
  ) -> [Result<ManifestDocument, ManifestError>] {
    let places = JSONPlaces(bytes)
    var lines = LineCounter(bytes)
    var results: [Result<ManifestDocument, ManifestError>] = []
    for range in places.values() {
      let start = lines.location(of: range.lowerBound, in: file)
      do throws(JSONError) {
        let value = try JSONReader.value(
          UnsafeRawBufferPointer(rebasing: bytes[range]), options: JSONReader.Options(interner: interner))
        let items = places.items(in: range).map { lines.location(of: $0, in: file) }
        results.append(
          .success(
            ManifestDocument(
              value: value, location: start, item: { items.indices.contains($0) ? items[$0] : start })))
      } catch {
        let column = error.line == 1 ? start.column + error.column - 1 : error.column
        results.append(
          .failure(
            ManifestError(
              file: file, line: start.line + error.line - 1, column: column, error.reason.description)))
        // What follows something that is not JSON starts nowhere in particular.
        break
      }
    }
    return results
  }
}

/// Lines and columns of offsets into a text, which must be asked for in order.
private struct LineCounter {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0
  private var line = 1
  private var lineStart = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func location(of wanted: Int, in file: String) -> Location {
    while offset < wanted {
      if bytes[offset] == UInt8(ascii: "\n") {
        line += 1
        lineStart = offset + 1
      }
      offset += 1
    }
    return Location(file: file, line: line, column: wanted - lineStart + 1, offset: wanted)
  }
}
