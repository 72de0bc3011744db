import Kubernetes
import Rego

/// Something wrong with an object, or something about it that the model leaves out.
public struct Problem: Error, Sendable, Hashable {
  public enum Severity: Sendable, Hashable {
    /// The API server would not take the object, or what it means is undefined.
    case error
    case warning
  }

  public let severity: Severity
  /// Nil where the problem is no single object's.
  public let object: ObjectReference?
  /// Nil where the object stands in no file.
  public let location: Location?
  /// A sentence that starts lowercase.
  public let message: String

  public init(_ severity: Severity, _ object: ObjectReference?, at location: Location?, _ message: String) {
    self.severity = severity
    self.object = object
    self.location = location
    self.message = message
  }
}

extension Problem: CustomStringConvertible {
  /// `FILE:LINE:COLUMN: NetworkPolicy shop/web: what is wrong`.
  public var description: String {
    var text = ""
    if let location { text += "\(location.file):\(location.line):\(location.column): " }
    if severity == .warning { text += "warning: " }
    if let object { text += "\(object): " }
    return text + message
  }
}

/// What keeps an object from being read: a path that starts at the object, and what is wrong there.
struct Misfit: Error {
  var path: String
  var text: String

  init(_ text: String, at path: String = "") {
    self.path = path
    self.text = text
  }

  init(_ error: any Error) {
    switch error {
    case let misfit as Misfit: self = misfit
    case let error as FieldError:
      switch error {
      case .missing(let path): self.init("is missing", at: path)
      case .wrongType(let path, let expected, let found):
        self.init("must be \(expected), but is \(found)", at: path)
      }
    case let error as SelectorError: self.init(": \(error)")
    default: self.init(": \(error)")
    }
  }

  func under(_ step: String) -> Misfit {
    Misfit(text, at: path.isEmpty ? step : path.hasPrefix("[") ? step + path : "\(step).\(path)")
  }

  var sentence: String {
    if path.isEmpty { return text.hasPrefix(": ") ? String(text.dropFirst(2)) : text }
    return text.hasPrefix(":") ? path + text : "\(path) \(text)"
  }
}

/// Reads a part of an object; what is wrong with the part is told with the part's name before its own path.
func at<Result>(_ step: @autoclosure () -> String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch {
    throw Misfit(error).under(step())
  }
}
