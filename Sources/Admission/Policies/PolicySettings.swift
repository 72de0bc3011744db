import Kubernetes
import Rego

/// What a policy's violations do.
public enum Enforcement: String, Sendable, Hashable, CaseIterable {
  /// The request is refused.
  case deny
  /// The request passes with a warning.
  case warn
  /// Logged and counted, with no effect.
  case dryrun
}

/// How grave a policy's violations are; reported, without effect on decisions.
public enum Severity: String, Sendable, Hashable, CaseIterable {
  case low
  case medium
  case high
  case critical
}

/// What becomes of a request when the policy itself fails.
public enum FailureAction: String, Sendable, Hashable, CaseIterable {
  case deny
  case allow
}

/// What a policy says of itself in the `# METADATA` before its package (OPA documentation, "Annotations"), with what the
/// configuration file overrides.
public struct PolicySettings: Sendable, Hashable {
  public var title = ""
  public var summary = ""
  public var enforcement = Enforcement.deny
  public var severity: Severity?
  public var match = PolicyMatch()
  public var onError = FailureAction.deny
  /// Whether an error of a builtin is a failure, rather than making its expression undefined.
  public var strictBuiltinErrors = false
  /// Whether the policy is left out where there is no source of inventory.
  public var requiresInventory = false
  /// Kinds for want of whose objects the policy denies: where the inventory follows a cluster, which makes it a moment old, they are
  /// read from the cluster itself, in the request's namespace, before a denial counts.
  public var confirm: [GroupVersionKind] = []
  public var parameters: [PolicyParameter] = []

  public init() {}
}

extension PolicySettings {
  private enum InventoryNeed: String, CaseIterable {
    case optional
    case required
  }

  /// Reads the annotations of a package.
  init(annotations: Value) throws(SettingError) {
    let reader = SettingReader(annotations)
    for (name, setting) in try reader.members() {
      switch name {
      case "title": title = try setting.string()
      case "description": summary = try setting.string()
      case "custom": try read(custom: setting)
      default: break
      }
    }
  }

  /// `custom` is everyone's: what is not known here belongs to someone else.
  private mutating func read(custom: SettingReader) throws(SettingError) {
    for (name, setting) in try custom.members() {
      switch name {
      case "enforcement": enforcement = try setting.oneOf(Enforcement.self)
      case "severity": severity = try setting.oneOf(Severity.self)
      case "match": try match.override(with: setting)
      case "onError": onError = try setting.oneOf(FailureAction.self)
      case "strictBuiltinErrors": strictBuiltinErrors = try setting.boolean()
      case "inventory": requiresInventory = try setting.oneOf(InventoryNeed.self) == .required
      case "confirm": confirm = try Self.kinds(setting)
      case "parameters":
        for (name, setting) in try setting.members() {
          parameters.append(try PolicyParameter(name: name, setting))
        }
      default: break
      }
    }
  }

  /// Kinds as `apiVersion` and kind, such as `networking.k8s.io/v1/NetworkPolicy`.
  private static func kinds(_ setting: SettingReader) throws(SettingError) -> [GroupVersionKind] {
    var kinds: [GroupVersionKind] = []
    for text in try setting.stringOrStrings() {
      let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) ?? text.startIndex
      let kind = GroupVersionKind(
        apiVersion: RegoString(String(text[..<slash])), kind: RegoString(String(text[slash...].dropFirst())))
      guard let kind, KindTable.builtin[kind]?.isNamespaced == true else {
        throw setting.error(
          "must name kinds that are in namespaces, such as networking.k8s.io/v1/NetworkPolicy, but names \"\(text)\""
        )
      }
      kinds.append(kind)
    }
    return kinds
  }

  static let overrideKeys = ["enforcement", "parameters", "match"]

  /// Takes what the configuration file says of the policy.
  mutating func override(with setting: SettingReader) throws(SettingError) {
    for (name, setting) in try setting.members(known: Self.overrideKeys) {
      switch name {
      case "enforcement": enforcement = try setting.oneOf(Enforcement.self)
      case "match": try match.override(with: setting)
      default:
        let names = parameters.map(\.name)
        for (name, setting) in try setting.members(known: names) {
          for index in parameters.indices where parameters[index].name.utf8.elementsEqual(name.utf8) {
            try parameters[index].type.check(setting)
            parameters[index].value = setting.value
          }
        }
      }
    }
  }

  /// `data.parameters.NAME`.
  var parameterObject: Value {
    .object(
      ObjectValue(
        parameters.compactMap { parameter in parameter.value.map { (.string(parameter.name), $0) } }))
  }
}
