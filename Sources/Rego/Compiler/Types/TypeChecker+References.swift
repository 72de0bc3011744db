// References: what lies at each step must hold something under the next key.

extension TypeChecker {
  /// The type of what a reference denotes; nil, with an error reported, where it can denote nothing.
  mutating func type(of reference: CoreReference, at location: Location) -> StaticType? {
    switch reference.head {
    case .input: return steps(reference, from: 0, .any, at: location)
    case .local(let local):
      if type(of: local) == .unknown { set(local, .any) }
      return steps(reference, from: 0, type(of: local), at: location)
    case .data: return document(reference, at: location)
    }
  }

  private mutating func document(_ reference: CoreReference, at location: Location) -> StaticType? {
    var node = environment.tree.root
    for (position, operand) in reference.operands.enumerated() {
      if let group = node.group {
        return steps(reference, from: position, environment.document(group), at: location)
      }
      switch operand {
      case .constant(.string(let key)):
        guard let child = node.children[key] else {
          return steps(reference, from: position + 1, .any, at: location)
        }
        node = child
      case .local(let local):
        // What rules and base documents lie below packages lies under names.
        let known = type(of: local)
        if known == .unknown {
          set(local, .string)
        } else if !known.unifies(with: .string) {
          invalid(reference, position, have: known, want: .string, oneOf: names(of: node), at: location)
          return nil
        }
        return steps(reference, from: position + 1, .any, at: location)
      case .constant(let value) where position < 2:
        let have = StaticType(value)
        invalid(reference, position, have: have, want: .string, oneOf: names(of: node), at: location)
        return nil
      default:
        return steps(reference, from: position, .any, at: location)
      }
    }
    guard let group = node.group else { return environment.extent(node) }
    let type = environment.document(group)
    if case .function = type {
      unsupported(reference, reference.operands.count, have: type, at: location)
      return nil
    }
    return type
  }

  private func names(of node: RuleTree.Node) -> [Value] { node.children.keys.sorted().map(Value.string) }

  private mutating func steps(
    _ reference: CoreReference, from start: Int, _ first: StaticType, at location: Location
  ) -> StaticType? {
    var type = first
    for position in reference.operands.indices.dropFirst(start) {
      let operand = reference.operands[position]
      guard let keys = type.keys else {
        unsupported(reference, position, have: type, at: location)
        return nil
      }
      switch operand {
      case .constant(.null), .constant(.boolean), .constant(.number), .constant(.string):
        guard let key = operand.constant, let part = type.selecting(key) else {
          invalid(reference, position, have: nil, want: keys, oneOf: type.knownKeys, at: location)
          return nil
        }
        type = part
      case .local(let local):
        let known = self.type(of: local)
        if known == .unknown {
          set(local, keys.known)
        } else if !known.unifies(with: keys) {
          invalid(reference, position, have: known, want: keys, oneOf: type.knownKeys, at: location)
          return nil
        }
        type = type.values ?? .any
      case .constant, .array, .object, .set:
        if !unify(operand, keys) {
          let have = self.type(of: operand)
          invalid(reference, position, have: have, want: keys, oneOf: [], at: location)
          return nil
        }
        type = type.values ?? .any
      }
      if type == .unknown { type = .any }
    }
    return type
  }

  /// `some key, value in collection`, which is a reference into the collection under the key.
  mutating func checkSome(
    _ key: CoreTerm?, _ value: CoreTerm, _ collection: CoreTerm, at location: Location
  ) {
    if case .local(let local) = collection, let key {
      let reference = CoreReference(head: .local(local), operands: [key])
      let type = type(of: reference, at: location) ?? .any
      if !unify(value, type) { mismatch(self.type(of: value), type, at: location) }
      return
    }
    let type = type(of: collection).known
    guard let keys = type.keys, let values = type.values else {
      let whole = "\(text(collection))[_]"
      let mark = String(repeating: "^", count: whole.utf8.count - 3)
      report("undefined ref: \(whole)", at: location, [whole, mark, "have: \(type)"])
      _ = unify(value, .any)
      return
    }
    if let key { _ = unify(key, keys) }
    if !unify(value, values.known) { mismatch(self.type(of: value), values, at: location) }
  }

  // MARK: Errors

  /// The value before the step holds nothing.
  private mutating func unsupported(
    _ reference: CoreReference, _ position: Int, have: StaticType, at location: Location
  ) {
    let whole = text(reference, reference.operands.count)
    let mark = String(repeating: "^", count: text(reference, position).utf8.count)
    report("undefined ref: \(whole)", at: location, [whole, mark, "have: \(have)"])
  }

  /// The value before the step holds nothing under such a key.
  private mutating func invalid(
    _ reference: CoreReference, _ position: Int, have: StaticType?, want: StaticType, oneOf: [Value],
    at location: Location
  ) {
    let whole = text(reference, reference.operands.count)
    let pad = String(repeating: " ", count: text(reference, position).utf8.count + 1)
    let found = have.map { "have (type): \($0)" } ?? "have: \(text(reference.operands[position]))"
    let wanted =
      oneOf.isEmpty
      ? "want (type): \(want)" : "want (one of): [\(oneOf.map(\.description).joined(separator: " "))]"
    report("undefined ref: \(whole)", at: location, [whole, pad + "^", pad + found, pad + wanted])
  }

  /// The reference with its first operands, as OPA prints it.
  private func text(_ reference: CoreReference, _ count: Int) -> String {
    var result: String
    switch reference.head {
    case .input: result = "input"
    case .data: result = "data"
    case .local(let local): result = name(local)
    }
    for operand in reference.operands.prefix(count) {
      if case .constant(.string(let key)) = operand, RuleTree.isName(key) {
        result += ".\(key.string)"
      } else {
        result += "[\(text(operand))]"
      }
    }
    return result
  }

  private func text(_ term: CoreTerm) -> String {
    switch term {
    case .constant(let value): value.description
    case .local(let local): name(local)
    case .array(let elements): "[\(elements.map(text).joined(separator: ", "))]"
    case .set(let elements): "{\(elements.map(text).joined(separator: ", "))}"
    case .object(let pairs):
      "{\(pairs.map { "\(text($0.key)): \(text($0.value))" }.joined(separator: ", "))}"
    }
  }

  private func name(_ local: Int) -> String {
    guard let name = locals[local].name else {
      return environment.text(at: locals[local].location) ?? "__local\(local)__"
    }
    return name.hasPrefix("$") ? "_" : name
  }
}
