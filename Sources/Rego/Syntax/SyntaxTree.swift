/// A parsed file of Rego.
public struct Module: Sendable {
  /// The dialect in which the file parsed.
  public var dialect: Dialect
  public var package: Package
  public var imports: [Import]
  public var rules: [Rule]
  /// Every comment, in the order of the source.
  public var comments: [Comment]
  /// The `# METADATA` blocks, each with the place of what it annotates.
  public var annotations: [Annotations]
  public var location: Location
}

/// The two dialects of the language: `if` and `contains` are keywords in v1, and optional in v0.
public enum Dialect: String, Sendable {
  case v0
  case v1
}

/// `package a.b["c"]`.
public struct Package: Sendable {
  /// The path without the leading `data`.
  public var path: [RegoString]
  public var location: Location
}

/// `import data.a.b as c`.
public struct Import: Sendable {
  /// The path with its root: `data`, `input`, `rego` or `future`.
  public var path: [RegoString]
  public var alias: String?
  public var location: Location
}

public struct Comment: Sendable {
  /// The text after `#`, without the end of line.
  public var text: String
  public var location: Location
}

/// A `# METADATA` block: YAML in comments before a package or rule.
public struct Annotations: Sendable {
  /// What the block describes: `package`, `subpackages`, `document` or `rule`.
  public var scope: String
  /// The block as `rego.metadata.rule()` answers it: `scope` always, authors and related resources as objects.
  public var value: Value
  /// Where the block begins.
  public var location: Location
  /// The place in `Module.rules` of the rule that the block stands before; nil where it stands before the package.
  public var rule: Int?
}

/// One definition of a rule. `else` branches hang on it, in order.
public struct Rule: Sendable {
  public var isDefault: Bool
  public var head: Head
  /// Empty where the rule has no body.
  public var body: Body
  /// The next `else` branch, at most one element (a box for the recursive type).
  public var elseBranch: [Rule]
  public var location: Location
}

/// What a rule defines.
public struct Head: Sendable {
  /// The rule's name and, where the head is a longer reference (`a.b[x]`), the rest of it. The first term is a variable.
  public var reference: [Term]
  /// The parameters of a function; nil for a rule that is none.
  public var arguments: [Term]?
  /// The element of a partial set: `p contains key`, in v0 `p[key]`.
  public var key: Term?
  /// The value: what stands after `=` or `:=`; nil where nothing does (then it is `true`, but for partial sets).
  public var value: Term?
  /// Whether `:=` was written.
  public var assigns: Bool
  public var location: Location
}

/// A conjunction of expressions.
public struct Body: Sendable {
  public var expressions: [Expression]
  public var location: Location

  public init(_ expressions: [Expression] = [], location: Location = Location()) {
    self.expressions = expressions
    self.location = location
  }
}

/// One statement of a body.
public struct Expression: Sendable {
  public indirect enum Kind: Sendable {
    /// A term on its own.
    case term(Term)
    /// An operator or function applied to arguments. Operators go by their builtin's name (`eq`, `assign`, `equal`, `neq`,
    /// `lt`, `plus`, `and`, `internal.member_2`, ...); a call has one reference as its callee.
    case call(callee: Term, arguments: [Term])
    /// `some x, y`.
    case someDeclaration([Term])
    /// `some value in collection` or `some key, value in collection`.
    case someIn(key: Term?, value: Term, collection: Term)
    /// `every key, value in collection { body }`.
    case every(key: Term?, value: Term, collection: Term, body: Body)
  }

  public var isNegated: Bool
  public var kind: Kind
  public var withModifiers: [WithModifier]
  public var location: Location

  public init(_ kind: Kind, isNegated: Bool = false, with: [WithModifier] = [], location: Location) {
    self.kind = kind
    self.isNegated = isNegated
    withModifiers = with
    self.location = location
  }
}

/// `with target as value`.
public struct WithModifier: Sendable {
  public var target: Term
  public var value: Term
  public var location: Location

  public init(target: Term, value: Term, location: Location) {
    self.target = target
    self.value = value
    self.location = location
  }
}

/// A term with its place.
public struct Term: Sendable {
  public indirect enum Kind: Sendable {
    case null
    case boolean(Bool)
    case number(Number)
    case string(RegoString)
    /// A variable by its name. The parser gives every wildcard `_` a name of its own that begins with `$`.
    case variable(String)
    /// A reference: a head (a variable, a call or a composite) and at least one operand. A string operand stands for `.name` and `["name"]` alike.
    case reference(head: Term, operands: [Term])
    case array([Term])
    case object([(key: Term, value: Term)])
    case set([Term])
    case arrayComprehension(Term, Body)
    case setComprehension(Term, Body)
    case objectComprehension(key: Term, value: Term, Body)
    /// A function or an operator applied to arguments; see ``Expression/Kind/call(callee:arguments:)``.
    case call(callee: Term, arguments: [Term])
    /// `$"..."`: pieces of text and terms.
    case template([TemplatePart])
  }

  public var kind: Kind
  public var location: Location

  public init(_ kind: Kind, location: Location = Location()) {
    self.kind = kind
    self.location = location
  }
}

/// A piece of an interpolated string.
public enum TemplatePart: Sendable {
  case text(RegoString)
  /// An expression in braces: a term (a call included). It may carry `with` modifiers.
  case expression(Expression)
}
