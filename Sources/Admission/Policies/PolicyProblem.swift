import Rego

/// Something that keeps a policy from being used, or the configuration, with its place.
public struct PolicyProblem: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file, as messages print it; empty where none is to blame.
  public var file: String
  /// Line and column, from 1; nil where the whole file is meant.
  public var line: Int?
  public var column: Int?
  public var message: String
  /// Lines that say more: the source's line with a caret, types that do not fit.
  public var details: [String] = []

  public init(file: String, line: Int? = nil, column: Int? = nil, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
  }

  init(_ location: Location, _ message: String) {
    self.init(file: location.file, line: location.line, column: location.column, message: message)
  }

  init(_ error: RegoError, file: String) {
    if let location = error.location {
      self.init(location, "\(error.code.rawValue): \(error.message)")
      if self.file.isEmpty { self.file = file }
    } else {
      self.init(file: file, message: "\(error.code.rawValue): \(error.message)")
    }
    details = error.excerpt + error.details
  }

  /// `path:line:column: message`, then the details, each on a line of its own.
  public var report: String { ([description] + details).joined(separator: "\n\t") }

  /// `path:line:column: message`.
  public var description: String {
    let place = [line, column].compactMap { $0 }.map { "\($0):" }.joined()
    return file.isEmpty ? message : "\(file):\(place) \(message)"
  }
}

/// Everything that is wrong, found in one go.
public struct PolicyProblems: Error, Sendable, CustomStringConvertible {
  public var problems: [PolicyProblem]

  public init(_ problems: [PolicyProblem]) { self.problems = problems }

  public var description: String { problems.map(\.description).joined(separator: "\n") }
}
