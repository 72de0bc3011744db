import Foundation
import Rego

@testable import Admission

/// Where things are that tests read.
enum Files {
  /// The project's root.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The folder of suites and samples that others wrote; nil where this clone stands without it.
  static let shared: URL? = {
    let named = ProcessInfo.processInfo.environment["PORTCULLIS_SHARED"].map { URL(filePath: $0) }
    let folder = named ?? root.deletingLastPathComponent().appending(path: "shared")
    return FileManager.default.fileExists(atPath: folder.appending(path: "design.md").path) ? folder : nil
  }()

  static func text(_ url: URL) throws -> String {
    String(decoding: try Data(contentsOf: url), as: UTF8.self)
  }

  /// The example policies, by folder, each with its tests.
  static func examples() throws -> [(name: String, policy: PolicySource, tests: PolicySource)] {
    let folder = root.appending(path: "Rego-examples")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().compactMap { name in
      let base = folder.appending(path: name)
      guard name != "README.md" else { return nil }
      func source(_ file: String) throws -> PolicySource {
        PolicySource(path: "Rego-examples/\(name)/\(file)", text: try text(base.appending(path: file)))
      }
      return (name, try source("\(name).rego"), try source("\(name)_test.rego"))
    }
  }
}
