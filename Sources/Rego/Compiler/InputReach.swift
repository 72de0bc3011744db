/// Finds which parts of the input a body can read, so that the reader of a request builds nothing else.
///
/// A local that a reference into the input was matched with stands for that part; what is then read through the local
/// is known as precisely as if the reference had been written out.
struct InputReach {
  private var paths: Set<InputPath> = []
  /// What the statements passed so far have tested: the next ones run only where it holds.
  private var guards: Set<InputPath.Guard> = []
  /// Within `with`, tests may be of another input.
  private var isReplaced = false
  /// Locals that stand for a part of the input, and whether anything reads them as a whole.
  private var aliases: [Int: [InputPath.Step]] = [:]
  /// Locals that stand for a place in the data.
  private var dataAliases: [Int: [RegoString]] = [:]

  /// Locals that hold a value by now: matching one of them again compares.
  private var seen: Set<Int> = []

  /// How far paths are told apart; what lies deeper is read as a whole. Aliases keep one step more, to be known as deeper.
  private static let maximumSteps = 40

  init(parameters: [CoreTerm] = []) {
    for term in parameters { term.forEachLocal { seen.insert($0) } }
  }

  mutating func finish() -> Set<InputPath> { paths }

  /// Rules or functions that the body asks for, and what must hold where it does.
  struct Mention {
    enum Target {
      case data([CoreTerm])
      case function([RegoString])
    }

    var target: Target
    var guards: Set<InputPath.Guard>
  }

  private(set) var mentions: [Mention] = []

  /// What the input must be for a whole body to hold, as far as tests of scalars against constants tell.
  private(set) var requirements: Set<InputPath.Guard> = []

  /// As ``visit(_:)`` for the body of a definition, whose ``requirements`` are noted; they hold for what its head reads too.
  mutating func visit(definition body: CoreBody) {
    for statement in body.statements {
      visit(statement)
      SafetyOrdering.forEachLocal(statement) { seen.insert($0) }
    }
    requirements = guards
  }

  mutating func visit(_ body: CoreBody) {
    let outer = guards
    defer { guards = outer }
    for statement in body.statements {
      visit(statement)
      SafetyOrdering.forEachLocal(statement) { seen.insert($0) }
    }
  }

  /// The term's value is read as a whole.
  mutating func use(_ term: CoreTerm) {
    var whole: [[InputPath.Step]] = []
    term.forEachLocal { if let path = aliases[$0] { whole.append(path) } }
    for path in whole { read(path, isShallow: false) }
  }

  private mutating func visit(_ statement: CoreStatement) {
    switch statement.kind {
    case .unify(.local(let local), .local(let other))
    where aliases[other] != nil && aliases[local] == nil && !seen.contains(local):
      aliases[local] = aliases[other]
    case .unify(let left, let right):
      use(left)
      use(right)
    case .truthy(let term): touch(term)
    case .reference(let reference, let output): visit(reference, output)
    case .call(let callee, let operands, let output): visit(callee, operands, output)
    case .print(let operands): for operand in operands { use(operand) }
    case .not(let body): visit(body)
    case .with(let modifiers, let body):
      for modifier in modifiers {
        switch modifier.replacement {
        case .term(let term): use(term)
        case .function(let path): mentions.append(Mention(target: .function(path), guards: guards))
        case .builtin: break
        }
      }
      let outer = isReplaced
      isReplaced = true
      visit(body)
      isReplaced = outer
    case .comprehension(_, let head, let body, _):
      visit(body)
      for term in head { use(term) }
    case .every(let key, let value, let domain, let body):
      scan(domain, key: key.map(CoreTerm.local), value: .local(value))
      visit(body)
    case .someIn(let key, let value, let collection): scan(collection, key: key, value: value)
    }
  }

  private mutating func scan(_ collection: CoreTerm, key: CoreTerm?, value: CoreTerm) {
    guard case .local(let local) = collection, let path = aliases[local] else {
      use(collection)
      return
    }
    reach(path + [.any], output: value)
    if let key { use(key) }
  }

  /// From here on, what a local stands for is one of these scalars.
  private mutating func noteGuard(_ term: CoreTerm, oneOf values: Set<Value>) {
    guard !isReplaced, case .local(let local) = term else { return }
    if let path = aliases[local] {
      noteGuard(path, oneOf: values)
    } else if let path = dataAliases[local] {
      guards.insert(InputPath.Guard(scalar: .data(path), values: values))
    }
  }

