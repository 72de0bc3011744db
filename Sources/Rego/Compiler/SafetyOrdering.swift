/// Puts the statements of a body into an order in which each finds bound what it needs, and reports what nothing binds.
///
/// The order is the source's as far as possible: of the statements that are ready, the earliest runs first (OPA
/// documentation, "Safety").
struct SafetyOrdering {
  let locals: [CoreLocal]
  private(set) var errors: [RegoError] = []

  init(locals: [CoreLocal]) {
    self.locals = locals
  }

  /// Orders a body; `bound` gains what it binds.
  mutating func order(_ body: CoreBody, bound: inout Set<Int>) -> CoreBody {
    var remaining = body.statements
    var ordered: [CoreStatement] = []
    ordered.reserveCapacity(remaining.count)
    while !remaining.isEmpty {
      var rest: [CoreStatement] = []
      for statement in remaining {
        if let outputs = SafetyOrdering.outputs(of: statement, bound: bound) {
          ordered.append(orderNested(statement, bound: bound))
          bound.formUnion(outputs)
        } else {
          rest.append(statement)
        }
      }
      if rest.count == remaining.count {
        report(rest, bound: bound)
        break
      }
      remaining = rest
    }
    return CoreBody(statements: ordered, ownLocals: body.ownLocals)
  }

  private mutating func orderNested(_ statement: CoreStatement, bound: Set<Int>) -> CoreStatement {
    var statement = statement
    var bound = bound
    switch statement.kind {
    case .not(let body): statement.kind = .not(order(body, bound: &bound))
    case .with(let modifiers, let body): statement.kind = .with(modifiers, order(body, bound: &bound))
    case .comprehension(let kind, let head, let body, let output):
      let ordered = order(body, bound: &bound)
      for term in head { reportUnbound(term, bound: bound) }
      statement.kind = .comprehension(kind, head: head, body: ordered, output: output)
    case .every(let key, let value, let domain, let body):
      if let key { bound.insert(key) }
      bound.insert(value)
      statement.kind = .every(key: key, value: value, domain: domain, body: order(body, bound: &bound))
    default: break
    }
    return statement
  }

  mutating func reportUnbound(_ term: CoreTerm, bound: Set<Int>) {
    var unbound: [Int] = []
    term.forEachLocal { if !bound.contains($0) { unbound.append($0) } }
    for local in unbound { report(local) }
  }

  // MARK: What a statement needs and binds

  /// What the statement binds once `bound` is; nil where it needs more.
  static func outputs(of statement: CoreStatement, bound: Set<Int>) -> Set<Int>? {
    switch statement.kind {
    case .unify(let left, let right): return unify([(left, right)], bound: bound)
    case .reference(let reference, let output):
      if case .local(let head) = reference.head, !bound.contains(head) { return nil }
      var known = bound
      for operand in reference.operands {
        guard bind(operand, known: &known) else { return nil }
      }
      if let output {
        guard bind(output, known: &known) else { return nil }
      }
      return known.subtracting(bound)
    case .truthy(let term): return term.isBound(bound) ? [] : nil
    case .call(_, let operands, let output):
      guard operands.allSatisfy({ $0.isBound(bound) }) else { return nil }
      guard let output else { return [] }
      var known = bound
      return bind(output, known: &known) ? known.subtracting(bound) : nil
    case .print(let operands): return operands.allSatisfy { $0.isBound(bound) } ? [] : nil
    case .not(let body): return free(body).isSubset(of: bound) ? [] : nil
    case .with(let modifiers, let body):
      for modifier in modifiers {
        if case .term(let term) = modifier.replacement, !term.isBound(bound) { return nil }
      }
      var known = bound
      var remaining = body.statements
      while !remaining.isEmpty {
        var rest: [CoreStatement] = []
        for statement in remaining {
          if let outputs = outputs(of: statement, bound: known) {
            known.formUnion(outputs)
          } else {
            rest.append(statement)
          }
        }
        if rest.count == remaining.count { return nil }
        remaining = rest
      }
      return known.subtracting(bound)
    case .comprehension(_, let head, let body, let output):
      var needed = free(body)
      for term in head { term.forEachLocal { if !body.ownLocals.contains($0) { needed.insert($0) } } }
      return needed.isSubset(of: bound) ? [output] : nil
    case .every(_, _, let domain, let body):
      return domain.isBound(bound) && free(body).isSubset(of: bound) ? [] : nil
    case .someIn(let key, let value, let collection):
      guard collection.isBound(bound) else { return nil }
      var known = bound
      if let key {
        guard bind(key, known: &known) else { return nil }
      }
      return bind(value, known: &known) ? known.subtracting(bound) : nil
    }
  }

  /// Binds the unbound locals of a pattern that a known value is matched with; false where one can't be found that way:
  /// a set's members and an object's keys can't be taken apart.
  private static func bind(_ pattern: CoreTerm, known: inout Set<Int>) -> Bool {
    switch pattern {
    case .constant: return true
    case .local(let local):
      known.insert(local)
      return true
    case .array(let elements):
      for element in elements {
        guard bind(element, known: &known) else { return false }
      }
      return true
    case .set: return pattern.isBound(known)
    case .object(let pairs):
      for (key, value) in pairs {
        guard key.isBound(known), bind(value, known: &known) else { return false }
      }
      return true
    }
  }

