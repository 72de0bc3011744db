import Rego

/// Allowed connections as a graph: workloads by namespace, the outside, and what serves Ingresses.
public struct ConnectionGraph: Sendable {
  struct Node: Sendable, Hashable {
    /// Empty for what is in no namespace.
    let namespace: String
    let label: String
    let id: String
  }

  /// Connections between two nodes, one way or both.
  struct Edge: Sendable, Hashable {
    let source: Int
    let destination: Int
    let label: String
    /// Whether the same is allowed the other way.
    let isMutual: Bool
  }

  let nodes: [Node]
  let edges: [Edge]

  /// The outside is one node: an edge to it says which ranges where they are not all.
  public init(_ analysis: Analysis) {
    let outside = "outside"
    var nodes = analysis.workloadNames.map { workload in
      Node(
        namespace: workload.namespace.string, label: "\(workload.name)[\(workload.kind)]",
        id: workload.description)
    }
    var index = Dictionary(
      uniqueKeysWithValues: nodes.enumerated().map { (RegoString($0.element.id), $0.offset) })
    func node(_ end: Endpoint) -> Int {
      let id: String =
        switch end {
        case .workload(let workload): workload.description
        case .addresses: outside
        case .ingressController: end.description
        }
      if let known = index[RegoString(id)] { return known }
      nodes.append(Node(namespace: "", label: id, id: id))
      index[RegoString(id)] = nodes.count - 1
      return nodes.count - 1
    }
    struct Ends: Hashable {
      let source: Int
      let destination: Int
    }
    var labels: [Ends: [(AddressRange?, ConnectionSet)]] = [:]
    for element in analysis.connections() {
      var range: AddressRange?
      for case .addresses(let found) in [element.source, element.destination] { range = found }
      let ends = Ends(source: node(element.source), destination: node(element.destination))
      labels[ends, default: []].append((range, element.connections))
    }
    let text = labels.mapValues(Self.label)
    var edges: [Edge] = []
    for (ends, label) in text {
      let reverse = text[Ends(source: ends.destination, destination: ends.source)]
      let isMutual = reverse.map { RegoString($0) == RegoString(label) } ?? false
      if isMutual && ends.source > ends.destination { continue }
      edges.append(
        Edge(source: ends.source, destination: ends.destination, label: label, isMutual: isMutual))
    }
    self.nodes = nodes
    self.edges = edges.sorted { ($0.source, $0.destination) < ($1.source, $1.destination) }
  }

  private static func label(_ parts: [(AddressRange?, ConnectionSet)]) -> String {
    var bySet: [ConnectionSet: [AddressRange]] = [:]
    for (range, connections) in parts { bySet[connections, default: []] += range.map { [$0] } ?? [] }
    return bySet.map { connections, ranges -> String in
      var addresses = AddressSet.none
      for range in ranges { addresses = addresses.union(range.asSet) }
      if ranges.isEmpty || addresses.contains(.allV4) { return connections.description }
      let merged = addresses.ranges
      let text = merged.prefix(3).map(\.description).joined(separator: ", ")
      return "\(connections) (\(text)\(merged.count > 3 ? ", …" : ""))"
    }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined(separator: "; ")
  }

  /// The namespaces in order, each with its nodes' positions.
  var namespaces: [(name: String, nodes: [Int])] {
    var result: [(String, [Int])] = []
    for (position, node) in nodes.enumerated() where !node.namespace.isEmpty {
      if let last = result.last, RegoString(last.0) == RegoString(node.namespace) {
        result[result.count - 1].1.append(position)
      } else {
        result.append((node.namespace, [position]))
      }
    }
    return result
  }
}

extension AddressRange {
  /// The addresses of the range.
  public var asSet: AddressSet {
    switch self {
    case .v4(let range): AddressSet(v4: .init(range.lower, range.upper))
    case .v6(let range): AddressSet(v6: .init(range.lower, range.upper))
    }
  }
}

extension ConnectionGraph {
  /// The graph in Graphviz' language.
  public var dot: String {
    func quoted(_ text: String) -> String {
      "\"" + text.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
    }
    var lines = ["digraph connectivity {", "  rankdir=LR", "  node [shape=box fontname=\"sans-serif\"]"]
    lines.append("  edge [fontname=\"sans-serif\" fontsize=10]")
    for (name, members) in namespaces {
      lines.append("  subgraph \(quoted("cluster_\(name)")) {")
      lines.append("    label=\(quoted(name))")
      lines += members.map { "    \(quoted(nodes[$0].id)) [label=\(quoted(nodes[$0].label))]" }
      lines.append("  }")
    }
    for node in nodes where node.namespace.isEmpty {
      lines.append("  \(quoted(node.id)) [shape=ellipse]")
    }
    for edge in edges {
      let both = edge.isMutual ? " dir=both" : ""
      lines.append(
        "  \(quoted(nodes[edge.source].id)) -> \(quoted(nodes[edge.destination].id)) [label=\(quoted(edge.label))\(both)]"
      )
    }
    return (lines + ["}"]).map { $0 + "\n" }.joined()
  }
}
