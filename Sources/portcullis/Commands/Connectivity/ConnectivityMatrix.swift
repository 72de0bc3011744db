import ArgumentParser
import Connectivity

struct ConnectivityMatrix: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matrix",
    abstract: "Show which workload may connect to which, as a table.",
    discussion: """
      A row for each source and a column for each destination, which are numbered alike: # all connections, + some, . none. The last two are \
      the outside (all addresses, IPv4 and IPv6, or some) and whatever serves Ingresses and Routes.

      EXAMPLES
        portcullis connectivity matrix deploy/
        portcullis connectivity matrix deploy/ --ports
      """)

  @OptionGroup var paths: ManifestPaths
  @OptionGroup var options: ConnectivityOptions

  @Flag(name: .customLong("ports"), help: "Write the ports into the table.")
  var hasPorts = false

  func run() throws {
    let model = try options.model(paths.paths)
    let matrix = Matrix(model.analysis)
    Console.output.write(hasPorts ? matrix.withPorts : matrix.text(on: .output))
    try options.finish(model)
  }
}

/// Workloads by workloads.
private struct Matrix {
  private enum End: Hashable {
    case workload(Workload)
    case outside
    case ingressController

    init(_ end: Endpoint) {
      switch end {
      case .workload(let workload): self = .workload(workload)
      case .addresses: self = .outside
      case .ingressController: self = .ingressController
      }
    }

    var name: String {
      switch self {
      case .workload(let workload): workload.description
      case .outside: "outside"
      case .ingressController: "{ingress-controller}"
      }
    }
  }

  private struct Pair: Hashable {
    let source: End
    let destination: End
  }

  private var ends: [End]
  private var cells: [Pair: [ConnectionSet]] = [:]
  /// The outside addresses with which something is allowed.
  private var outside: [Pair: AddressSet] = [:]

  init(_ analysis: Analysis) {
    ends = analysis.workloadNames.map(End.workload) + [.outside]
    for element in analysis.connections(includesV6: true) {
      let pair = Pair(source: End(element.source), destination: End(element.destination))
      if pair.source == .ingressController && !ends.contains(.ingressController) {
        ends.append(.ingressController)
      }
      cells[pair, default: []].append(element.connections)
      for case .addresses(let range) in [element.source, element.destination] {
        outside[pair, default: .none] = outside[pair, default: .none].union(range.asSet)
      }
    }
  }

  private func symbol(_ source: End, _ destination: End) -> String {
    let pair = Pair(source: source, destination: destination)
    if source == destination { return " " }
    if destination == .ingressController || source == .ingressController && destination == .outside {
      return " "
    }
    guard let sets = cells[pair] else { return "." }
    let isWhole = outside[pair].map { $0 == .all } ?? true
    return isWhole && sets.allSatisfy(\.isAll) ? "#" : "+"
  }

  func text(on console: Console) -> String {
    let numberWidth = "\(ends.count)".count
    let nameWidth = ends.map(\.name.count).max() ?? 0
    func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
      let space = String(repeating: " ", count: max(0, width - text.count))
      return left ? space + text : text + space
    }
    var lines: [String] = []
    // Numbers stand upright above their columns.
    let destinations = ends.indices.filter { ends[$0] != .ingressController }
    for digit in 0..<numberWidth {
      let digits = destinations.map { String(Array(padded("\($0 + 1)", numberWidth, left: true))[digit]) }
      lines.append(
        String(repeating: " ", count: nameWidth + numberWidth + 2) + digits.joined(separator: " "))
    }
    for (index, source) in ends.enumerated() {
      let row = destinations.map { column -> String in
        let symbol = symbol(source, ends[column])
        switch symbol {
        case "#": return TextStyle.red.apply(symbol, on: console)
        case "+": return TextStyle.yellow.apply(symbol, on: console)
        default: return TextStyle.dim.apply(symbol, on: console)
        }
      }
      lines.append(
        padded("\(index + 1)", numberWidth, left: true) + " " + padded(source.name, nameWidth) + " "
          + row.joined(separator: " "))
    }
    lines += ["", "# all connections   + some   . none"]
    return lines.map { $0 + "\n" }.joined()
  }

  var withPorts: String {
    let destinations = ends.filter { $0 != .ingressController }
    let rows = ends.map { source in
      [source.name]
        + destinations.map { destination in
          let sets = cells[Pair(source: source, destination: destination)] ?? []
          switch symbol(source, destination) {
          case "#": return "all"
          case ".": return "-"
          case " ": return ""
          default:
            let union = sets.reduce(ConnectionSet.none) { $0.union($1) }
            return source == .outside || destination == .outside ? "some: \(union)" : "\(union)"
          }
        }
    }
    return TextTable(header: ["from \\ to"] + destinations.map(\.name), rows: rows).text
  }
}
