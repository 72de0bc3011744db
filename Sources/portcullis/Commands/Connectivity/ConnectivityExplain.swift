import ArgumentParser
import Connectivity

struct ConnectivityExplain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say through which rules connections are allowed or denied.",
    discussion: """
      First what each policy does, in words, and then for each two workloads what the source's policies and the destination's say, by \
      ports. --from and --to narrow it down, and with one of them the outside is told as well: to a workload as NAME, NAMESPACE/NAME or \
      NAMESPACE/NAME[KIND], to an address, to a block of addresses outside, or, as a source, to {ingress-controller}.

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
      let source = try from.map { try analysis.endpoint(named: $0) }
      let destination = try to.map { try analysis.endpoint(named: $0) }
      let pairs = pairs(source, destination, analysis)
      options.warn(of: Set(pairs.flatMap { [$0, $1] }), analysis)
      for (source, destination) in pairs {
        write(try analysis.explain(from: source, to: destination).lines)
      }
    } catch {
      throw CommandFailure(["\(error)"] + options.broken(model))
    }
    try options.finish(model)
  }

  /// What is asked about: both ends, one with everything that it may be connected to, or all workloads with each other.
  private func pairs(_ source: Endpoint?, _ destination: Endpoint?, _ analysis: Analysis) -> [(
    Endpoint, Endpoint
  )] {
    let all = analysis.workloadNames.map(Endpoint.workload)
    switch (source, destination) {
    case (let source?, let destination?):
      return analysis.parts(of: source, facing: destination, .ingress).flatMap { source in
        analysis.parts(of: destination, facing: source, .egress).map { (source, $0) }
      }
    case (let source?, nil):
      var ends = all
      if case .workload(let workload) = source { ends += analysis.outside(of: workload, .egress) }
      if source == .ingressController { ends = analysis.gatewayWorkloads.map(Endpoint.workload) }
      return ends.filter { $0 != source }.flatMap { end in
        analysis.parts(of: source, facing: end, .ingress).map { ($0, end) }
      }
    case (nil, let destination?):
      var ends = all
      if case .workload(let workload) = destination {
        ends += analysis.outside(of: workload, .ingress)
        if analysis.gatewayWorkloads.contains(workload) { ends.append(.ingressController) }
      }
      return ends.filter { $0 != destination }.flatMap { end in
        analysis.parts(of: destination, facing: end, .egress).map { (end, $0) }
      }
    case (nil, nil): return all.flatMap { source in all.filter { $0 != source }.map { (source, $0) } }
    }
  }
}

struct ConnectivityCan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "can",
    abstract: "Tell whether one connection is allowed, and which rule decides on each side.",
    discussion: """
      Exits with 0 where it is, with 1 where it is not, and with 2 and without an answer where something could not be read. Without \
      --port all ports of the protocol are asked about, and those that are allowed are told; it exits with 0 where there are any. A block \
      of addresses is allowed where all of it is.

      EXAMPLES
        portcullis connectivity can shop/web shop/database deploy/ --port 5432
        portcullis connectivity can shop/web shop/database deploy/ --port sql
        portcullis connectivity can shop/web 10.1.0.0/16 deploy/ --port 53 --protocol UDP
      """)

  @Argument(
    help: ArgumentHelp(
      "A workload as NAME, NAMESPACE/NAME or NAMESPACE/NAME[KIND], an address, a block of addresses outside, or {ingress-controller}."
    ))
  var source: String

  @Argument(help: "Likewise.")
  var destination: String

  @OptionGroup var paths: ManifestPaths
  @OptionGroup var options: ConnectivityOptions

  @Option(help: "The destination's port: a number, or the name of a container's port.")
  var port: String?

  @Option(name: .customLong("protocol"), help: "TCP, UDP or SCTP.")
  var transport = "TCP"

  func validate() throws {
    if TransportProtocol(rawValue: transport.uppercased()) == nil {
      throw ValidationError("--protocol must be TCP, UDP or SCTP")
    }
    if let port {
      // A port's name has a letter (IANA_SVC_NAME).
      let isName = port.utf8.contains { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") }
      if !isName && (UInt16(port) ?? 0) == 0 {
        throw ValidationError("--port must be from 1 to 65535, or the name of a container's port")
      }
    }
  }

  func run() throws {
    let model = try options.model(paths.paths, needsAll: true)
    let transport = TransportProtocol(rawValue: transport.uppercased()) ?? .tcp
    let explanations: [ConnectionExplanation]
    do throws(EndpointError) {
      let source = try model.analysis.endpoint(named: source)
      let destination = try model.analysis.endpoint(named: destination)
      options.warn(of: [source, destination], model.analysis)
      var found: [ConnectionExplanation] = []
      for source in model.analysis.parts(of: source, facing: destination, .ingress) {
        for destination in model.analysis.parts(of: destination, facing: source, .egress) {
          found.append(try model.analysis.explain(from: source, to: destination))
        }
      }
      explanations = found
    } catch {
      throw CommandFailure(error.description)
    }
    var areAllAllowed = true
    for explanation in explanations {
      let asked = try ports(transport, of: explanation.destination, model.analysis)
      if !answer(explanation, ConnectionSet(transport, asked ?? .allPorts), isOpen: asked == nil) {
        areAllAllowed = false
      }
    }
    if !areAllAllowed { throw ExitCode.violations }
  }

  /// The ports that are asked about; nil for all.
  private func ports(
    _ transport: TransportProtocol, of destination: Endpoint, _ analysis: Analysis
  ) throws -> PortSet? {
    guard let port else { return nil }
    if let number = UInt16(port) { return PortSet(number, number) }
    let ports = analysis.ports(named: port, transport, of: destination)
    if ports.isEmpty {
      throw CommandFailure("\(destination) has no port named \(port) of protocol \(transport.rawValue)")
    }
    return ports
  }

  /// Prints an answer.
  ///
  /// - Parameter isOpen: whether part of what is asked about is enough.
  /// - Returns: whether it is allowed.
  private func answer(_ explanation: ConnectionExplanation, _ asked: ConnectionSet, isOpen: Bool) -> Bool {
    let allowed = asked.intersection(explanation.allowed)
    let isAllowed = isOpen ? !allowed.isEmpty : allowed == asked
    let told = isOpen && isAllowed ? "\(allowed)" : isOpen ? transport.uppercased() : "\(asked)"
    Console.output.write(
      line:
        "\(explanation.source) => \(explanation.destination) : \(told) \(isAllowed ? "allowed" : "denied")")
    for (direction, name) in [(Direction.egress, "egress "), (.ingress, "ingress")] {
      for reason in direction == .egress ? explanation.egress : explanation.ingress {
        let decided = asked.intersection(reason.connections)
        if decided.isEmpty { continue }
        let ports = isOpen ? "\(decided) " : ""
        Console.output.write(
          line: "  \(name) \(ports)\(reason.isAllowed ? "allowed" : "denied") \(reason.causeText)")
      }
      for remark in explanation.remarks where remark.direction == direction {
        Console.output.write(line: "  \(name) \(remark.text)")
      }
    }
    for remark in explanation.remarks where remark.direction == nil {
      Console.output.write(line: "  \(remark.text)")
    }
    return isAllowed
  }
}
