import ArgumentParser
import Foundation
import Rego

struct Fmt: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write Rego modules in the canonical format, that of `opa fmt`.",
    discussion: """
      Prints the formatted modules, unless told otherwise. Modules that parse as v0 only stay v0. With --check, and where --diff \
      has something to show, the command exits with 1.

      EXAMPLES
        portcullis fmt --write policies/
        portcullis fmt --check policies/ && echo formatted
        portcullis fmt --diff policies/network.rego
        portcullis fmt --v0-v1 <old.rego >new.rego
      """)

  @Argument(
    help: ArgumentHelp(
      "Modules, folders of them (.rego), or - for standard input. Without any: standard input.",
      valueName: "path"))
  var paths: [String] = []

  @Flag(
    name: .long, help: "Print the paths of modules that are not formatted, and exit with 1 if there are any.")
  var check = false

  @Flag(name: .shortAndLong, help: "Print the paths of modules that are not formatted.")
  var list = false

  @Flag(name: .shortAndLong, help: "Print what would change, and exit with 1 if something would.")
  var diff = false

  @Flag(name: .shortAndLong, help: "Write the modules in place of what they were.")
  var write = false

  @Flag(name: .long, help: "Exit with 1 where a module is not formatted.")
  var fail = false

  @Flag(name: .long, help: "Read modules as Rego v0.")
  var v0Compatible = false

  @Flag(
    name: .long,
    help: "Read modules as Rego v1 only. By default each is read as v1, and where that fails as v0.")
  var v1Compatible = false

  @Flag(
    name: [.customLong("v0-v1"), .customLong("rego-v1")],
    help: "Write modules so that v0 and v1 both read them, with `import rego.v1`.")
  var v0v1 = false

  @Flag(
    name: .customLong("drop-v0-imports"), help: "Write modules as v1, without imports that only v0 needs.")
  var dropV0Imports = false

  func validate() throws {
    if v0Compatible && v1Compatible {
      throw ValidationError("give --v0-compatible or --v1-compatible, not both")
    }
    if v0v1 && dropV0Imports { throw ValidationError("give --v0-v1 or --drop-v0-imports, not both") }
    if write && (check || list || diff) {
      throw ValidationError(
        "--write changes what --check, --list and --diff would only show: give one of them")
    }
    if write && (paths.isEmpty || paths.contains(InputFile.standardInput)) {
      throw ValidationError("--write needs paths of files")
    }
  }

  func run() throws {
    let formatter = RegoFormatter(
      dialect: v0Compatible ? .v0 : v1Compatible ? .v1 : nil,
      compatibility: v0v1 ? .both : dropV0Imports ? .v1 : .asWritten)
    var problems: [String] = []
    var differs = false
    for path in paths.isEmpty ? [InputFile.standardInput] : paths {
      do throws(InputProblem) {
        for file in try Self.modules(path) {
          do throws(InputProblem) {
            if try format(file, formatter, &problems) { differs = true }
          } catch {
            problems.append(error.description)
          }
        }
      } catch {
        problems.append(error.description)
      }
    }
    if !problems.isEmpty { throw CommandFailure(problems) }
    if differs && (check || diff || fail) { throw ExitCode.violations }
  }

  /// The modules that a path stands for.
  private static func modules(_ path: String) throws(InputProblem) -> [String] {
    guard InputFile.isDirectory(path) else { return [path] }
    return try FileTree.files(below: path).map(\.path).filter { $0.hasSuffix(".rego") }
  }

  /// Formats a module and does with it what the flags say.
  ///
  /// - Returns: whether it was not formatted.
  private func format(
    _ path: String, _ formatter: RegoFormatter, _ problems: inout [String]
  ) throws(InputProblem) -> Bool {
    let name = InputFile.name(path)
    let source = try InputFile.text(try InputFile.read(path), name: name)
    let text: String
    do throws(RegoErrors) {
      text = try formatter.format(source, file: name)
    } catch {
      problems += error.errors.map(\.description)
      return false
    }
    let differs = !source.utf8.elementsEqual(text.utf8)
    if check || list {
      if differs { Console.output.write(line: name) }
    }
    if diff, differs { Console.output.write(UnifiedDiff(from: source, to: text, name: name).text) }
    if write, differs { try replace(path, with: text) }
    if !check && !list && !diff && !write { Console.output.write(text) }
    return differs
  }

  /// Writes a file anew with the permissions it has; a link stays one.
  private func replace(_ path: String, with text: String) throws(InputProblem) {
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    var status = stat()
    let mode = stat(target, &status) == 0 ? status.st_mode & 0o7777 : nil
    try OutputFile.write(text, to: target, mode: mode)
  }
}
