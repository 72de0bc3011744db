import Rego

/// Reads JSON and YAML documents.
enum DocumentReader {
  /// Whether a name ends as those of data files do.
  static func isDataFile(_ name: String) -> Bool { isJSON(name) || isYAML(name) }

  private static func isJSON(_ name: String) -> Bool { name.hasSuffix(".json") }
  private static func isYAML(_ name: String) -> Bool { name.hasSuffix(".yaml") || name.hasSuffix(".yml") }

  /// The one document of a file. What is neither named nor begins like JSON is YAML.
  static func value(
    _ bytes: [UInt8], name: String, interner: StringInterner? = nil
  ) throws(InputProblem) -> Value {
    let first = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
    let looksLikeJSON = first.map { [UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\"")].contains($0) }
    if isYAML(name) || !isJSON(name) && looksLikeJSON != true {
      return try yaml(bytes, name: name)
    }
    do throws(JSONError) {
      return try JSONReader.value(bytes, options: JSONReader.Options(interner: interner))
    } catch {
      throw InputProblem(file: name, line: error.line, column: error.column, problem: "\(error.reason)")
    }
  }

  private static func yaml(_ bytes: [UInt8], name: String) throws(InputProblem) -> Value {
    let documents = bytes.withUnsafeBytes { YAMLReader.documents($0, file: name) }
    var read: [YAMLDocument] = []
    for document in documents {
      do throws(YAMLError) {
        read.append(try document.get())
      } catch {
        throw InputProblem(file: name, line: error.line, column: error.column, problem: error.problem)
      }
    }
    if read.count > 1 {
      throw InputProblem(
        file: name, line: read[1].line, column: 1,
        problem: "unexpected second document, there must be only one")
    }
    return read.first?.value ?? .null
  }
}
