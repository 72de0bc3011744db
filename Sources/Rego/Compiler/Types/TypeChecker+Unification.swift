// Equality and calls.

extension TypeChecker {
  /// `left = right`: some value must be able to have both types.
  mutating func checkEqual(_ left: CoreTerm, _ right: CoreTerm, at location: Location) {
    let (leftType, rightType) = (type(of: left), type(of: right))
    if !unify(left, leftType, right, rightType) { mismatch(leftType, rightType, at: location) }
  }

  private mutating func unify(
    _ left: CoreTerm, _ leftType: StaticType, _ right: CoreTerm, _ rightType: StaticType
  ) -> Bool {
    switch (leftType.hasUnknown, rightType.hasUnknown) {
    case (false, false): return leftType.unifies(with: rightType)
    case (true, false): return unify(left, rightType)
    case (false, true): return unify(right, leftType)
    case (true, true): break
    }
    switch (left, right) {
    case (.array(let a), .array(let b)):
      if a.count != b.count { return false }
      for (x, y) in zip(a, b) where !unify(x, type(of: x), y, type(of: y)) { return false }
    case (.object(let a), .object(let b)):
      if a.count != b.count { return false }
      for (key, value) in a {
        guard let key = key.constant else { continue }
        if let other = b.first(where: { $0.key.constant == key }) {
          if !unify(value, type(of: value), other.value, type(of: other.value)) { return false }
        } else if b.allSatisfy({ $0.key.constant != nil }) {
          return false
        }
      }
    default:
      _ = unify(left, .any)
      _ = unify(right, .any)
    }
    return true
  }

  /// Matches a term with values of a type: variables of which nothing is known get it.
  ///
  /// - Parameters:
  ///   - isArgument: whether the type is a parameter's, whose known keys may be missing.
  ///   - widens: whether variables may have this type beside the one they have.
  /// - Returns: whether that can hold.
  mutating func unify(
    _ term: CoreTerm, _ type: StaticType, isArgument: Bool = false, widens: Bool = false
  ) -> Bool {
    if case .unknown = type { return unify(term, .any, isArgument: isArgument, widens: widens) }
    switch term {
    case .constant(let value): return StaticType.matches(value, type)
    case .local(let local):
      let known = self.type(of: local)
      if known == .unknown {
        set(local, type)
      } else if widens {
        set(local, known.or(type))
      } else {
        return isArgument ? type.admits(known) : known.unifies(with: type)
      }
      return true
    case .array, .object, .set: break
    }
    if case .union(let types) = type {
      if types.isEmpty {
        widen(term)
        return true
      }
      var unifies = false
      for type in types where unify(term, type, isArgument: isArgument, widens: true) { unifies = true }
      return unifies
    }
    switch (term, type) {
    case (.array(let elements), .array(let leading, let rest)):
      if elements.count != leading.count && rest == nil { return false }
      for (index, element) in elements.enumerated() {
        guard let part = type.element(index),
          unify(element, part, isArgument: isArgument, widens: widens)
        else { return false }
      }
      return true
    case (.object(let pairs), .object(let known, let rest)):
      if pairs.count != known.count && rest == nil { return false }
      for (key, value) in pairs {
        guard let key = key.constant else {
          _ = unify(value, .any, isArgument: isArgument, widens: widens)
          continue
        }
        guard let part = type.selecting(key),
          unify(value, part, isArgument: isArgument, widens: widens)
        else { return false }
      }
      return true
    case (.set(let elements), .set(let part)):
      for element in elements where !unify(element, part, isArgument: isArgument, widens: widens) {
        return false
      }
      return true
    default: return false
    }
  }

  /// Gives any type to the variables of which nothing is known.
  private mutating func widen(_ term: CoreTerm) {
    var unknown: [Int] = []
    term.forEachLocal { if type(of: $0) == .unknown { unknown.append($0) } }
    for local in unknown { set(local, .any) }
  }

  // MARK: Calls

  mutating func checkCall(
    _ callee: CoreCallee, _ operands: [CoreTerm], _ output: CoreTerm?, at location: Location
  ) {
    let name: String
    let signature: TypeEnvironment.Signature?
    switch callee {
    case .builtin(let builtin): (name, signature) = (builtin, environment.signature(ofBuiltin: builtin))
    case .function(let path):
      (name, signature) = (RuleTree.name(path), environment.signature(ofFunction: path))
    }
    guard let signature, signature.function.parameters.count == operands.count else {
      for operand in operands { _ = unify(operand, .any) }
      if let output { _ = unify(output, .any) }
      return
    }
    let arguments = operands + (output.map { [$0] } ?? [])
    for (argument, type) in zip(arguments, signature.function.parameters + [signature.function.result])
    where !unify(argument, type, isArgument: true) {
      let have = StaticType.list(arguments.map { self.type(of: $0) })
      report(
        "\(name): invalid argument(s)", at: location, ["have: (\(have))", "want: \(signature.wanted)"])
      if let output { _ = unify(output, .any) }
      return
    }
  }
}

extension StaticType {
  /// Whether a constant can have a type; keys that the type names may be missing where it has other keys too.
  static func matches(_ value: Value, _ type: StaticType) -> Bool {
    switch (value, type) {
    case (_, .union(let types)): return types.isEmpty || types.contains { matches(value, $0) }
    case (_, .unknown), (.null, .null), (.boolean, .boolean), (.number, .number), (.string, .string):
      return true
    case (.array(let elements), .array(let leading, let rest)):
      if elements.count != leading.count && rest == nil { return false }
      for (index, element) in elements.enumerated() {
        guard let part = type.element(index), matches(element, part) else { return false }
      }
      return true
    case (.object(let object), .object(let known, let rest)):
      if object.count != known.count && rest == nil { return false }
      for (key, value) in object {
        guard let part = type.selecting(key), matches(value, part) else { return false }
      }
      return true
    case (.set(let set), .set(let part)): return set.allSatisfy { matches($0, part) }
    default: return false
    }
  }
}
