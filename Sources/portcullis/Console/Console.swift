import Foundation

/// One of the process's standard streams.
struct Console: Sendable {
  static let output = Console(descriptor: STDOUT_FILENO)
  static let error = Console(descriptor: STDERR_FILENO)

  let descriptor: Int32

  /// Whether somebody reads along.
  var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Whether text may carry colours: on a terminal that has them, unless `NO_COLOR` is set (no-color.org).
  var hasColors: Bool {
    let environment = ProcessInfo.processInfo.environment
    return isTerminal && environment["NO_COLOR"]?.isEmpty ?? true && environment["TERM"] != "dumb"
  }

  /// Width of the terminal in columns; nil where there is none.
  var width: Int? {
    var size = winsize()
    guard isTerminal, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Writes all of the bytes. Where nobody can take them any more they are dropped.
  func write(_ bytes: some Collection<UInt8>) {
    let bytes = ContiguousArray(bytes)
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = Foundation.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0 {
          if errno == EINTR { continue }
          return
        }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// Writes text as it is.
  func write(_ text: String) { write(text.utf8) }

  /// Writes text and the end of its line.
  func write(line: String) { write("\(line)\n") }
}

/// Colours and weights, as ECMA-48 selects them.
enum TextStyle: String {
  case bold = "1"
  case dim = "2"
  case red = "31"
  case green = "32"
  case yellow = "33"

  /// The text in this style where the stream shows styles, else as it is.
  func apply(_ text: String, on console: Console) -> String {
    console.hasColors ? "\u{1b}[\(rawValue)m\(text)\u{1b}[0m" : text
  }
}
