import Synchronization

/// What `/metrics` shows, in the order of registration, in Prometheus' text format 0.0.4.
public final class MetricRegistry: Sendable {
  private struct Entry: Sendable {
    var name: String
    var help: String
    var source: Source
  }

  private enum Source: Sendable {
    case counter([(labels: [(String, String)], counter: Counter)])
    case counterFamily(CounterFamily)
    case histogram(Histogram)
    case gauge(@Sendable () -> Double)
    case labelledGauge(@Sendable () -> [(labels: [(String, String)], value: Double)])
    case readCounter(@Sendable () -> Double)

    var type: String {
      switch self {
      case .counter, .counterFamily, .readCounter: "counter"
      case .histogram: "histogram"
      case .gauge, .labelledGauge: "gauge"
      }
    }
  }

  private let entries = Mutex<[Entry]>([])

  public init() {}

  /// Registers counters that share a name and are told apart by labels fixed beforehand.
  public func register(
    _ name: String, help: String, _ counters: [(labels: [(String, String)], counter: Counter)]
  ) {
    add(name, help, .counter(counters))
  }

  public func register(_ name: String, help: String, _ counter: Counter) {
    add(name, help, .counter([([], counter)]))
  }

  public func register(_ name: String, help: String, _ family: CounterFamily) {
    add(name, help, .counterFamily(family))
  }

  public func register(_ name: String, help: String, _ histogram: Histogram) {
    add(name, help, .histogram(histogram))
  }

  public func register(_ name: String, help: String, _ gauge: Gauge) {
    add(name, help, .gauge { gauge.current })
  }

  /// Registers a gauge that is read when it is asked for.
  public func registerGauge(_ name: String, help: String, read: @escaping @Sendable () -> Double) {
    add(name, help, .gauge(read))
  }

  /// Registers gauges, told apart by labels, that are read when they are asked for. Their number must be bounded.
  public func registerGauges(
    _ name: String, help: String,
    read: @escaping @Sendable () -> [(labels: [(String, String)], value: Double)]
  ) {
    add(name, help, .labelledGauge(read))
  }

  /// Registers a counter that somebody else keeps.
  public func registerCounter(_ name: String, help: String, read: @escaping @Sendable () -> Double) {
    add(name, help, .readCounter(read))
  }

  private func add(_ name: String, _ help: String, _ source: Source) {
    entries.withLock { $0.append(Entry(name: name, help: help, source: source)) }
  }

  /// Renders every metric.
  public func render() -> [UInt8] {
    var text = ""
    for entry in entries.withLock({ $0 }) {
      let name = entry.name
      text += "# HELP \(name) \(entry.help)\n# TYPE \(name) \(entry.source.type)\n"
      switch entry.source {
      case .counter(let counters):
        for (labels, counter) in counters { text += sample(name, labels, Double(counter.current)) }
      case .counterFamily(let family):
        for (values, count) in family.current {
          text += sample(name, Array(zip(family.labels, values)), Double(count))
        }
      case .histogram(let histogram):
        let (counts, sum) = histogram.current
        var total = 0
        for (index, count) in counts.enumerated() {
          total += count
          let bound = index < histogram.bounds.count ? format(histogram.bounds[index]) : "+Inf"
          text += sample("\(name)_bucket", [("le", bound)], Double(total))
        }
        text += sample("\(name)_sum", [], sum)
        text += sample("\(name)_count", [], Double(total))
      case .gauge(let read), .readCounter(let read):
        text += sample(name, [], read())
      case .labelledGauge(let read):
        for (labels, value) in read() { text += sample(name, labels, value) }
      }
    }
    return Array(text.utf8)
  }

  private func sample(_ name: String, _ labels: [(String, String)], _ value: Double) -> String {
    guard !labels.isEmpty else { return "\(name) \(format(value))\n" }
    let pairs = labels.map { "\($0.0)=\"\(escape($0.1))\"" }
    return "\(name){\(pairs.joined(separator: ","))} \(format(value))\n"
  }

  private func format(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if let whole = Int(exactly: value) { return String(whole) }
    return String(value)
  }

  /// Label values escape the backslash, the quote and the line feed.
  private func escape(_ value: String) -> String {
    var escaped = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
