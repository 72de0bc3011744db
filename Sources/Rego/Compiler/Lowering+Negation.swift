/// `not` covers an expression, but not what its operands take to compute: `not f(input.x)` means `y := input.x; not f(y)`, and is
/// undefined where `input.x` is. That is how OPA rewrites negated expressions (its issues 1877 and 4743), and policies rely on it.
extension Lowering {
  /// The expression with the values of its operands, which are computed before it.
  func negated(
    _ expression: Expression, into statements: inout [CoreStatement], _ scope: Scope
  ) -> Expression {
    var result = expression
    switch expression.kind {
    case .term(let term): result.kind = .term(withOperandsComputed(term, into: &statements, scope))
    case .call(let callee, let arguments):
      let isEquality = callee.operatorName == "eq" || callee.operatorName == "equal"
      if callee.operatorName == "assign" { break }
      result.kind = .call(
        callee: callee,
        arguments: arguments.map {
          // Both sides of an equality are matched within the negation.
          isEquality
            ? withOperandsComputed($0, into: &statements, scope) : computed($0, into: &statements, scope)
        })
    case .someDeclaration, .someIn, .every: break
    }
    return result
  }

  /// The term itself where it is a reference, with what it is computed from; else its value.
  private func withOperandsComputed(
    _ term: Term, into statements: inout [CoreStatement], _ scope: Scope
  ) -> Term {
    switch term.kind {
    case .variable: return term
    case .reference(let head, let operands):
      var result = term
      var base = head
      if case .variable = head.kind {} else { base = computed(head, into: &statements, scope) }
      result.kind = .reference(
        head: base, operands: operands.map { computed($0, into: &statements, scope) })
      return result
    default: return computed(term, into: &statements, scope)
    }
  }

  /// The value of a term: a constant, a variable, or a variable of its own that is bound before.
  private func computed(_ term: Term, into statements: inout [CoreStatement], _ scope: Scope) -> Term {
    var result = term
    switch term.kind {
    case .null, .boolean, .number, .string: return term
    case .variable(let name) where lookup(name, scope) != nil: return term
    case .array(let elements):
      result.kind = .array(elements.map { computed($0, into: &statements, scope) })
    case .set(let elements): result.kind = .set(elements.map { computed($0, into: &statements, scope) })
    case .object(let pairs):
      result.kind = .object(
        pairs.map {
          (
            key: computed($0.key, into: &statements, scope),
            value: computed($0.value, into: &statements, scope)
          )
        })
    case .variable, .reference, .call, .arrayComprehension, .setComprehension, .objectComprehension,
      .template:
      let local = makeLocal(nil, at: term.location)
      unify(term, with: .local(local), at: term.location, into: &statements, scope)
      let name = "$operand\(local)"
      scope.names[name] = local
      result.kind = .variable(name)
    }
    return result
  }
}
