import ArgumentParser
import Connectivity

struct ConnectivityGraph: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph",
    abstract: "Draw allowed connections.",
    discussion: """
      Workloads are grouped by namespace. --format dot is for Graphviz; svg is a picture of its own.

      EXAMPLES
        portcullis connectivity graph deploy/ --format svg > connectivity.svg
        portcullis connectivity graph deploy/ | dot -Tpng -o connectivity.png
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case dot
    case svg
  }

  @OptionGroup var paths: ManifestPaths
  @OptionGroup var options: ConnectivityOptions

  @Option(
    name: .shortAndLong, help: "How to draw: \(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = Format.dot

  func run() throws {
    let model = try options.model(paths.paths)
    let graph = ConnectionGraph(model.analysis)
    Console.output.write(format == .dot ? graph.dot : graph.svg)
    try options.finish(model)
  }
}
