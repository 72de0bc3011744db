import Foundation

/// What is wrong with a file, and where.
struct InputProblem: Error, CustomStringConvertible {
  var file: String
  var line: Int?
  var column: Int?
  var problem: String

  /// `FILE:LINE:COLUMN: what is wrong`.
  var description: String {
    let place = [line, column].compactMap(\.self).map { ":\($0)" }.joined()
    return "\(file)\(place): \(problem)"
  }
}

/// Reads what the command line names.
enum InputFile {
  /// What stands for standard input.
  static let standardInput = "-"
  /// More is not read: it is more likely a mistake than a manifest.
  static let maximumBytes = 256 << 20

  /// The name that messages give to what a path stands for.
  static func name(_ path: String) -> String { path == standardInput ? "<stdin>" : path }

  /// The whole content of a file, or of standard input for `-`.
  static func read(_ path: String) throws(InputProblem) -> [UInt8] {
    if path == standardInput { return try read(descriptor: STDIN_FILENO, name: name(path)) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    return try read(descriptor: descriptor, name: path)
  }

  private static func read(descriptor: Int32, name: String) throws(InputProblem) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = chunk.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure(name)
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
      if bytes.count > maximumBytes {
        throw InputProblem(file: name, problem: "is larger than \(maximumBytes >> 20) MiB")
      }
    }
  }

  /// The content as text.
  static func text(_ bytes: [UInt8], name: String) throws(InputProblem) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    // Up to the first ill-formed sequence repairing changes nothing.
    let repaired = String(decoding: bytes, as: UTF8.self)
    let offset = zip(bytes, repaired.utf8).enumerated().first { $1.0 != $1.1 }?.offset ?? 0
    let before = bytes[..<offset]
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let column = before.count - (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1)
    throw InputProblem(file: name, line: line, column: column, problem: "invalid UTF-8")
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  static func isDirectory(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
  }

  private static func failure(_ name: String) -> InputProblem {
    InputProblem(file: name, problem: "cannot be read: \(systemReason())")
  }

  /// What `errno` says, in lower case as within a sentence.
  static func systemReason() -> String {
    let reason = String(cString: strerror(errno))
    return reason.prefix(1).lowercased() + reason.dropFirst()
  }
}
