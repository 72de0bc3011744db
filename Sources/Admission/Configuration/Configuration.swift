import Rego

/// What `serve` is told, by flags or by its configuration file: every flag is a key of the file. Nil is what nobody said.
public struct Configuration: Sendable {
  public var listen: String?
  public var healthListen: String?
  public var tlsCert: String?
  public var tlsKey: String?
  public var clientCA: String?
  public var clientNames: [String]?

  public var policyPaths: [String]?
  public var builtin: BuiltinSelection?
  public var inventoryPaths: [String]?
  public var regoVersion: Dialect?
  /// Builtins that policies may use although they reach beyond the request or weaken secrets.
  public var allowedBuiltins: [String]?

  public var maxBodySize: Int?
  public var maxHeaderSize: Int?
  public var maxConnections: Int?
  public var maxConcurrentEvaluations: Int?
  public var headerTimeout: Duration?
  public var bodyTimeout: Duration?
  public var idleTimeout: Duration?
  public var writeTimeout: Duration?
  public var evaluationBudget: Duration?
  public var evaluationMargin: Duration?
  public var shutdownDelay: Duration?
  public var shutdownDrain: Duration?

  /// What is said of single policies.
  public var overrides = PolicyOverrides()

  public init() {}

  /// Which of the built-in policies are served.
  public enum BuiltinSelection: Sendable, Hashable {
    case all
    case none
    case named([String])

    /// Reads `all`, `none`, or names with commas between them.
    public init(_ text: String) {
      switch text {
      case "all": self = .all
      case "none": self = .none
      default:
        self = .named(
          text.split(separator: ",").map { $0.trimmingPrefix(while: { $0 == " " }) }.map(String.init))
      }
    }

    /// The built-in policies that are selected.
    ///
    /// - Throws: names that no built-in policy has.
    public var sources: [PolicySource] {
      get throws(PolicyProblems) {
        switch self {
        case .all: return BuiltinPolicies.sources
        case .none: return []
        case .named(let names):
          let known = BuiltinPolicies.sources.map(\.builtinName)
          let unknown = names.filter { name in !known.contains { $0.utf8.elementsEqual(name.utf8) } }
          if !unknown.isEmpty {
            throw PolicyProblems(
              unknown.map {
                PolicyProblem(
                  file: "",
                  message: "there is no built-in policy \"\($0)\"; there are \(known.joined(separator: ", "))"
                )
              })
          }
          return BuiltinPolicies.sources.filter { source in
            names.contains { $0.utf8.elementsEqual(source.builtinName.utf8) }
          }
        }
      }
    }
  }

  /// What this configuration says, and where it says nothing, what another does: flags come before the file.
  public func filled(from other: Configuration) -> Configuration {
    var result = self
    for fill in Self.fills { fill(&result, other) }
    if result.overrides.isEmpty { result.overrides = other.overrides }
    return result
  }
}

extension PolicySource {
  /// The name of a built-in policy.
  var builtinName: String {
    let name = path.split(separator: ":").last ?? ""
    return String(name.prefix { $0 != "." })
  }
}
