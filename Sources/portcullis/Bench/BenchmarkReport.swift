import Foundation
import Rego

/// What a benchmark came to.
struct BenchmarkReport {
  var count: Int
  var inputs: Int
  /// The inputs for which the query has no value.
  var undefinedInputs: Int
  /// Evaluations of inputs that are read already.
  var evaluation: Samples
  /// Inputs read and evaluated.
  var whole: Samples

  /// Times in nanoseconds; allocations as their mean for one evaluation.
  var json: OrderedJSON {
    var members: [(String, OrderedJSON)] = [
      ("count", .int(count)), ("inputs", .int(inputs)),
      ("eval_ns", Self.times(evaluation)), ("parse_eval_ns", Self.times(whole)),
    ]
    for (name, samples) in [("eval_allocations", evaluation), ("parse_eval_allocations", whole)] {
      guard let allocations = samples.allocations else { continue }
      members.append((name, .value(.number(Self.tenths(allocations)))))
    }
    return .object(members)
  }

  private static func times(_ samples: Samples) -> OrderedJSON {
    .object([("p50", .int(samples.percentile(50))), ("p99", .int(samples.percentile(99)))])
  }

  var table: TextTable {
    TextTable(
      header: ["", "p50", "p99", "allocations"],
      rows: [("eval only", evaluation), ("parse input and eval", whole)].map { name, samples in
        [
          name, Self.duration(samples.percentile(50)), Self.duration(samples.percentile(99)),
          samples.allocations.map { String(format: "%.1f", $0) } ?? "unknown",
        ]
      })
  }

  private static func duration(_ nanoseconds: Int) -> String {
    switch nanoseconds {
    case ..<1000: "\(nanoseconds) ns"
    case ..<1_000_000: String(format: "%.2f µs", Double(nanoseconds) / 1e3)
    default: String(format: "%.2f ms", Double(nanoseconds) / 1e6)
    }
  }

  private static func tenths(_ number: Double) -> Rego.Number {
    Rego.Number(json: String(format: "%.1f", number)) ?? .int(0)
  }
}
