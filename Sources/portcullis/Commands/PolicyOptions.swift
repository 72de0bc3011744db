import Admission
import ArgumentParser
import Rego

/// Which policies judge, and what they know of the cluster.
struct PolicyOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "A policy (.rego) or a folder of them, beside the built-in ones. Repeat for more.", valueName: "path"))
  var policies: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The built-in policies to judge by: all, none, or names with commas. (default: all)", valueName: "names"
    ))
  var builtin: Configuration.BuiltinSelection?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "What is in the cluster: a manifest, a folder of them, or an inventory as JSON. Repeat for more.",
      valueName: "path"))
  var inventory: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A YAML file with these options and with what is said of single policies.", valueName: "file"))
  var config: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Read policies as v0 or v1 only. By default each is read as v1, and where that fails as v0.",
      valueName: "version"))
  var regoVersion: Dialect?

  /// What the options say, and where they say nothing, the file.
  func configuration() throws(PolicyProblems) -> Configuration {
    var flags = Configuration()
    flags.policyPaths = policies.isEmpty ? nil : policies
    flags.builtin = builtin
    flags.inventoryPaths = inventory.isEmpty ? nil : inventory
    flags.regoVersion = regoVersion
    return try flags.filled(from: config)
  }
}

extension Configuration {
  /// What this says, and where it says nothing, the file at the path.
  func filled(from path: String?) throws(PolicyProblems) -> Configuration {
    guard let path else { return self }
    return filled(from: try Configuration.read(path: path))
  }
}

extension Configuration.BuiltinSelection: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension Dialect: ExpressibleByArgument {}

extension PolicyProblems {
  /// What ends a command.
  var failure: CommandFailure { CommandFailure(problems.map(\.report)) }
}
