import Foundation

/// The files below a folder.
enum FileTree {
  struct Entry {
    var path: String
    /// The names of the folders between the root and the file.
    var folders: [String]
  }

  /// Every file below a folder in the order of their names, those of a folder before those of its sub-folders. What begins with a dot
  /// is left out: editors' and version control's files, and the links behind a mounted ConfigMap.
  static func files(below root: String) throws(InputProblem) -> [Entry] {
    var entries: [Entry] = []
    try collect(root, folders: [], ancestors: [], into: &entries)
    return entries
  }

  private static func collect(
    _ folder: String, folders: [String], ancestors: [String], into entries: inout [Entry]
  ) throws(InputProblem) {
    let resolved = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
    // A link to a folder around it would never end.
    if ancestors.contains(resolved) { return }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw InputProblem(file: folder, problem: "cannot be read: the folder cannot be listed")
    }
    var inner: [String] = []
    for name in names.sorted() where !name.hasPrefix(".") {
      let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
      if InputFile.isDirectory(path) {
        inner.append(name)
      } else {
        entries.append(Entry(path: path, folders: folders))
      }
    }
    for name in inner {
      let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
      try collect(path, folders: folders + [name], ancestors: ancestors + [resolved], into: &entries)
    }
  }
}
