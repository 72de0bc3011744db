/// The builtins a compilation knows, by name.
public struct BuiltinRegistry: Sendable {
  public private(set) var builtins: [String: Builtin]

  public init(_ builtins: [Builtin]) {
    self.builtins = Dictionary(builtins.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
  }

  public subscript(name: String) -> Builtin? { builtins[name] }

  /// With more builtins, which replace those of the same name.
  public func adding(_ more: [Builtin]) -> BuiltinRegistry {
    var copy = self
    for builtin in more { copy.builtins[builtin.name] = builtin }
    return copy
  }

  /// Every builtin of the language itself: one list a family, each in a file of its own.
  public static let standard = BuiltinRegistry(allFamilies.flatMap { $0 })

  private static let allFamilies: [[Builtin]] = [
    ComparisonBuiltins.all,
    NumberBuiltins.all,
    BitsBuiltins.all,
    AggregateBuiltins.all,
    ArrayBuiltins.all,
    SetBuiltins.all,
    ObjectBuiltins.all,
    TypeBuiltins.all,
    GraphBuiltins.all,
    UUIDBuiltins.all,
    JSONBuiltins.all,
    StringBuiltins.all, FormattingBuiltins.all,
    RegexBuiltins.all,
    GlobBuiltins.all,
    EncodingBuiltins.all,
    TransferEncodingBuiltins.all,
    SemverBuiltins.all,
    UnitBuiltins.all,
    TimeBuiltins.all,
    RuntimeBuiltins.all,
    NetBuiltins.all,
    CryptoBuiltins.all,
    X509Builtins.all,
    TokenBuiltins.all,
    AWSBuiltins.all,
    SchemaBuiltins.all,
  ]
}
