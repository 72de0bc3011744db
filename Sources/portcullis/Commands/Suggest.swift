import ArgumentParser
import Connectivity

struct Suggest: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Suggest the least NetworkPolicies that isolate every workload.",
    discussion: """
      Writes NetworkPolicies as YAML for workloads that none isolates, and for connections of --keep-connections that those there are do \
      not allow. Without --keep-connections workloads keep what their Services, Ingresses and Routes lead to.

      The exit code is 1 where something cannot be kept, since a policy of the cluster denies it or a node's network is in the way, and \
      where more would be allowed than is to be kept, since labels do not tell workloads apart; each of these goes to standard error.

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
  var directions = DirectionSet.ingress

  func run() throws {
    let model = try options.model(paths.paths)
    let analysis = model.analysis
    let wanted = try self.wanted(model)
    let policies = analysis.suggestions(keeping: wanted, directions: directions.directions)
    for (index, policy) in policies.enumerated() {
      Console.output.write((index > 0 ? "---\n" : "") + policy.yaml)
    }
    for policy in policies { remark(on: policy, wanted, analysis) }
    let after = analysis.adding(policies)
    let unmet = after.unmet(wanted)
    for element in unmet {
      let node = [element.source, element.destination].first(where: analysis.isOnNodeNetwork)
      let reason = node.map { ": \($0) is on its node's network, which no podSelector is about" } ?? ""
      Console.error.write(line: "cannot be kept: \(Self.text(element))\(reason)")
    }
    let excess = analysis.excess(over: wanted, in: after)
    for element in excess {
      Console.error.write(
        line: "more than is to be kept, since labels do not tell workloads apart: \(Self.text(element))")
    }
    let noun = policies.count == 1 ? "NetworkPolicy" : "NetworkPolicies"
    Console.error.write(line: "\(policies.count) \(noun) suggested")
    try options.finish(model)
    if !unmet.isEmpty || !excess.isEmpty { throw ExitCode.violations }
  }

  private static func text(_ element: WantedConnection) -> String {
    "\(element.source) => \(element.destination) : \(element.connections)"
  }

  /// What else a policy does, or does not.
  private func remark(on policy: SuggestedPolicy, _ wanted: [WantedConnection], _ analysis: Analysis) {
    let end = Endpoint.workload(policy.workload)
    let direction = policy.direction.rawValue.lowercased()
    let others = analysis.unmodelledPolicies(isolating: policy.workload, policy.direction)
    if !others.isEmpty {
      let names = others.map(\.description).joined(separator: ", ")
      options.warn(
        "warning: \(end): \(names) \(others.count == 1 ? "isolates" : "isolate") its \(direction) already, and "
          + "\(others.count == 1 ? "its" : "their") rules are not modelled")
    }
    if policy.direction == .ingress {
      for element in wanted where element.source == .ingressController && element.destination == end {
        options.warn(
          "warning: \(end): pods of all namespaces may connect to \(element.connections), since the namespace of the "
            + "ingress controller is not known")
      }
    }
  }

  private func wanted(_ model: ManifestModel) throws -> [WantedConnection] {
    guard let keep else { return model.analysis.expectedConnections() }
    let bytes: [UInt8]
    do {
      bytes = try InputFile.read(keep)
    } catch {
      throw CommandFailure(error.description)
    }
    let found = model.analysis.wantedConnections(String(decoding: bytes, as: UTF8.self))
    if !found.errors.isEmpty { throw CommandFailure(found.errors.map { "\(InputFile.name(keep)):\($0)" }) }
    let strange = found.strangeFlowCount
    if strange > 0 {
      Console.error.write(
        line: strange == 1
          ? "1 flow is left out: an end of it is not among the objects"
          : "\(strange) flows are left out: an end of each is not among the objects")
    }
    return found.wanted
  }
}