  /// What unifying the pairs binds; nil where some can't be.
  static func unify(_ pairs: [(CoreTerm, CoreTerm)], bound: Set<Int>) -> Set<Int>? {
    var known = bound
    var pending = pairs
    while !pending.isEmpty {
      var rest: [(CoreTerm, CoreTerm)] = []
      var progress = false
      for (left, right) in pending {
        if left.isBound(known) {
          guard bind(right, known: &known) else { return nil }
          progress = true
        } else if right.isBound(known) {
          guard bind(left, known: &known) else { return nil }
          progress = true
        } else if let parts = parts(left, right) {
          rest += parts
          progress = true
        } else {
          rest.append((left, right))
        }
      }
      if !progress { return nil }
      pending = rest
    }
    return known.subtracting(bound)
  }

  /// The pairs of parts that two composites of one shape are unified by.
  static func parts(_ left: CoreTerm, _ right: CoreTerm) -> [(CoreTerm, CoreTerm)]? {
    switch (left, right) {
    case (.array(let a), .array(let b)): return a.count == b.count ? Array(zip(a, b)) : []
    case (.array(let a), .constant(.array(let b))):
      return a.count == b.count ? zip(a, b).map { ($0, .constant($1)) } : []
    case (.constant(.array), .array): return parts(right, left)
    case (.object(let a), .object(let b)):
      var result: [(CoreTerm, CoreTerm)] = []
      for (key, value) in a {
        guard let key = key.constant else { return nil }
        guard let other = b.first(where: { $0.key.constant == key }) else {
          return b.allSatisfy { $0.key.constant != nil } ? [] : nil
        }
        result.append((value, other.value))
      }
      return result
    default: return nil
    }
  }

  /// The locals of the bodies around that a body mentions.
  static func free(_ body: CoreBody) -> Set<Int> {
    var result: Set<Int> = []
    for statement in body.statements {
      forEachLocal(statement) { if !body.ownLocals.contains($0) { result.insert($0) } }
    }
    return result
  }

  /// Calls `visit` with every local of a statement and the bodies in it.
  static func forEachLocal(_ statement: CoreStatement, _ visit: (Int) -> Void) {
    func all(_ body: CoreBody) { for statement in body.statements { forEachLocal(statement, visit) } }
    switch statement.kind {
    case .unify(let left, let right):
      left.forEachLocal(visit)
      right.forEachLocal(visit)
    case .reference(let reference, let output):
      if case .local(let head) = reference.head { visit(head) }
      for operand in reference.operands { operand.forEachLocal(visit) }
      output?.forEachLocal(visit)
    case .truthy(let term): term.forEachLocal(visit)
    case .call(_, let operands, let output):
      for operand in operands { operand.forEachLocal(visit) }
      output?.forEachLocal(visit)
    case .print(let operands): for operand in operands { operand.forEachLocal(visit) }
    case .not(let body): all(body)
    case .with(let modifiers, let body):
      for modifier in modifiers {
        if case .term(let term) = modifier.replacement { term.forEachLocal(visit) }
      }
      all(body)
    case .comprehension(_, let head, let body, let output):
      for term in head { term.forEachLocal(visit) }
      visit(output)
      all(body)
    case .every(let key, let value, let domain, let body):
      if let key { visit(key) }
      visit(value)
      domain.forEachLocal(visit)
      all(body)
    case .someIn(let key, let value, let collection):
      key?.forEachLocal(visit)
      value.forEachLocal(visit)
      collection.forEachLocal(visit)
    }
  }

  // MARK: Reporting

  private mutating func report(_ statements: [CoreStatement], bound: Set<Int>) {
    var candidates: Set<Int> = []
    for statement in statements {
      SafetyOrdering.forEachLocal(statement) { if !bound.contains($0) { candidates.insert($0) } }
    }
    // Locals of nested bodies that those bodies bind themselves are not to blame.
    for statement in statements { subtractOwn(statement, from: &candidates) }
    let named = candidates.filter { locals[$0].name != nil }
    if named.isEmpty {
      for statement in statements.prefix(1) {
        errors.append(RegoError(.unsafeVariable, "expression is unsafe", at: statement.location))
      }
    }
    for local in named.sorted() { report(local) }
  }

  private func subtractOwn(_ statement: CoreStatement, from candidates: inout Set<Int>) {
    switch statement.kind {
    case .comprehension(_, _, let body, _), .every(_, _, _, let body): candidates.subtract(body.ownLocals)
    case .not(let body), .with(_, let body):
      for inner in body.statements { subtractOwn(inner, from: &candidates) }
    default: break
    }
  }

  private mutating func report(_ local: Int) {
    guard let name = locals[local].name else { return }
    let shown = name.hasPrefix("$") ? "_" : name
    let error = RegoError(.unsafeVariable, "var \(shown) is unsafe", at: locals[local].location)
    if !errors.contains(error) { errors.append(error) }
  }
}
