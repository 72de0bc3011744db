import Foundation
import Rego

/// A picture: workloads on a circle, those of a namespace side by side, and connections as curves between them.
///
/// Where all workloads of two namespaces may do the same with each other, one broad band stands for all curves.
extension ConnectionGraph {
  public var svg: String { CircleDrawing(self).text }
}

private struct CircleDrawing {
  private struct Group {
    let name: String
    let nodes: [Int]
    let color: String
  }

  /// Connections of all nodes of one group with all of another.
  private struct Band {
    let from: Int
    let to: Int
    let label: String
  }

  private static let colors = [
    "#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e",
    "#9498a0",
  ]
  private static let outsideColor = "#555555"
  /// Above so many curves their ports are told by tooltips alone.
  private static let labelLimit = 40

  private let graph: ConnectionGraph
  private let groups: [Group]
  private var angles: [Double]
  private var arcs: [(start: Double, end: Double)] = []
  private let radius: Double
  private let labelLength: Double
  private var bands: [Band] = []
  private var curves: [ConnectionGraph.Edge] = []

  init(_ graph: ConnectionGraph) {
    self.graph = graph
    var groups = graph.namespaces.enumerated().map { index, namespace in
      Group(name: namespace.name, nodes: namespace.nodes, color: Self.colors[index % Self.colors.count])
    }
    let others = graph.nodes.indices.filter { graph.nodes[$0].namespace.isEmpty }
    if !others.isEmpty { groups.append(Group(name: "", nodes: others, color: Self.outsideColor)) }
    self.groups = groups
    // A gap as wide as a node lies between groups.
    let places = Double(graph.nodes.count + groups.count)
    labelLength = 14 + 6.8 * Double(graph.nodes.map { Self.short($0).count }.max() ?? 0)
    radius = max(150, labelLength, places * 20 / (2 * .pi))
    angles = Array(repeating: 0, count: graph.nodes.count)
    var place = 0.5
    let step = 2 * Double.pi / max(places, 1)
    for group in groups {
      let start = place
      for node in group.nodes {
        angles[node] = (place + 0.5) * step - .pi / 2
        place += 1
      }
      arcs.append((start * step - .pi / 2, place * step - .pi / 2))
      place += 1
    }
    (bands, curves) = split()
  }

  /// Bands where they can stand for at least four curves, and the other curves.
  private func split() -> ([Band], [ConnectionGraph.Edge]) {
    struct Pair: Hashable {
      let from: Int
      let to: Int
    }
    var groupOf: [Int: Int] = [:]
    for (index, group) in groups.enumerated() { for node in group.nodes { groupOf[node] = index } }
    var between: [Pair: [ConnectionGraph.Edge]] = [:]
    for edge in graph.edges {
      guard let from = groupOf[edge.source], let to = groupOf[edge.destination] else { continue }
      between[Pair(from: min(from, to), to: max(from, to)), default: []].append(edge)
    }
    var bands: [Band] = []
    var curves: [ConnectionGraph.Edge] = []
    for (pair, edges) in between.sorted(by: { ($0.key.from, $0.key.to) < ($1.key.from, $1.key.to) }) {
      let (a, b) = (groups[pair.from].nodes.count, groups[pair.to].nodes.count)
      let all = pair.from == pair.to ? a * (a - 1) / 2 : a * b
      let isSame = edges.allSatisfy { $0.isMutual && $0.label.utf8.elementsEqual(edges[0].label.utf8) }
      if isSame && edges.count == all && all >= 4 {
        bands.append(Band(from: pair.from, to: pair.to, label: edges[0].label))
      } else {
        curves += edges
      }
    }
    return (bands, curves)
  }

  /// A workload's name; its kind is in the tooltip.
  private static func short(_ node: ConnectionGraph.Node) -> String {
    let name = node.namespace.isEmpty ? node.label : String(node.label.prefix { $0 != "[" })
    return name.count > 30 ? "\(name.prefix(16))…\(name.suffix(12))" : name
  }

