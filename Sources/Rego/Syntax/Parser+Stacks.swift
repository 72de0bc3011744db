// The stacks of what has been read and is not part of anything larger yet.

extension Parser {
  /// A part of a tree with the height of the tree below it.
  struct Tall<Node> {
    var node: Node
    var height: Int
  }

  struct Operand {
    var term: Term
    var height: Int
    /// Where the term begins with the parentheses around it.
    var start: Int
  }

  /// How far the stacks are filled, and how deep the recursion is.
  struct Level {
    var operands = 0
    var operators = 0
    var expressions = 0
    var bodies = 0
    var modifiers = 0
    var depth = 0
    var attempts = 0
  }

  var level: Level {
    Level(
      operands: operands.count, operators: operators.count, expressions: expressions.count,
      bodies: bodies.count, modifiers: modifiers.count, depth: depth, attempts: attempts)
  }

  /// Throws away what lies above a level.
  mutating func unwind(to level: Level) {
    operands.removeLast(operands.count - level.operands)
    operators.removeLast(operators.count - level.operators)
    expressions.removeLast(expressions.count - level.expressions)
    bodies.removeLast(bodies.count - level.bodies)
    modifiers.removeLast(modifiers.count - level.modifiers)
    depth = level.depth
    attempts = level.attempts
    heightBelow = 0
  }

  /// The height of a node made of what was taken from the stacks just now.
  private mutating func nextHeight() throws(Failure) -> Int {
    guard heightBelow < Parser.maximumHeight else { throw tooDeep() }
    defer { heightBelow = 0 }
    return heightBelow + 1
  }

  /// Pushes a term that begins at a mark and ends with the last token passed.
  @inline(never)
  mutating func push(_ kind: Term.Kind, from start: Int) throws(Failure) {
    let term = Term(kind, location: location(from: start))
    operands.append(Operand(term: term, height: try nextHeight(), start: start))
  }

  @inline(never)
  mutating func push(_ expression: Expression) throws(Failure) {
    expressions.append(Tall(node: expression, height: try nextHeight()))
  }

  /// Pushes the expressions above a level as a body.
  @inline(never)
  mutating func pushBody(above level: Int, from start: Int) throws(Failure) {
    for expression in expressions[level...] { heightBelow = max(heightBelow, expression.height) }
    let body = Body(expressions[level...].map(\.node), location: location(from: start))
    expressions.removeLast(expressions.count - level)
    bodies.append(Tall(node: body, height: try nextHeight()))
  }

  /// Takes the top term, to be part of what is pushed next.
  @inline(never)
  mutating func pop() -> Term {
    let operand = operands.removeLast()
    heightBelow = max(heightBelow, operand.height)
    return operand.term
  }

  /// Takes the terms above a level, to be part of what is pushed next.
  @inline(never)
  mutating func pop(above level: Int) -> [Term] {
    for operand in operands[level...] { heightBelow = max(heightBelow, operand.height) }
    defer { operands.removeLast(operands.count - level) }
    return operands[level...].map(\.term)
  }

  /// Makes a modifier of the two terms on top.
  @inline(never)
  mutating func pushModifier(from start: Int) throws(Failure) {
    let value = pop()
    let modifier = WithModifier(target: pop(), value: value, location: location(from: start))
    modifiers.append(Tall(node: modifier, height: try nextHeight()))
  }

  @inline(never)
  mutating func popModifiers(above level: Int) -> [WithModifier] {
    for modifier in modifiers[level...] { heightBelow = max(heightBelow, modifier.height) }
    defer { modifiers.removeLast(modifiers.count - level) }
    return modifiers[level...].map(\.node)
  }

  @inline(never)
  mutating func popBody() -> Body {
    let body = bodies.removeLast()
    heightBelow = max(heightBelow, body.height)
    return body.node
  }

  /// Takes the top term for a rule, at which heights end.
  mutating func take() -> Term {
    defer { heightBelow = 0 }
    return pop()
  }

  /// Takes the terms above a level for a rule.
  mutating func take(above level: Int) -> [Term] {
    defer { heightBelow = 0 }
    return pop(above: level)
  }

  mutating func takeBody() -> Body {
    defer { heightBelow = 0 }
    return popBody()
  }
}

// MARK: Attempts

extension Parser {
  /// Pushes the term that an attempt has read from the token at hand, and goes past it; false where there is none.
  @inline(never)
  mutating func recall() -> Bool {
    guard let known = remembered[Int(token.start)] else { return false }
    operands.append(known.operand)
    reset(to: known.mark)
    return true
  }

  /// Keeps the top term while an attempt is under way.
  @inline(never)
  mutating func remember(from start: Int) {
    guard attempts > 0, let operand = operands.last else { return }
    remembered[offset(at: start)] = (operand, mark)
  }
}
