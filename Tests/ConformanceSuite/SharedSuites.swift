import Foundation

/// Where the suites written by others are: beside the checkout, or where `PORTCULLIS_SHARED` says.
public enum SharedSuites {
  public static let folder: URL? = {
    var candidates: [URL] = []
    if let path = ProcessInfo.processInfo.environment["PORTCULLIS_SHARED"], !path.isEmpty {
      candidates.append(URL(fileURLWithPath: path))
    }
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    candidates.append(root.deletingLastPathComponent().appendingPathComponent("shared"))
    return candidates.first { FileManager.default.fileExists(atPath: $0.path) }
  }()

  /// A folder of a suite, such as `conformance/rego`; nil where it is missing.
  public static func path(_ relative: String) -> URL? {
    guard let url = folder?.appendingPathComponent(relative), FileManager.default.fileExists(atPath: url.path)
    else {
      return nil
    }
    return url
  }
}
