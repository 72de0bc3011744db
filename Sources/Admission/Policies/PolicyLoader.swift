import Foundation

/// Finds the files of policies.
public enum PolicyLoader {
  /// Reads policy files, and the `.rego` files of folders at any depth; tests (`*_test.rego`) are passed over.
  ///
  /// Names that begin with a dot are passed over too: in a mounted ConfigMap the files stand there a second time. The order is
  /// that of the paths that are given, and within a folder that of the names.
  ///
  /// - Throws: every path that cannot be read, or holds no policy.
  public static func sources(at paths: [String]) throws(PolicyProblems) -> [PolicySource] {
    var sources: [PolicySource] = []
    var seen: Set<String> = []
    var problems: [PolicyProblem] = []
    for path in paths {
      do throws(PolicyProblem) {
        let files = try Self.files(at: path)
        if files.isEmpty {
          throw PolicyProblem(file: path, message: "holds no policy: there is no .rego file in it")
        }
        for file in files where seen.insert(URL(filePath: file).standardizedFileURL.path).inserted {
          sources.append(PolicySource(path: file, text: try FileText.utf8(file)))
        }
      } catch {
        problems.append(error)
      }
    }
    if !problems.isEmpty { throw PolicyProblems(problems) }
    return sources
  }

  /// The policy files at a path, sorted; a file that is named itself is taken whatever its name.
  static func files(at path: String) throws(PolicyProblem) -> [String] {
    guard try FileText.isFolder(path) else { return [path] }
    return try FileText.files(in: path) { $0.hasSuffix(".rego") && !$0.hasSuffix("_test.rego") }
  }
}

/// Files as text.
enum FileText {
  /// A file that is larger is refused.
  static let maximumBytes = 256 << 20

  static func utf8(_ path: String) throws(PolicyProblem) -> String {
    guard let text = String(data: try data(path), encoding: .utf8) else {
      throw PolicyProblem(file: path, message: "is not UTF-8 text")
    }
    return text
  }

  static func data(_ path: String) throws(PolicyProblem) -> Data {
    do {
      let data = try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
      if data.count <= maximumBytes { return data }
    } catch {
      throw PolicyProblem(file: path, message: "cannot be read: \(reason(error))")
    }
    throw PolicyProblem(file: path, message: "is larger than \(maximumBytes >> 20) MiB")
  }

  static func isFolder(_ path: String) throws(PolicyProblem) -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw PolicyProblem(file: path, message: "there is no such file or folder")
    }
    return isFolder.boolValue
  }

  /// The files in a folder and its folders whose names pass, sorted by path.
  static func files(in folder: String, where isWanted: (String) -> Bool) throws(PolicyProblem) -> [String] {
    var found: [String] = []
    // Links may lead around in circles.
    try collect(folder, depth: 0, isWanted, &found)
    return found
  }

  private static func collect(
    _ folder: String, depth: Int, _ isWanted: (String) -> Bool, _ found: inout [String]
  ) throws(PolicyProblem) {
    if depth > 32 { throw PolicyProblem(file: folder, message: "lies more than 32 folders deep") }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw PolicyProblem(file: folder, message: "cannot be read: \(reason(error))")
    }
    let base = folder.hasSuffix("/") ? folder : folder + "/"
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) where !name.hasPrefix(".") {
      if try isFolder(base + name) {
        try collect(base + name, depth: depth + 1, isWanted, &found)
      } else if isWanted(name) {
        found.append(base + name)
      }
    }
  }

  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    if let underlying, underlying.domain == NSPOSIXErrorDomain {
      return String(cString: strerror(Int32(underlying.code)))
    }
    return error.localizedDescription
  }
}
