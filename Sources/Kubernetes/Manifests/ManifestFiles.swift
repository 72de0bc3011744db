import Foundation

/// The files that paths on the command line mean.
struct ManifestFiles {
  private(set) var files: [String] = []
  private(set) var errors: [ManifestError] = []

  private struct Identity: Hashable {
    let device: UInt64
    let node: UInt64
  }

  private static let extensions = [".yaml", ".yml", ".json"]

  /// A path's files: itself, or what is in the folder with the name of a manifest, at any depth and ordered by name.
  ///
  /// In folders names that start with a dot are passed over: a mounted ConfigMap has its files there once more.
  mutating func add(_ path: String) {
    add(path, within: [])
  }

  private mutating func add(_ path: String, within folders: [Identity]) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      errors.append(ManifestError(file: path, Self.reason(errno)))
      return
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      // A file that is named may be a pipe; one that is found must not keep anybody waiting.
      if folders.isEmpty || status.st_mode & S_IFMT == S_IFREG { files.append(path) }
      return
    }
    let identity = Identity(device: UInt64(status.st_dev), node: UInt64(status.st_ino))
    if folders.contains(identity) {
      errors.append(ManifestError(file: path, "the folder contains itself through a symbolic link"))
      return
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      errors.append(ManifestError(file: path, "the folder cannot be read"))
      return
    }
    let prefix = path.hasSuffix("/") ? path : path + "/"
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) where !name.hasPrefix(".") {
      if Self.extensions.contains(where: name.hasSuffix) || isFolder(prefix + name) {
        add(prefix + name, within: folders + [identity])
      }
    }
  }

  private func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The bytes of a file, or of standard input where the path is nil.
  ///
  /// - Throws: ``ManifestError`` where it cannot be read or holds more than the limit.
  static func read(_ path: String?, limit: Int) throws(ManifestError) -> [UInt8] {
    let name = path ?? ManifestReader.standardInputName
    let descriptor = path.map { open($0, O_RDONLY | O_CLOEXEC) } ?? STDIN_FILENO
    guard descriptor >= 0 else { throw ManifestError(file: name, reason(errno)) }
    defer { if path != nil { close(descriptor) } }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = buffer.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw ManifestError(file: name, reason(errno))
      }
      if bytes.count + count > limit {
        throw ManifestError(file: name, "the file is larger than \(limit) bytes, which is the limit")
      }
      bytes.append(contentsOf: buffer[..<count])
    }
  }

  private static func reason(_ code: Int32) -> String {
    switch code {
    case ENOENT: "there is no such file or folder"
    case EACCES, EPERM: "it must not be read: permission denied"
    case ELOOP: "the symbolic link leads to itself"
    case EISDIR: "it is a folder"
    default: "it cannot be read: \(String(cString: strerror(code)))"
    }
  }
}
