/// Why a YAML document could not be read, and where.
public struct YAMLError: Error, Sendable, Hashable {
  public var file: String
  /// Line, from 1.
  public var line: Int
  /// Column in characters, from 1.
  public var column: Int
  public var problem: String
  /// The problem as go-yaml words it, for `yaml.unmarshal`: `line N: ` and the problem, where it names a line.
  var goMessage: String

  init(file: String, line: Int, column: Int, problem: String, goMessage: String? = nil) {
    self.file = file
    self.line = line
    self.column = column
    self.problem = problem
    self.goMessage = goMessage ?? "line \(line): \(problem)"
  }
}

extension YAMLError: CustomStringConvertible {
  /// `FILE:LINE:COLUMN: what is wrong`, without the file where it has no name.
  public var description: String { "\(file.isEmpty ? "" : "\(file):")\(line):\(column): \(problem)" }
}
