/// Infers the types of a rule's or a query's variables, in the order in which they are bound, and reports what cannot hold.
///
/// Wording and rules are those of OPA's type checker (OPA documentation, "Type Checking" and "Errors").
struct TypeChecker {
  let environment: TypeEnvironment
  let locals: [CoreLocal]
  private(set) var errors: [RegoError] = []
  private var types: [StaticType]
  /// What bodies around a comprehension knew of their variables before it; told again when it ends.
  private var earlier: [(local: Int, type: StaticType)] = []
  /// Where the variables of the innermost comprehension begin.
  private var ownStart = 0

  init(environment: TypeEnvironment, locals: [CoreLocal]) {
    self.environment = environment
    self.locals = locals
    types = locals.map { $0.isUntyped ? .any : .unknown }
  }

  // MARK: Rules

  /// Checks one definition.
  ///
  /// - Returns: what it makes of its group; unknown where nothing is known of that, nil where it is wrong.
  mutating func check(_ rule: CoreRule, isFunction: Bool) -> StaticType? {
    check(rule.body)
    if !errors.isEmpty { return nil }
    switch rule.output {
    case .value(let term):
      let value = type(of: term)
      if isFunction {
        return .function(
          FunctionType(
            parameters: rule.parameters.map { type(of: $0).known.bounded }, result: value.known.bounded))
      }
      return nested(rule.suffix[...], value)
    case .element(let term):
      return rule.suffix.isEmpty ? .set(type(of: term)) : .any
    }
  }

  /// The type of objects within objects under keys, down to a value. Beside a constant key, data may have others.
  private func nested(_ keys: ArraySlice<CoreTerm>, _ value: StaticType) -> StaticType {
    keys.reversed().reduce(value) { value, key in
      if let key = key.constant {
        let member = StaticType.Member(key: key, type: value)
        return .object(known: [member], rest: StaticType.Rest(key: .any, value: .any))
      }
      return .object(known: [], rest: StaticType.Rest(key: type(of: key), value: value))
    }
  }

  // MARK: Bodies

  mutating func check(_ body: CoreBody) {
    for statement in body.statements { check(statement) }
  }

  private mutating func check(_ statement: CoreStatement) {
    let location = statement.location
    switch statement.kind {
    case .unify(let left, let right): checkEqual(left, right, at: location)
    case .truthy, .print: break
    case .reference(let reference, let output):
      let type = type(of: reference, at: location) ?? .any
      if let output, !unify(output, type) { mismatch(type, self.type(of: output), at: location) }
    case .call(.builtin("equal"), let operands, let output)
    where operands.count == 2 && (output.map { isQueryResult($0) } ?? true):
      checkEqual(operands[0], operands[1], at: location)
      if let output { _ = unify(output, .boolean) }
    case .call(let callee, let operands, let output): checkCall(callee, operands, output, at: location)
    case .not(let body): check(body)
    case .with(let modifiers, let body):
      for modifier in modifiers { check(modifier, at: location) }
      check(body)
    case .comprehension(let kind, let head, let body, let output):
      set(output, checkComprehension(kind, head, body))
    case .every(_, _, _, let body): checkEvery(body)
    case .someIn(let key, let value, let collection): checkSome(key, value, collection, at: location)
    }
  }

  private mutating func checkComprehension(
    _ kind: ComprehensionKind, _ head: [CoreTerm], _ body: CoreBody
  ) -> StaticType {
    let count = errors.count
    var result = StaticType.any
    inner(body) { checker in
      checker.check(body)
      if checker.errors.count > count { return }
      let parts = head.map { checker.type(of: $0).known }
      switch kind {
      case .array: result = .array(leading: [], rest: parts[0])
      case .set: result = .set(parts[0])
      case .object: result = .object(known: [], rest: StaticType.Rest(key: parts[0], value: parts[1]))
      }
    }
    return result
  }

  /// Of the body of `every` only references are checked, with variables of any type: as OPA does.
  private mutating func checkEvery(_ body: CoreBody) {
    let count = errors.count
    inner(body) { $0.check(body) }
    let found = errors[count...].filter { $0.message.hasPrefix("undefined ref") }
    errors.replaceSubrange(count..., with: found)
  }

  /// Checks a body within the body: what it tells of variables around it counts only there.
  private mutating func inner(_ body: CoreBody, _ check: (inout TypeChecker) -> Void) {
    let (outerStart, first) = (ownStart, earlier.count)
    ownStart = max(ownStart, body.ownLocals.lowerBound)
    check(&self)
    ownStart = outerStart
    while earlier.count > first {
      let (local, type) = earlier.removeLast()
      types[local] = type
    }
  }

  private mutating func check(_ modifier: CoreWith, at location: Location) {
    let target: TypeEnvironment.Signature?
    let name: String
    switch modifier.target {
    case .builtin(let builtin): (target, name) = (environment.signature(ofBuiltin: builtin), builtin)
    case .function(let path):
      (target, name) = (environment.signature(ofFunction: path), RuleTree.name(path))
    case .input, .data: return
    }
    let replacement: TypeEnvironment.Signature?
    switch modifier.replacement {
    case .builtin(let builtin): replacement = environment.signature(ofBuiltin: builtin)
    case .function(let path): replacement = environment.signature(ofFunction: path)
    case .term: return
    }
    guard let target, let replacement else { return }
    if !StaticType.function(target.function).unifies(with: .function(replacement.function)) {
      report(
        "\(name): arity mismatch", at: location,
        ["have: (\(StaticType.list(replacement.function.parameters)))", "want: \(target.wanted)"])
    }
  }

  // MARK: Variables

  private func isQueryResult(_ term: CoreTerm) -> Bool {
    if case .local(let local) = term { locals[local].isQueryResult } else { false }
  }

  mutating func set(_ local: Int, _ type: StaticType) {
    if local < ownStart { earlier.append((local, types[local])) }
    types[local] = type.bounded
  }

  func type(of local: Int) -> StaticType { types[local] }

  /// The type of a term as far as its variables' types are known.
  func type(of term: CoreTerm) -> StaticType {
    switch term {
    case .constant(let value): return StaticType(value)
    case .local(let local): return types[local]
    case .array(let elements):
      return StaticType.array(leading: elements.map { type(of: $0) }, rest: elements.isEmpty ? .any : nil)
        .bounded
    case .set(let elements):
      let element = elements.reduce(StaticType.unknown) { $0.or(type(of: $1)) }
      return .set(elements.isEmpty ? .any : element)
    case .object(let pairs):
      var known: [Value: StaticType] = [:]
      var rest: StaticType.Rest?
      for (key, value) in pairs {
        if let key = key.constant {
          known[key] = type(of: value)
        } else {
          rest = StaticType.Rest(
            key: (rest?.key ?? .unknown).or(type(of: key)),
            value: (rest?.value ?? .unknown).or(type(of: value)))
        }
      }
      if known.isEmpty && rest == nil { rest = StaticType.Rest(key: .any, value: .any) }
      let members = known.sorted { $0.key < $1.key }.map { StaticType.Member(key: $0, type: $1) }
      return StaticType.object(known: members, rest: rest).bounded
    }
  }

  // MARK: Errors

  mutating func report(_ message: String, at location: Location, _ details: [String]) {
    var error = RegoError(.type, message, at: location)
    error.details = details
    errors.append(error)
  }

  mutating func mismatch(_ left: StaticType, _ right: StaticType, at location: Location) {
    report("match error", at: location, ["left  : \(left)", "right : \(right)"])
  }
}
