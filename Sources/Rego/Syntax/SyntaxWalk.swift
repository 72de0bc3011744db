/// Visits every term and expression of a syntax tree, outer ones before inner ones.
public struct SyntaxWalk {
  private let visit: (Term) -> Void
  private let visitExpression: (Expression) -> Void

  /// Visits the terms of a module's rules; not its package and imports.
  public static func terms(of module: Module, _ visit: (Term) -> Void) {
    withoutActuallyEscaping(visit) { visit in
      let walk = SyntaxWalk(visit: visit, visitExpression: { _ in })
      for rule in module.rules { walk.rule(rule) }
    }
  }

  /// Visits the terms of an expression.
  public static func terms(of expression: Expression, _ visit: (Term) -> Void) {
    withoutActuallyEscaping(visit) { visit in
      SyntaxWalk(visit: visit, visitExpression: { _ in }).expression(expression)
    }
  }

  /// Visits the expressions of a module's rules, those within comprehensions and `every` too.
  public static func expressions(of module: Module, _ visit: (Expression) -> Void) {
    withoutActuallyEscaping(visit) { visit in
      let walk = SyntaxWalk(visit: { _ in }, visitExpression: visit)
      for rule in module.rules { walk.rule(rule) }
    }
  }

  private func rule(_ rule: Rule) {
    rule.head.reference.forEach(term)
    rule.head.arguments?.forEach(term)
    if let key = rule.head.key { term(key) }
    if let value = rule.head.value { term(value) }
    body(rule.body)
    rule.elseBranch.forEach(self.rule)
  }

  private func body(_ body: Body) { body.expressions.forEach(expression) }

  private func expression(_ expression: Expression) {
    visitExpression(expression)
    switch expression.kind {
    case .term(let inner): term(inner)
    case .call(let callee, let arguments):
      term(callee)
      arguments.forEach(term)
    case .someDeclaration(let variables): variables.forEach(term)
    case .someIn(let key, let value, let collection):
      if let key { term(key) }
      term(value)
      term(collection)
    case .every(let key, let value, let collection, let inner):
      if let key { term(key) }
      term(value)
      term(collection)
      body(inner)
    }
    for modifier in expression.withModifiers {
      term(modifier.target)
      term(modifier.value)
    }
  }

  private func term(_ outer: Term) {
    visit(outer)
    switch outer.kind {
    case .null, .boolean, .number, .string, .variable: break
    case .reference(let head, let operands):
      term(head)
      operands.forEach(term)
    case .array(let terms), .set(let terms): terms.forEach(term)
    case .object(let pairs):
      for pair in pairs {
        term(pair.key)
        term(pair.value)
      }
    case .arrayComprehension(let head, let inner), .setComprehension(let head, let inner):
      term(head)
      body(inner)
    case .objectComprehension(let key, let value, let inner):
      term(key)
      term(value)
      body(inner)
    case .call(let callee, let arguments):
      term(callee)
      arguments.forEach(term)
    case .template(let parts):
      for case .expression(let inner) in parts { expression(inner) }
    }
  }
}
