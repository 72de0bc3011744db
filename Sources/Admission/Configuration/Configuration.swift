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
  /// A kubeconfig, whose cluster is the inventory.
  public var kubeconfig: String?
  /// The kubeconfig's context; nil for its current one.
  public var context: String?
  /// Whether the cluster that this runs in is the inventory; nil for: where it runs in one and no other inventory is named.
  public var inCluster: Bool?
  /// The kinds that may be taken into the inventory; nil for ``FollowedKinds/standard``.
  public var inventoryKinds: [String]?
  /// The namespace of the webhook: of its policies, certificates and Lease; nil for that of the pod or context.
  public var namespace: String?
  /// The name of the Service before the replicas.
  public var serviceName: String?
  /// The name of the ValidatingWebhookConfiguration by which the API server asks.
  public var webhookConfiguration: String?
  /// A file with that ValidatingWebhookConfiguration, which is made where there is none; nil to wait for one.
  public var webhookManifest: String?
  /// Whether certificates are made and renewed in a Secret, rather than mounted as files.
  public var manageCertificates: Bool?
  /// From the end of a scan of what exists to the next one; zero for none.
  public var auditInterval: Duration?
  /// The beginnings of the names of DaemonSets whose network enforces NetworkPolicy; nil for those that are known.
  public var enforcingNetworks: [String]?
  public var regoVersion: Dialect?
  /// Builtins that policies may use although they reach beyond the request or weaken secrets.
  public var allowedBuiltins: [String]?
  /// The kinds of policies that the cluster's network enforces; nil for all that are known.
  public var enforcedKinds: [String]?

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
    /// Those that everyone gets; others are named.
    case all
    case none
    /// These; the name `all` stands for those that everyone gets.
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
          let known = BuiltinPolicies.sources + BuiltinPolicies.optional
          // Policies' names cannot have dashes, which people write all the same.
          let names = names.map { String(decoding: $0.utf8.map { $0 == 45 ? 95 : $0 }, as: UTF8.self) }
          func isNamed(_ name: String) -> Bool { names.contains { $0.utf8.elementsEqual(name.utf8) } }
          let unknown = names.filter { name in
            !name.utf8.elementsEqual("all".utf8)
              && !known.contains { $0.builtinName.utf8.elementsEqual(name.utf8) }
          }
          if !unknown.isEmpty {
            throw PolicyProblems(
              unknown.map {
                PolicyProblem(
                  file: "",
                  message: "there is no built-in policy \"\($0)\"; there are "
                    + known.map(\.builtinName).joined(separator: ", "))
              })
          }
          return BuiltinPolicies.sources.filter { isNamed("all") || isNamed($0.builtinName) }
            + BuiltinPolicies.optional.filter { isNamed($0.builtinName) }
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