  private mutating func noteGuard(_ path: [InputPath.Step], oneOf values: Set<Value>) {
    guard path.count <= Self.maximumSteps else { return }
    var keys: [RegoString] = []
    for step in path {
      guard case .key(let key) = step else { return }
      keys.append(key)
    }
    guards.insert(InputPath.Guard(scalar: .input(keys), values: values))
  }

  private mutating func read(_ path: [InputPath.Step], isShallow: Bool) {
    let isDeeper = path.count > Self.maximumSteps
    let steps = isDeeper ? Array(path.prefix(Self.maximumSteps)) : path
    paths.insert(InputPath(steps, isShallow: isShallow && !isDeeper, guards: guards))
  }

  /// Only whether the value is there, and whether it is false, matters.
  private mutating func touch(_ term: CoreTerm) {
    if case .local(let local) = term {
      if let path = aliases[local] { read(path, isShallow: true) }
    } else {
      use(term)
    }
  }

  /// The part at a path is matched with a pattern; without one it must hold.
  private mutating func reach(_ path: [InputPath.Step], output: CoreTerm?) {
    switch output {
    case nil: read(path, isShallow: true)
    case .local(let local) where aliases[local] == nil && !seen.contains(local):
      aliases[local] = Array(path.prefix(Self.maximumSteps + 1))
      read(path, isShallow: true)
    case .constant(let value)? where value.isScalar:
      read(path, isShallow: true)
      if !isReplaced { noteGuard(path, oneOf: [value]) }
    case let pattern?:
      read(path, isShallow: false)
      use(pattern)
    }
  }

  /// A place in the data is matched with a pattern.
  private mutating func noteData(_ operands: [CoreTerm], _ output: CoreTerm?) {
    let keys = operands.compactMap { operand -> RegoString? in
      if case .constant(.string(let key)) = operand { key } else { nil }
    }
    guard keys.count == operands.count, !isReplaced else { return }
    switch output {
    case .local(let local)? where !seen.contains(local): dataAliases[local] = keys
    case .constant(let value)? where value.isScalar:
      guards.insert(InputPath.Guard(scalar: .data(keys), values: [value]))
    default: break
    }
  }

  private mutating func visit(_ reference: CoreReference, _ output: CoreTerm?) {
    var path: [InputPath.Step]
    switch reference.head {
    case .input: path = []
    case .local(let local):
      guard let alias = aliases[local] else {
        for operand in reference.operands { use(operand) }
        if let output { use(output) }
        return
      }
      path = alias
    case .data:
      mentions.append(Mention(target: .data(reference.operands), guards: guards))
      for operand in reference.operands { use(operand) }
      noteData(reference.operands, output)
      if let output { use(output) }
      return
    }
    for operand in reference.operands {
      if case .constant(.string(let key)) = operand {
        path.append(.key(key))
      } else {
        use(operand)
        path.append(.any)
      }
    }
    reach(path, output: output)
  }

  private mutating func visit(_ callee: CoreCallee, _ operands: [CoreTerm], _ output: CoreTerm?) {
    if case .function(let path) = callee { mentions.append(Mention(target: .function(path), guards: guards)) }
    if case .builtin(let name) = callee {
      switch (name, operands.count) {
      case ("object.get", 3):
        // `object.get(x, "key", default)` reads one member.
        if case .local(let local) = operands[0], let path = aliases[local],
          case .constant(.string(let key)) = operands[1], case .local(let result)? = output,
          aliases[result] == nil, !seen.contains(result)
        {
          use(operands[2])
          aliases[result] = Array((path + [.key(key)]).prefix(Self.maximumSteps + 1))
          read(path + [.key(key)], isShallow: true)
          return
        }
      case ("internal.member_2", 2) where output == nil, ("equal", 2), ("neq", 2), ("lt", 2), ("lte", 2),
        ("gt", 2),
        ("gte", 2):
        // Against a scalar only a scalar can compare equal, and an empty composite orders as a full one does.
        if name != "internal.member_2",
          let other = operands.firstIndex(where: { $0.constant?.isScalar ?? false })
        {
          touch(operands[1 - other])
          if name == "equal", output == nil, let value = operands[other].constant {
            noteGuard(operands[1 - other], oneOf: [value])
          }
          return
        }
        if name == "internal.member_2", case .set(let set)? = operands[1].constant,
          set.elements.allSatisfy(\.isScalar)
        {
          touch(operands[0])
          noteGuard(operands[0], oneOf: Set(set.elements))
          return
        }
      default: break
      }
    }
    for operand in operands { use(operand) }
    if let output { use(output) }
  }
}

extension Value {
  var isScalar: Bool {
    switch self {
    case .null, .boolean, .number, .string: true
    default: false
    }
  }
}
