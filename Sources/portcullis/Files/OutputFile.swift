import Foundation

/// Writes files so that nobody ever sees half of one.
enum OutputFile {
  /// Writes a file anew, in place of one that is there.
  ///
  /// - Parameters:
  ///   - isSecret: whether its owner alone may read it.
  ///   - mode: its permissions, whatever the process's mask.
  static func write(
    _ text: String, to path: String, isSecret: Bool = false, mode: mode_t? = nil
  ) throws(InputProblem) {
    let temporary = "\(path).\(getpid()).tmp"
    // Left over from a run that was killed; with O_EXCL the mode below is sure to hold.
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isSecret ? 0o600 : 0o644)
    guard descriptor >= 0 else { throw failure(path) }
    let isWritten = Array(text.utf8).withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Foundation.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0 && errno != EINTR { return false }
        rest = rest.dropFirst(max(count, 0))
      }
      return true
    }
    let hasMode = mode.map { fchmod(descriptor, $0) == 0 } ?? true
    guard isWritten, close(descriptor) == 0, hasMode, rename(temporary, path) == 0 else {
      let problem = failure(path)
      unlink(temporary)
      throw problem
    }
  }

  /// Makes a folder, and those above it, where there is none.
  static func makeFolder(_ path: String) throws(InputProblem) {
    if InputFile.isDirectory(path) { return }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw InputProblem(file: path, problem: "cannot be made: \(InputFile.systemReason())")
    }
  }

  private static func failure(_ path: String) -> InputProblem {
    InputProblem(file: path, problem: "cannot be written: \(InputFile.systemReason())")
  }
}
