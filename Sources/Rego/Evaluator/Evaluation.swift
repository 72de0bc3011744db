/// One evaluation of a program: documents are computed when asked for, and at most once.
public final class Evaluation {
  private let machine: Machine

  /// - Parameters:
  ///   - input: the document `input`; nil leaves it undefined.
  ///   - data: the base documents.
  ///   - printer: what `print` calls; without it printing does nothing.
  public init(
    _ program: Program, input: Value?, data: Value = .object(ObjectValue()), context: BuiltinContext,
    limits: EvaluationLimits = EvaluationLimits(), strictBuiltinErrors: Bool = false,
    printer: ((String, Location) -> Void)? = nil
  ) {
    machine = Machine(
      program: program, input: input, data: data, context: context, limits: limits,
      strictBuiltinErrors: strictBuiltinErrors, printer: printer)
  }

  /// Errors of builtins that made an expression undefined.
  public var builtinErrors: [RegoError] { machine.builtinErrors }

  /// Calls `observer` with each step of the evaluation, where the program is instrumented.
  ///
  /// - Parameter withValues: whether events of failing expressions carry the values of what the expressions mention.
  public func trace(withValues: Bool = false, _ observer: @escaping (TraceEvent) -> Void) {
    machine.tracer = Tracer(withValues: withValues, observer: observer)
  }

  /// The document at an entry point; nil where it is undefined.
  public func value(of entrypoint: Program.Entrypoint) throws(RegoError) -> Value? {
    try machine.withinBudget { () throws(RegoError) in try document(entrypoint) }
  }

  private func document(_ entrypoint: Program.Entrypoint) throws(RegoError) -> Value? {
    if let group = entrypoint.group {
      guard machine.tables.groups[group].kind != .function else { return nil }
      guard let place = try machine.document(group, at: nil) else { return nil }
      return Scope.lookup(place.pointee, entrypoint.rest)
    }
    guard let node = entrypoint.node else { return nil }
    let base = Scope.lookup(machine.data, machine.program.nodes[node].path)
    if entrypoint.rest.isEmpty { return try machine.value(Frame.Cursor(node: node, value: base)) }
    return base.flatMap { Scope.lookup($0.pointee, entrypoint.rest) }
  }

  /// The document at a path below `data`; nil where it is undefined.
  public func value(at path: [RegoString]) throws(RegoError) -> Value? {
    try value(of: machine.program.entrypoint(path))
  }

  /// One way in which a query holds.
  public struct Result: Sendable {
    /// The query's variables and their values.
    public var bindings: [(name: String, value: Value)]
    /// Each expression's value, and where it stands in the query.
    public var expressions: [(value: Value, location: Location)]
  }

  /// Every way in which a query of the program holds.
  public func results(ofQuery index: Int = 0) throws(RegoError) -> [Result] {
    let query = machine.program.queries[index]
    let parts = Machine.Yield.Parts()
    try machine.withinBudget { () throws(RegoError) in
      var yield = Machine.Yield(parts: parts)
      try machine.run(query.procedure, into: &yield)
    }
    return parts.rows.map { row in
      Result(
        bindings: zip(query.variables, row).map { (name: $0, value: $1) },
        expressions: zip(query.captures, query.locations).map { capture, location in
          (value: capture.map { row[$0] } ?? .boolean(true), location: location)
        })
    }
  }
}