  private var center: Double { radius + labelLength + 20 }
  private var legendHeight: Double { Double(groups.count + 3) * 18 + 16 }

  private func point(_ angle: Double, _ radius: Double) -> (x: Double, y: Double) {
    (center + radius * cos(angle), center + radius * sin(angle))
  }

  private static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0
      ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
  }

  private func text(_ point: (x: Double, y: Double)) -> String {
    "\(Self.number(point.x)) \(Self.number(point.y))"
  }

  private static func escaped(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\"": "&quot;"
      default: String(scalar)
      }
    }.joined()
  }

  var text: String {
    let size = 2 * center
    let legendWidth = 40 + 7 * Double(groups.map(\.name.count).max() ?? 0)
    let width = size + max(legendWidth, 250)
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Self.number(width)) \(Self.number(max(size, legendHeight)))\" "
        + "font-family=\"system-ui, sans-serif\" font-size=\"12\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
      "<defs>" + marker("all", "#d1495b") + marker("some", "#2e6f95") + "</defs>",
    ]
    lines += bands.map(band)
    var labelled: Set<[String]> = []
    for edge in curves {
      // Where many curves end alike, one label says so.
      let isFirst = labelled.insert([graph.nodes[edge.destination].id, edge.label]).inserted
      lines.append(curve(edge, isLabelled: isFirst))
    }
    for (group, arc) in zip(groups, arcs) { lines += ring(group, arc) }
    lines += graph.nodes.indices.map(node)
    lines += legend(left: size)
    return (lines + ["</svg>"]).map { $0 + "\n" }.joined()
  }

  private func marker(_ name: String, _ color: String) -> String {
    "<marker id=\"\(name)\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
      + "orient=\"auto-start-reverse\"><path d=\"M0 0L8 4L0 8z\" fill=\"\(color)\"/></marker>"
  }

  private func isAll(_ label: String) -> Bool { label.utf8.elementsEqual("All Connections".utf8) }

  private func curve(_ edge: ConnectionGraph.Edge, isLabelled: Bool) -> String {
    let kind = isAll(edge.label) ? "all" : "some"
    let (a, b) = (angles[edge.source], angles[edge.destination])
    let pull = radius * 0.35
    let (start, end) = (point(a, radius - 7), point(b, radius - 7))
    let (first, second) = (point(a, pull), point(b, pull))
    let title =
      "\(graph.nodes[edge.source].id) \(edge.isMutual ? "<=>" : "=>") \(graph.nodes[edge.destination].id) : \(edge.label)"
    var drawn =
      "<path d=\"M\(text(start))C\(text(first)) \(text(second)) \(text(end))\" fill=\"none\" "
      + "stroke=\"\(kind == "all" ? "#d1495b" : "#2e6f95")\" stroke-opacity=\"\(curves.count > 100 ? "0.3" : "0.6")\" stroke-width=\"1.2\" "
      + "marker-end=\"url(#\(kind))\"\(edge.isMutual ? " marker-start=\"url(#\(kind))\"" : "")>"
      + "<title>\(Self.escaped(title))</title></path>"
    if kind == "some" && isLabelled && curves.count <= Self.labelLimit {
      // A quarter of the way from the destination, where curves have parted.
      let t = 0.8
      func at(_ p: Double, _ q: Double, _ r: Double, _ s: Double) -> Double {
        pow(1 - t, 3) * p + 3 * pow(1 - t, 2) * t * q + 3 * (1 - t) * t * t * r + t * t * t * s
      }
      let place = (at(start.x, first.x, second.x, end.x), at(start.y, first.y, second.y, end.y))
      let short = edge.label.count > 24 ? "\(edge.label.prefix(23))…" : edge.label
      drawn +=
        "<text x=\"\(Self.number(place.0))\" y=\"\(Self.number(place.1))\" font-size=\"9\" text-anchor=\"middle\" "
        + "fill=\"#1d4a63\" stroke=\"#ffffff\" stroke-width=\"2.5\" paint-order=\"stroke\">\(Self.escaped(short))</text>"
    }
    return drawn
  }

  private func band(_ band: Band) -> String {
    let (from, to) = (arcs[band.from], arcs[band.to])
    let color = isAll(band.label) ? "#d1495b" : "#2e6f95"
    let names = [groups[band.from].name, groups[band.to].name].map { $0.isEmpty ? "outside" : $0 }
    let title =
      band.from == band.to
      ? "all workloads of \(names[0]) with each other : \(band.label)"
      : "all workloads of \(names[0]) <=> all of \(names[1]) : \(band.label)"
    let r = radius - 12
    let large = { (arc: (start: Double, end: Double)) in arc.end - arc.start > .pi ? 1 : 0 }
    var path =
      "M\(text(point(from.start, r)))A\(Self.number(r)) \(Self.number(r)) 0 \(large(from)) 1 \(text(point(from.end, r)))"
    if band.from == band.to {
      path += "Q\(text(point((from.start + from.end) / 2, r * 0.55))) \(text(point(from.start, r)))Z"
    } else {
      path += "Q\(text((center, center))) \(text(point(to.start, r)))"
      path += "A\(Self.number(r)) \(Self.number(r)) 0 \(large(to)) 1 \(text(point(to.end, r)))"
      path += "Q\(text((center, center))) \(text(point(from.start, r)))Z"
    }
    return
      "<path d=\"\(path)\" fill=\"\(color)\" fill-opacity=\"0.13\" stroke=\"\(color)\" stroke-opacity=\"0.35\">"
      + "<title>\(Self.escaped(title))</title></path>"
  }

  private func ring(_ group: Group, _ arc: (start: Double, end: Double)) -> [String] {
    if arc.end - arc.start > 2 * .pi - 0.01 { return [] }
    let large = arc.end - arc.start > .pi ? 1 : 0
    let r = Self.number(radius)
    return [
      "<path d=\"M\(text(point(arc.start, radius)))A\(r) \(r) 0 \(large) 1 \(text(point(arc.end, radius)))\" fill=\"none\" "
        + "stroke=\"\(group.color)\" stroke-width=\"10\" stroke-opacity=\"0.35\"/>"
    ]
  }

  private func node(_ index: Int) -> String {
    let angle = angles[index]
    let color = groups.first { $0.nodes.contains(index) }?.color ?? Self.outsideColor
    let dot = point(angle, radius)
    let label = point(angle, radius + 10)
    let isLeft = cos(angle) < 0
    let degrees = angle * 180 / .pi + (isLeft ? 180 : 0)
    return
      "<circle cx=\"\(Self.number(dot.x))\" cy=\"\(Self.number(dot.y))\" r=\"4\" fill=\"\(color)\"/>"
      + "<text transform=\"translate(\(text(label))) rotate(\(Self.number(degrees)))\" dy=\"0.35em\" "
      + "text-anchor=\"\(isLeft ? "end" : "start")\"><title>\(Self.escaped(graph.nodes[index].id))</title>"
      + "\(Self.escaped(Self.short(graph.nodes[index])))</text>"
  }

  private func legend(left: Double) -> [String] {
    var lines: [String] = []
    var y = 24.0
    func add(_ mark: String, _ text: String) {
      lines.append("<g transform=\"translate(\(Self.number(left)) \(Self.number(y)))\">\(mark)")
      lines.append("<text x=\"26\" dy=\"0.35em\">\(Self.escaped(text))</text></g>")
      y += 18
    }
    for group in groups where !group.name.isEmpty {
      add("<circle cx=\"10\" cy=\"0\" r=\"5\" fill=\"\(group.color)\"/>", group.name)
    }
    y += 8
    for (color, text) in [("#d1495b", "all connections"), ("#2e6f95", "some ports, or some addresses")] {
      add("<path d=\"M0 0H20\" stroke=\"\(color)\" stroke-width=\"2\"/>", text)
    }
    if !bands.isEmpty {
      add(
        "<rect y=\"-6\" width=\"20\" height=\"12\" fill=\"#d1495b\" fill-opacity=\"0.2\"/>",
        "all with all, both ways")
    }
    return lines
  }
}
