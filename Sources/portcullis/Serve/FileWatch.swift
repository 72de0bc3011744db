import Foundation

/// Tells when something below a set of paths has changed, by looking: what replaces a mounted ConfigMap or a Secret changes
/// symbolic links, of which notifications tell nothing useful.
struct FileWatch {
  private struct Signature: Equatable {
    var device: UInt
    var inode: UInt
    var size: Int
    var seconds: Int
    var nanoseconds: Int
  }

  private let paths: [String]
  private var seen: [String: Signature]

  init(_ paths: [String]) {
    self.paths = paths
    seen = FileWatch.look(paths)
  }

  /// Whether anything has changed since the last call, or since the start.
  mutating func hasChanged() -> Bool {
    let now = FileWatch.look(paths)
    defer { seen = now }
    return now != seen
  }

  private static func look(_ paths: [String]) -> [String: Signature] {
    var signatures: [String: Signature] = [:]
    for path in paths {
      if InputFile.isDirectory(path) {
        // A folder that cannot be listed looks like an empty one until it can.
        for entry in (try? FileTree.files(below: path)) ?? [] {
          signatures[entry.path] = signature(entry.path)
        }
      }
      signatures[path] = signature(path)
    }
    return signatures
  }

  /// Follows symbolic links; nil where there is no file.
  private static func signature(_ path: String) -> Signature? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Signature(
      device: UInt(status.st_dev), inode: UInt(status.st_ino), size: Int(status.st_size),
      seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
  }
}
