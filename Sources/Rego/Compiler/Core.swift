/// The compiler's middle form: names are resolved, nested calls and references pulled out into statements of their own.
///
/// A term here holds only constants, locals and composites of them; whatever computes is a ``CoreStatement``.
indirect enum CoreTerm {
  case constant(Value)
  case local(Int)
  case array([CoreTerm])
  case object([(key: CoreTerm, value: CoreTerm)])
  case set([CoreTerm])

  /// Calls `visit` with every local in the term.
  func forEachLocal(_ visit: (Int) -> Void) {
    switch self {
    case .constant: break
    case .local(let local): visit(local)
    case .array(let elements), .set(let elements): for element in elements { element.forEachLocal(visit) }
    case .object(let pairs):
      for (key, value) in pairs {
        key.forEachLocal(visit)
        value.forEachLocal(visit)
      }
    }
  }

  /// Whether every local in the term is among `bound`.
  func isBound(_ bound: Set<Int>) -> Bool {
    switch self {
    case .constant: true
    case .local(let local): bound.contains(local)
    case .array(let elements), .set(let elements): elements.allSatisfy { $0.isBound(bound) }
    case .object(let pairs): pairs.allSatisfy { $0.key.isBound(bound) && $0.value.isBound(bound) }
    }
  }

  /// The value, where the term holds no local.
  var constant: Value? {
    switch self {
    case .constant(let value): return value
    case .local: return nil
    case .array(let elements):
      var values: [Value] = []
      for element in elements {
        guard let value = element.constant else { return nil }
        values.append(value)
      }
      return .array(values)
    case .set(let elements):
      var values: [Value] = []
      for element in elements {
        guard let value = element.constant else { return nil }
        values.append(value)
      }
      return .set(SetValue(values))
    case .object(let pairs):
      var builder = ObjectBuilder()
      for (key, value) in pairs {
        guard let key = key.constant, let value = value.constant else { return nil }
        builder.append(key, value)
      }
      return .object(builder.build())
    }
  }
}

/// A reference into the input, the data or a local.
struct CoreReference {
  enum Head: Equatable {
    case input
    case data
    case local(Int)
  }

  var head: Head
  var operands: [CoreTerm]
}

/// What a call calls.
enum CoreCallee {
  case builtin(String)
  /// The full path of a function, without the leading `data`.
  case function([RegoString])
}

enum ComprehensionKind {
  case array
  case set
  case object
}

/// `with target as value`.
struct CoreWith {
  enum Target {
    case input([RegoString])
    case data([RegoString])
    case builtin(String)
    case function([RegoString])
  }

  enum Replacement {
    case term(CoreTerm)
    case builtin(String)
    case function([RegoString])
  }

  var target: Target
  var replacement: Replacement
}

struct CoreStatement {
  indirect enum Kind {
    case unify(CoreTerm, CoreTerm)
    /// The value that a reference denotes, matched with the output; without one it must hold.
    case reference(CoreReference, output: CoreTerm?)
    case truthy(CoreTerm)
    /// The result of a call, matched with the output; without one it must hold.
    case call(CoreCallee, [CoreTerm], output: CoreTerm?)
    case not(CoreBody)
    case with([CoreWith], CoreBody)
    case comprehension(ComprehensionKind, head: [CoreTerm], body: CoreBody, output: Int)
    case every(key: Int?, value: Int, domain: CoreTerm, body: CoreBody)
    case someIn(key: CoreTerm?, value: CoreTerm, collection: CoreTerm)
    /// `print(...)`: each operand is a set of the values it has.
    case print([CoreTerm])
  }

  var kind: Kind
  var location: Location
  /// The expression of the source that this statement is a part of; nil for what heads compute.
  var expression: CoreExpression?
  /// Whether the statement is the expression itself rather than a part that it needs first.
  var isExpression = false
}

/// An expression of the source, as traces and coverage tell of it.
final class CoreExpression {
  /// A variable or reference in the expression, whose value says why the expression fails.
  struct Mention {
    var location: Location
    var reference: CoreReference
  }

  let location: Location
  var mentions: [Mention] = []

  init(location: Location) {
    self.location = location
  }
}

struct CoreBody {
  var statements: [CoreStatement] = []
  /// The locals that were made while this body was lowered: they are its own; others in it come from around it.
  var ownLocals: Range<Int> = 0..<0
}

/// A variable of a rule or a query.
struct CoreLocal {
  /// As the source spells it; nil for one that the compiler made.
  var name: String?
  var location: Location
  /// How the source declares it; nil for one that it just mentions.
  var declaration: Declaration?
  /// How often the source mentions it, the target of an assignment included.
  var uses = 0

  enum Declaration {
    case parameter
    case assigned
    /// `some x`.
    case someName
    /// `some x in xs`.
    case someIn
    case every
  }

  /// Whether its value is the compiler's to know, such as a rule's annotations: its type is not inferred.
  var isUntyped = false
  /// Whether it holds the value of a whole expression of a query.
  var isQueryResult = false
}

/// One definition of a rule, ready for ordering and code generation.
struct CoreRule {
  enum Output {
    case value(CoreTerm)
    case element(CoreTerm)
  }

  /// What the definition adds after the path of its group: empty but for partial objects.
  var suffix: [CoreTerm] = []
  var parameters: [CoreTerm] = []
  var output: Output
  var body: CoreBody
  var locals: [CoreLocal]
  var location: Location
  /// What the input must be for the body to hold.
  var requirements: Set<InputPath.Guard> = []
}
