import ConformanceSuite
import Foundation
import Rego
import Testing

/// The AdmissionReviews that were captured from a real API server.
enum SharedReviews {
  static let folder = SharedSuites.path("reviews")
  static let exist = folder != nil
  static let comment: Testing.Comment =
    "there are no captured reviews at ../shared/reviews; set PORTCULLIS_SHARED"

  /// The files' names, in the order of their capture.
  static let names: [String] = {
    guard let folder else { return [] }
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".json") && $0 != "expected.json" }.sorted()
  }()

  static func bytes(_ name: String) throws -> [UInt8] {
    let folder = try #require(folder)
    return Array(try Data(contentsOf: folder.appendingPathComponent(name)))
  }

  static func review(_ name: String) throws -> Value {
    try JSONReader.value(bytes(name))
  }

  /// What was applied and what the API server made of it, for every review whose object says so.
  static func pairs() throws -> [(name: String, written: Value, stored: Value)] {
    try names.compactMap { name in
      let object = try review(name)["request"]?["object"]
      guard let object, let metadata = object["metadata"],
        let text = metadata["annotations"]?["kubectl.kubernetes.io/last-applied-configuration"]?.string
      else { return nil }
      return (name, try JSONReader.value(text), object)
    }
  }
}
