import Kubernetes
import Rego

/// Which requests a policy is asked about: all conditions that are given must hold.
public struct PolicyMatch: Sendable, Hashable {
  /// A kind of object: `Pod`, or `Job.batch` where only that of one API group is meant.
  public struct Kind: Sendable, Hashable, CustomStringConvertible {
    public var name: RegoString
    /// Nil for the kind of this name in any group.
    public var group: RegoString?

    public init(_ name: RegoString, group: RegoString? = nil) {
      self.name = name
      self.group = group
    }

    public var description: String { group.map { "\(name).\($0)" } ?? name.string }
  }

  /// Nil for every kind.
  public var kinds: [Kind]?
  /// Nil for what ``Policy/operations`` says by default.
  public var operations: [AdmissionRequest.Operation]?
  /// Nil for every namespace; otherwise objects outside of namespaces are left out.
  public var namespaces: [NamePattern]?
  public var excludedNamespaces: [NamePattern] = []
  /// Holds where the object's labels match, or those that it had before.
  public var labels: LabelSelector?

  public init() {}

  /// Whether nothing but the names of kinds is asked for.
  var isByKindNameAlone: Bool {
    namespaces == nil && excludedNamespaces.isEmpty && labels == nil
      && (kinds ?? []).allSatisfy { $0.group == nil }
  }

  /// Whether a request that concerns a kind is one of these; operations are ``Policy/operations``' to judge.
  func matches(_ request: AdmissionRequest) -> Bool {
    if let kinds {
      let kind = request.kind
      guard kinds.contains(where: { $0.name == kind.kind && ($0.group == nil || $0.group == kind.group) })
      else { return false }
    }
    if namespaces != nil || !excludedNamespaces.isEmpty {
      let namespace = request.namespace
      let isNamespaced = namespace.utf8Count > 0
      if let namespaces {
        guard isNamespaced, namespaces.contains(where: { $0.matches(namespace) }) else { return false }
      }
      if isNamespaced, excludedNamespaces.contains(where: { $0.matches(namespace) }) { return false }
    }
    if let labels {
      // As the API server does for objectSelector: an update cannot slip out by changing labels.
      let isMatch =
        request.metadata.map { labels.matches($0.labels) } ?? false
        || request.oldMetadata.map { labels.matches($0.labels) } ?? false
      if !isMatch { return false }
    }
    return true
  }
}

extension PolicyMatch {
  static let keys = ["kinds", "operations", "namespaces", "excludedNamespaces", "labels"]

  /// Reads `match`; keys that are given take the place of those there are.
  mutating func override(with setting: SettingReader) throws(SettingError) {
    for (name, setting) in try setting.members(known: Self.keys) {
      switch name {
      case "kinds":
        var kinds: [Kind] = []
        for element in try setting.elements() { kinds.append(try Kind(element)) }
        self.kinds = kinds
      case "operations":
        var operations: [AdmissionRequest.Operation] = []
        for element in try setting.elements() {
          operations.append(try element.oneOf(AdmissionRequest.Operation.self))
        }
        self.operations = operations
      case "namespaces":
        namespaces = try setting.strings().map(NamePattern.init)
      case "excludedNamespaces":
        excludedNamespaces = try setting.strings().map(NamePattern.init)
      default:
        labels = try Self.selector(setting)
      }
    }
  }

  /// A LabelSelector, or a plain map of labels and values as `matchLabels` holds.
  private static func selector(_ setting: SettingReader) throws(SettingError) -> LabelSelector {
    let members = try setting.members()
    let isPlain = !members.contains {
      ($0.name == "matchLabels" || $0.name == "matchExpressions") && $0.setting.value.string == nil
    }
    do throws(SelectorError) {
      return try LabelSelector(isPlain ? ["matchLabels": setting.value] : setting.value)
    } catch {
      throw setting.error(error.description)
    }
  }
}

extension PolicyMatch.Kind {
  fileprivate init(_ setting: SettingReader) throws(SettingError) {
    let text = try setting.string()
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.first, !name.isEmpty, parts.count == 1 || !parts[1].isEmpty,
      !text.utf8.contains(UInt8(ascii: "/")), !text.utf8.contains(UInt8(ascii: "*"))
    else {
      throw setting.error(
        "must be a kind such as Pod, or a kind with its group such as Job.batch, but is \"\(text)\"")
    }
    self.init(RegoString(String(name)), group: parts.count == 1 ? nil : RegoString(String(parts[1])))
  }
}

/// A name in which `*` stands for any text.
public struct NamePattern: Sendable, Hashable, CustomStringConvertible {
  private let pieces: [[UInt8]]

  public init(_ pattern: String) {
    pieces = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(
      Array.init)
  }

  public func matches(_ name: RegoString) -> Bool {
    name.withUTF8 { bytes in
      var rest = bytes[...]
      guard let first = pieces.first, rest.starts(with: first) else { return false }
      if pieces.count == 1 { return rest.count == first.count }
      rest = rest.dropFirst(first.count)
      // The last piece must end the name; those between may come as early as they can.
      let last = pieces[pieces.count - 1]
      for piece in pieces.dropFirst().dropLast() {
        while !rest.starts(with: piece) {
          if rest.isEmpty { return false }
          rest = rest.dropFirst()
        }
        rest = rest.dropFirst(piece.count)
      }
      return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
  }

  public var description: String {
    pieces.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "*")
  }
}
