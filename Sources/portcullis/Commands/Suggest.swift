import ArgumentParser
import Connectivity

struct Suggest: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Suggest the least NetworkPolicies that isolate every workload.",
    discussion: """
      Writes NetworkPolicies as YAML for workloads that none isolates, and for connections of --keep-connections that those there are do \
      not allow. Without --keep-connections workloads keep what their Services, Ingresses and Routes lead to. What cannot be kept, \
      since a policy of the cluster denies it, goes to standard error, and the exit code is 1.

      EXAMPLES
        portcullis suggest deploy/ > deploy/policies.yaml
        portcullis connectivity list deploy/ > connections.txt
        portcullis suggest deploy/ --keep-connections connections.txt --directions ingress,egress
        hubble observe --output json | portcullis suggest deploy/ --keep-connections -
      """)

  @OptionGroup var paths: ManifestPaths
  @OptionGroup var options: ConnectivityOptions

  @Option(
    name: .customLong("keep-connections"),
    help: ArgumentHelp(
      "Connections to keep: lines as of a list, or Hubble's flows as JSON lines; - for standard input.",
      valueName: "file"))
  var keep: String?

  @Option(
    help: ArgumentHelp("In which directions workloads are to be isolated.", valueName: "direction,..."))
  var directions = "ingress"

  private var wantedDirections: Set<Direction> {
    Set(
      directions.split(separator: ",").compactMap { name in
        Direction.allCases.first { $0.rawValue.lowercased() == name.lowercased() }
      })
  }

  func validate() throws {
    if wantedDirections.isEmpty || wantedDirections.count != directions.split(separator: ",").count {
      throw ValidationError("--directions must be ingress, egress or both")
    }
  }

  func run() throws {
    let model = try options.model(paths.paths)
    let wanted = try self.wanted(model)
    let policies = model.analysis.suggestions(keeping: wanted, directions: wantedDirections)
    for (index, policy) in policies.enumerated() {
      Console.output.write((index > 0 ? "---\n" : "") + policy.yaml)
    }
    let unmet = model.analysis.unmet(wanted, with: policies)
    for element in unmet {
      Console.error.write(
        line: "cannot be kept: \(element.source) => \(element.destination) : \(element.connections)")
    }
    Console.error.write(line: "\(policies.count) NetworkPolicies suggested")
    try options.finish(model)
    if !unmet.isEmpty { throw ExitCode.violations }
  }

  private func wanted(_ model: ManifestModel) throws -> [WantedConnection] {
    guard let keep else { return model.analysis.expectedConnections() }
    let bytes: [UInt8]
    do {
      bytes = try InputFile.read(keep)
    } catch {
      throw CommandFailure(error.description)
    }
    let (wanted, errors) = model.analysis.wantedConnections(String(decoding: bytes, as: UTF8.self))
    if !errors.isEmpty { throw CommandFailure(errors.map { "\(InputFile.name(keep)):\($0)" }) }
    return wanted
  }
}
