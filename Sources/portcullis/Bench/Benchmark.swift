import Connectivity
import Foundation
import Rego

/// A query ready to be evaluated many times, in the way that `serve` evaluates policies: compiled once, with inputs of which only
/// what the program can read is built.
struct Benchmark {
  struct Input {
    var name: String
    /// JSON.
    var bytes: [UInt8]
  }

  private enum Target {
    /// A document below `data`, as policies' rules are asked.
    case document(Program.Entrypoint)
    case query
  }

  private let program: Program
  private let target: Target
  private let data: Value
  private let inputs: [Input]
  /// What functions about network policies answer from; nil where the program calls none.
  private let model: ClusterModel?
  private let functions: Set<String>
  /// The shapes of AdmissionReviews by kind and operation; a program reads less where it knows these.
  private var shapes: [ReviewKind: PathShape] = [:]

  private struct ReviewKind: Hashable {
    var kind: RegoString
    var operation: RegoString
  }

  private static let kindPath: [RegoString] = ["request", "kind", "kind"]
  private static let operationPath: [RegoString] = ["request", "operation"]

  init(
    query: String, modules: [Module], data: Value, inputs: [Input], options: RegoCompiler.Options
  ) throws {
    self.data = data
    self.inputs = inputs
    let body = try RegoParser.query(query, dialect: .v1)
    let compiler = RegoCompiler(options)
    if let path = Self.documentPath(body) {
      program = try compiler.compile(modules)
      target = .document(program.entrypoint(path))
    } else {
      program = try compiler.compile(modules, queries: [body])
      target = .query
    }
    model = ClusterModel(data: data, for: program)
    functions = NetworkPolicyBuiltins.functions(among: program.builtinNames)
    for input in inputs {
      input.bytes.withUnsafeBytes { bytes in
        guard case .document(let entrypoint) = target, let review = Self.reviewKind(of: bytes),
          shapes[review] == nil
        else { return }
        shapes[review] = program.inputShape(
          of: [entrypoint],
          given: [
            .input(Self.kindPath): .string(review.kind),
            .input(Self.operationPath): .string(review.operation),
          ]
        ).union(NetworkPolicyBuiltins.shape(of: functions, forKind: review.kind))
      }
    }
  }

  /// The path below `data`, where that is all there is to the query.
  private static func documentPath(_ body: Body) -> [RegoString]? {
    guard body.expressions.count == 1, let expression = body.expressions.first, !expression.isNegated,
      expression.withModifiers.isEmpty, case .term(let term) = expression.kind,
      case .reference(let head, let operands) = term.kind, case .variable("data") = head.kind
    else { return nil }
    var path: [RegoString] = []
    for operand in operands {
      guard case .string(let key) = operand.kind else { return nil }
      path.append(key)
    }
    return path
  }

  // MARK: Measuring

  /// Times evaluations of inputs that are read already, and readings with their evaluations.
  func run(count: Int) throws -> BenchmarkReport {
    var read: [Value?] = []
    var undefined = 0
    for input in inputs {
      let value = try input.bytes.withUnsafeBytes { bytes in
        do throws(JSONError) {
          return try self.read(bytes)
        } catch {
          throw InputProblem(
            file: input.name, line: error.line, column: error.column, problem: "\(error.reason)")
        }
      }
      read.append(value)
    }
    if inputs.isEmpty { read = [nil] }
    for value in read where try !evaluate(value) { undefined += 1 }

    let evaluation = try Samples(count: count) { turn in _ = try evaluate(read[turn % read.count]) }
    let whole =
      inputs.isEmpty
      ? evaluation
      : try Samples(count: count) { turn in
        try inputs[turn % inputs.count].bytes.withUnsafeBytes { bytes in
          _ = try evaluate(try self.read(bytes))
        }
      }
    return BenchmarkReport(
      count: count, inputs: read.count, undefinedInputs: undefined, evaluation: evaluation, whole: whole)
  }

  /// What the program can read of an input, as the server reads a review.
  private func read(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> Value {
    let shape =
      Self.reviewKind(of: bytes).flatMap { shapes[$0] }
      ?? program.inputShape.union(NetworkPolicyBuiltins.shape(of: functions, forKind: nil))
    return try JSONReader.project(bytes, shape: shape)
  }

  private static func reviewKind(of bytes: UnsafeRawBufferPointer) -> ReviewKind? {
    guard let kind = JSONReader.peekString(at: kindPath, in: bytes),
      let operation = JSONReader.peekString(at: operationPath, in: bytes)
    else { return nil }
    return ReviewKind(kind: kind, operation: operation)
  }

  /// Whether the query is defined.
  private func evaluate(_ input: Value?) throws(RegoError) -> Bool {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let deadline = ContinuousClock.now + .seconds(10)
    let evaluation = Evaluation(
      program, input: input, data: data,
      context: BuiltinContext(
        nowNanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec, deadline: deadline,
        host: model?.question(input)),
      limits: EvaluationLimits(deadline: deadline))
    switch target {
    case .document(let entrypoint): return try evaluation.value(of: entrypoint) != nil
    case .query: return try !evaluation.results().isEmpty
    }
  }
}
