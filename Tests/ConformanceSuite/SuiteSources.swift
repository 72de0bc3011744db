import Foundation
import Rego

/// A module that others wrote, with where it comes from.
public struct SuiteSource: Sendable {
  public var name: String
  public var text: String

  public init(name: String, text: String) {
    self.name = name
    self.text = text
  }

  /// Every module of OPA's compliance suite.
  public static func complianceSuite(_ folder: URL) throws -> [SuiteSource] {
    try RegoCase.load(folder).flatMap { element in
      element.modules.enumerated().map { index, text in
        SuiteSource(name: "\(element.category): \(element.note) (\(index))", text: text)
      }
    }
  }

  /// Every module in the templates of Gatekeeper's library.
  public static func gatekeeperLibrary(_ folder: URL) throws -> [SuiteSource] {
    try files(below: folder) { $0 == "template.yaml" }.flatMap { file -> [SuiteSource] in
      let template = try YAMLReader.value(String(contentsOf: file, encoding: .utf8))
      var holders: [Value] = []
      for target in template["spec"]?["targets"]?.array ?? [] {
        holders.append(target)
        for code in target["code"]?.array ?? [] where code["engine"]?.string == "Rego" {
          if let source = code["source"] { holders.append(source) }
        }
      }
      return holders.flatMap { holder in
        ([holder["rego"]?.string] + (holder["libs"]?.array ?? []).map(\.string)).compactMap { text in
          text.map { SuiteSource(name: file.path, text: $0) }
        }
      }
    }
  }

  /// Every module below a folder.
  public static func modules(below folder: URL) throws -> [SuiteSource] {
    try files(below: folder) { $0.hasSuffix(".rego") }.map { file in
      SuiteSource(name: file.path, text: try String(contentsOf: file, encoding: .utf8))
    }
  }

  private static func files(below folder: URL, _ isWanted: (String) -> Bool) -> [URL] {
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    return (files?.compactMap { $0 as? URL } ?? []).filter { isWanted($0.lastPathComponent) }
      .sorted { $0.path < $1.path }
  }
}
