import ArgumentParser
import Rego

struct ShowVersion: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version",
    abstract: "Print the version.",
    discussion: """
      EXAMPLE
        portcullis version --format json
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
  }

  @Option(name: .shortAndLong, help: "How to print it.")
  var format = Format.text

  func run() {
    let version = Version.current
    switch format {
    case .text: Console.output.write(line: "portcullis \(version.number) (\(version.configuration))")
    case .json:
      let json = OrderedJSON.object([
        ("version", .string(version.number)), ("configuration", .string(version.configuration)),
      ])
      Console.output.write(line: json.text)
    }
  }
}
