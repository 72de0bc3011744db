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
    if kinds?.isEmpty ?? false { throw ValidationError("--enforced-kinds must name a kind of policy") }
    for kind in kinds ?? [] where !ClusterModelBuilder.policyKinds.contains(kind) {
      throw ValidationError("--enforced-kinds: \(kind) is no kind of policy that is known")
    }
  }

  private var kinds: Set<RegoString>? {
    enforcedKinds.map { Set($0.split(separator: ",").map { RegoString(String($0)) }) }
  }

  /// The model of what is at paths; warnings are printed.
  ///
  /// - Parameter needsAll: whether nothing is to be answered where something could not be read.
  /// - Throws: `CommandFailure` where a path leads nowhere, or the objects' meaning is open.
  func model(_ paths: [String], needsAll: Bool = false) throws -> ManifestModel {
    let missing = paths.filter { $0 != InputFile.standardInput && !InputFile.exists($0) }
    if !missing.isEmpty {
      throw CommandFailure(missing.map { "\($0): error: there is no such file or folder" })
    }
    let model = ManifestModel(paths: paths, namespace: RegoString(namespace), enforcedKinds: kinds)
    let broken = broken(model)
    // Of what is not known as a whole nothing can be said about the whole.
    let isWhole = model.isMeaningful && broken.isEmpty
    for warning in model.warnings where isWhole || warning.object != nil { warn(warning.text) }
    for error in model.unread where error.isForeign { warn(error.text(.warning)) }
    if !model.isMeaningful || needsAll && !broken.isEmpty {
      throw CommandFailure(model.errors.map(\.text) + broken)
    }
    return model
  }

  /// Tells what may be overlooked, unless nobody wants to know.
  func warn(_ line: String) {
    if !isQuiet { Console.error.write(line: line) }
  }

  /// Warns of ends about which the answer is not what a cluster would do.
  func warn(of ends: Set<Endpoint>, _ analysis: Analysis) {
    for end in ends.sorted() where analysis.isOnNodeNetwork(end) {
      warn(
        "warning: \(end) is on its node's network, and is answered for as if it were not: in a cluster no policy "
          + "isolates it, and to other pods' policies it is the node's address")
    }
  }

  /// What could not be read, a line each.
  func broken(_ model: ManifestModel) -> [String] {
    model.unread.filter { !$0.isForeign }.map { $0.text(.error) }
  }

  /// Ends a command that has answered; files that could not be read are told last.
  func finish(_ models: ManifestModel...) throws {
    let broken = models.flatMap(broken)
    if !broken.isEmpty { throw CommandFailure(broken) }
  }
}

extension Problem {
  /// `FILE:LINE:COLUMN: error: NetworkPolicy shop/web: what is wrong`.
  fileprivate var text: String {
    let place = location.map { "\($0.file):\($0.line):\($0.column): " } ?? ""
    return place + severity.prefix + (object.map { "\($0): " } ?? "") + message
  }
}

extension Problem.Severity {
  fileprivate var prefix: String { self == .error ? "error: " : "warning: " }
}

extension ManifestError {
  /// `FILE:LINE:COLUMN: error: what is wrong`.
  fileprivate func text(_ severity: Problem.Severity) -> String {
    let place = [line, column].compactMap(\.self).map { ":\($0)" }.joined()
    return "\(file)\(place): \(severity.prefix)\(message)"
  }
}

/// Directions as options name them: `ingress,egress`.
struct DirectionSet: ExpressibleByArgument, CustomStringConvertible {
  let directions: Set<Direction>

  init?(argument: String) {
    let names = argument.split(separator: ",", omittingEmptySubsequences: false)
    directions = Set(
      names.compactMap { name in
        Direction.allCases.first { $0.rawValue.lowercased() == name.lowercased() }
      })
    if directions.count != names.count { return nil }
  }

  static let ingress = DirectionSet([.ingress])

  private init(_ directions: Set<Direction>) { self.directions = directions }

  var names: [String] { directions.map { $0.rawValue.lowercased() }.sorted(by: >) }
  var description: String { names.joined(separator: ",") }
  var defaultValueDescription: String { description }
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
