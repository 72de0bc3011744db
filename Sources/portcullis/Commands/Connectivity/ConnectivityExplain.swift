import ArgumentParser
import Connectivity

struct ConnectivityExplain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say through which rules connections are allowed or denied.",
    discussion: """
      First what each policy does, in words, and then for each two workloads what the source's policies and the destination's say, by \
      ports. --from and --to narrow it down: to a workload as NAMESPACE/NAME or NAMESPACE/NAME[KIND], or to an address.

      EXAMPLES
        portcullis connectivity explain policies.yaml
        portcullis connectivity explain deploy/ --to shop/database
        portcullis connectivity explain deploy/ --from shop/web --to 10.1.2.3
      """)

  @OptionGroup var paths: ManifestPaths
  @OptionGroup var options: ConnectivityOptions

  @Option(help: ArgumentHelp("The source.", valueName: "end"))
  var from: String?

  @Option(help: ArgumentHelp("The destination.", valueName: "end"))
  var to: String?

  func run() throws {
    let model = try options.model(paths.paths)
    let analysis = model.analysis
    var isFirst = true
    func write(_ lines: [String]) {
      if !isFirst { Console.output.write(line: "") }
      isFirst = false
      for line in lines { Console.output.write(line: line) }
    }
    if from == nil && to == nil {
      for explanation in analysis.policyExplanations() { write(explanation.lines) }
    }
    do {
      let sources = try from.map { [try analysis.endpoint(named: $0)] }
      let destinations = try to.map { [try analysis.endpoint(named: $0)] }
      let all = analysis.workloadNames.map(Endpoint.workload)
      for source in sources ?? all {
        for destination in destinations ?? all where source != destination {
          write(try analysis.explain(from: source, to: destination).lines)
        }
      }
    } catch {
      throw CommandFailure("\(error)")
    }
    try options.finish(model)
  }
}

struct ConnectivityCan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "can",
    abstract: "Tell whether one connection is allowed, and which rule decides on each side.",
    discussion: """
      Exits with 0 where it is, and with 1 where it is not. Without --port every port is asked about: it is allowed where one is.

      EXAMPLES
        portcullis connectivity can shop/web shop/database deploy/ --port 5432
        portcullis connectivity can shop/web 10.1.2.3 deploy/ --port 53 --protocol UDP
      """)

  @Argument(help: "A workload as NAMESPACE/NAME or NAMESPACE/NAME[KIND], or an address.")
  var source: String

  @Argument(help: "Likewise.")
  var destination: String

  @OptionGroup var paths: ManifestPaths
  @OptionGroup var options: ConnectivityOptions

  @Option(help: "The destination's port.")
  var port: UInt16?

  @Option(name: .customLong("protocol"), help: "TCP, UDP or SCTP.")
  var transport = "TCP"

  func validate() throws {
    if TransportProtocol(rawValue: transport.uppercased()) == nil {
      throw ValidationError("--protocol must be TCP, UDP or SCTP")
    }
    if port == 0 { throw ValidationError("--port must be from 1 to 65535") }
  }

  func run() throws {
    let model = try options.model(paths.paths)
    let transport = TransportProtocol(rawValue: transport.uppercased()) ?? .tcp
    let explanation: ConnectionExplanation
    do {
      explanation = try model.analysis.explain(
        from: model.analysis.endpoint(named: source), to: model.analysis.endpoint(named: destination))
    } catch {
      throw CommandFailure(error.description)
    }
    let isAllowed =
      if let port {
        explanation.allowed.contains(transport, port: port)
      } else {
        !explanation.allowed[transport].isEmpty
      }
    let what = port.map { "\(transport.rawValue) \($0)" } ?? transport.rawValue
    Console.output.write(
      line:
        "\(explanation.source) => \(explanation.destination) : \(what) \(isAllowed ? "allowed" : "denied")")
    for (direction, name) in [(Direction.egress, "egress "), (.ingress, "ingress")] {
      let all = direction == .egress ? explanation.egress : explanation.ingress
      let reasons =
        port.map { explanation.reasons(direction, transport, port: $0) }
        ?? all.filter { !$0.connections[transport].isEmpty }
      for reason in reasons {
        let ports = port == nil ? "\(ConnectionSet(transport, reason.connections[transport])) " : ""
        Console.output.write(
          line: "  \(name) \(ports)\(reason.isAllowed ? "allowed" : "denied") \(reason.causeText)")
      }
    }
    try options.finish(model)
    if !isAllowed { throw ExitCode.violations }
  }
}
