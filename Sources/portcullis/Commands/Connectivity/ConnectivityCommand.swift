import ArgumentParser
import Connectivity
import Kubernetes
import Rego

/// What network policies mean.
struct ConnectivityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "connectivity",
    abstract: "Tell which connections the policies of manifests allow, and why.",
    discussion: """
      Reads Namespaces, workloads, Services, Ingresses, Routes and policies: NetworkPolicy, AdminNetworkPolicy, \
      BaselineAdminNetworkPolicy and ClusterNetworkPolicy. Policies of Cilium and Calico count as coverage only.

      What is wrong with the objects goes to standard error. Where it leaves their meaning open nothing is answered, and the exit code is 2.
      """,
    subcommands: [
      ConnectivityList.self, ConnectivityExplain.self, ConnectivityCan.self, ConnectivityDiff.self,
      ConnectivityMatrix.self, ConnectivityGraph.self,
    ])
}

/// Where the objects come from.
struct ConnectivityOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The namespace of objects that name none.")
  var namespace = "default"

  @Option(
    name: .customLong("enforced-kinds"),
    help: ArgumentHelp(
      "The kinds of policies that the cluster's network enforces; others count for nothing. All, if left out.",
      discussion: "Of \(ClusterModelBuilder.policyKinds.map(\.string).sorted().joined(separator: ", ")).",
      valueName: "kind,..."))
  var enforcedKinds: String?

  @Flag(name: .customLong("quiet"), help: "Print no warnings.")
  var isQuiet = false

  func validate() throws {
    for kind in kinds ?? [] where !ClusterModelBuilder.policyKinds.contains(kind) {
      throw ValidationError("--enforced-kinds: \(kind) is no kind of policy that is known")
    }
  }

  private var kinds: Set<RegoString>? {
    enforcedKinds.map { Set($0.split(separator: ",").map { RegoString(String($0)) }) }
  }

  /// The model of what is at paths; warnings are printed.
  ///
  /// - Throws: `CommandFailure` where the objects' meaning is open.
  func model(_ paths: [String]) throws -> ManifestModel {
    let model = ManifestModel(paths: paths, namespace: RegoString(namespace), enforcedKinds: kinds)
    if !isQuiet {
      for warning in model.warnings { Console.error.write(line: warning.description) }
      for error in model.unread where error.isForeign { Console.error.write(line: "warning: \(error)") }
    }
    if !model.isMeaningful {
      throw CommandFailure(model.errors.map(\.description) + Self.broken(model))
    }
    return model
  }

  private static func broken(_ model: ManifestModel) -> [String] {
    model.unread.filter { !$0.isForeign }.map(\.description)
  }

  /// Ends a command that has answered; files that could not be read are told last.
  func finish(_ models: ManifestModel...) throws {
    let broken = models.flatMap(Self.broken)
    if !broken.isEmpty { throw CommandFailure(broken) }
  }
}

/// The paths of a command about one set of manifests.
struct ManifestPaths: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Manifests (.yaml, .yml, .json), folders of them, or - for standard input.", valueName: "path"))
  var paths: [String]
}

/// How lists are printed.
enum ListFormat: String, ExpressibleByArgument, CaseIterable {
  case text
  case json
  case csv
  case md
}

extension Records {
  func write(as format: ListFormat, text: @autoclosure () -> [String]) {
    switch format {
    case .text: for line in text() { Console.output.write(line: line) }
    case .json: Console.output.write(line: json.text)
    case .csv: Console.output.write(csv)
    case .md: Console.output.write(markdown)
    }
  }
}
