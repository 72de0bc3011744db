import Foundation
import Rego

/// Inputs to begin with: the texts of the conformance suites, each once, if they are not too long.
struct SeedCorpus {
  private static let maximumLength = 4096

  private let target: Target

  init(_ target: Target) { self.target = target }

  /// Writes the corpus of the suites below a folder, one file a text.
  func write(from suites: URL, to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var seen: Set<[UInt8]> = []
    let files = FileManager.default.enumerator(at: suites, includingPropertiesForKeys: nil)
    for file in (files?.compactMap { $0 as? URL } ?? []).sorted(by: { $0.path < $1.path }) {
      for text in try texts(of: file) where text.count <= Self.maximumLength && seen.insert(text).inserted {
        try Data(text).write(to: folder.appendingPathComponent("seed-\(seen.count)"))
      }
    }
    print("\(seen.count) seeds for \(target.rawValue) in \(folder.path)")
  }

  private func texts(of file: URL) throws -> [[UInt8]] {
    let isJSON = file.pathExtension == "json"
    let isYAML = file.pathExtension == "yaml" || file.pathExtension == "yml"
    guard isJSON || isYAML else { return [] }
    let bytes = try [UInt8](Data(contentsOf: file))
    switch target {
    case .yaml: return isYAML ? [bytes] : []
    case .json:
      guard isJSON, let cases = try JSONReader.value(bytes)["cases"]?.array else {
        return isJSON ? [bytes] : []
      }
      return cases.flatMap { element in
        ["data", "input", "want_result"].compactMap {
          element[$0].map { Array($0.json.utf8) }
        }
      }
    case .rego, .eval:
      if isJSON {
        let cases = try JSONReader.value(bytes)["cases"]?.array ?? []
        return cases.flatMap { $0["modules"]?.array?.compactMap(\.string) ?? [] }.map { Array($0.utf8) }
      }
      let template = try? YAMLReader.value(String(decoding: bytes, as: UTF8.self))
      return (template?["spec"]?["targets"]?.array ?? []).compactMap { $0["rego"]?.string }.map {
        Array($0.utf8)
      }
    }
  }
}
