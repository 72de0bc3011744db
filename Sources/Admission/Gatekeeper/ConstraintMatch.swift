import Kubernetes
import Rego

/// Which objects a Constraint is about (Gatekeeper documentation, "Constraints", "The match field"). Each part that is given must match.
struct ConstraintMatch: Sendable {
  /// Where an object comes from: a request, or the expansion of one that makes others.
  enum Source: String, Sendable {
    case original = "Original"
    case generated = "Generated"
  }

  private struct Kinds {
    var groups: [RegoString]
    var kinds: [RegoString]
  }

  private var kinds: [Kinds] = []
  private var scope: String?
  private var namespaces: [NameGlob] = []
  private var excludedNamespaces: [NameGlob] = []
  private var name: NameGlob?
  private var labelSelector: LabelSelector?
  private var namespaceSelector: LabelSelector?
  private var source: String?

  /// Matches everything.
  init() {}

  /// - Throws: ``GatekeeperError/constraint(_:)`` where it is not well-formed.
  init(_ value: Value) throws(GatekeeperError) {
    guard let object = value.object else { throw .constraint("spec.match must be an object") }
    for (key, member) in object where member != .null {
      switch key.string {
      case "kinds": kinds = try Self.kinds(member)
      case "scope": scope = try Self.text(member, "scope")
      case "namespaces": namespaces = try Self.texts(member, "namespaces").map(NameGlob.init)
      case "excludedNamespaces":
        excludedNamespaces = try Self.texts(member, "excludedNamespaces").map(NameGlob.init)
      case "name":
        let text = try Self.text(member, "name")
        name = text.isEmpty ? nil : NameGlob(text)
      case "labelSelector": labelSelector = try Self.selector(member, "labelSelector")
      case "namespaceSelector": namespaceSelector = try Self.selector(member, "namespaceSelector")
      case "source":
        source = try Self.text(member, "source")
        if let source,
          !["", "All", "Original", "Generated"].contains(where: { $0.utf8.elementsEqual(source.utf8) })
        {
          throw .constraint("spec.match.source must be All, Original or Generated, but is \(source)")
        }
      // The API server would have dropped what the constraint's CRD does not know.
      default: continue
      }
    }
  }

  // MARK: Reading

  private static func text(_ value: Value, _ name: String) throws(GatekeeperError) -> String {
    guard let text = value.string else { throw .constraint("spec.match.\(name) must be a string") }
    return text
  }

  private static func texts(_ value: Value, _ name: String) throws(GatekeeperError) -> [String] {
    guard let elements = value.array else {
      throw .constraint("spec.match.\(name) must be a list of strings")
    }
    var texts: [String] = []
    for element in elements { texts.append(try text(element, name)) }
    return texts
  }

  private static func kinds(_ value: Value) throws(GatekeeperError) -> [Kinds] {
    guard let elements = value.array else { throw .constraint("spec.match.kinds must be a list") }
    var kinds: [Kinds] = []
    for element in elements {
      func list(_ name: String) throws(GatekeeperError) -> [RegoString] {
        guard let value = element[name], value != .null else { return [] }
        return try texts(value, "kinds.\(name)").map { RegoString($0) }
      }
      kinds.append(Kinds(groups: try list("apiGroups"), kinds: try list("kinds")))
    }
    return kinds
  }

  private static func selector(_ value: Value, _ name: String) throws(GatekeeperError) -> LabelSelector {
    do throws(SelectorError) {
      return try LabelSelector(value)
    } catch {
      throw .constraint("spec.match.\(name): \(error)")
    }
  }

  // MARK: Matching

  /// Whether an object matches.
  ///
  /// - Parameter namespace: the Namespace that holds it, where it is known.
  /// - Throws: ``GatekeeperError/review(_:)`` where that depends on a Namespace that is not known.
  func matches(
    _ object: ReviewedObject, namespace: ReviewedObject?, source: Source
  ) throws(GatekeeperError) -> Bool {
    guard matchesSource(source), matchesKind(object), matchesScope(object, namespace),
      matchesNamespace(object, namespace), matchesLabels(object)
    else { return false }
    guard try matchesNamespaceLabels(object, namespace) else { return false }
    return name.map { $0.matches(object.name) || $0.matchesGenerated(object.generateName) } ?? true
  }

  /// The kinds outside of which nothing matches; nil where anything might.
  var kindNames: Set<RegoString>? {
    var names: Set<RegoString> = []
    for kinds in kinds {
      if kinds.kinds.isEmpty || kinds.kinds.contains("*") { return nil }
      names.formUnion(kinds.kinds)
    }
    return kinds.isEmpty ? nil : names
  }

  /// Whether the labels of namespaces matter.
  var readsNamespaces: Bool { namespaceSelector != nil }

  private func matchesSource(_ actual: Source) -> Bool {
    guard let source, !source.isEmpty, !source.utf8.elementsEqual("All".utf8) else { return true }
    return source.utf8.elementsEqual(actual.rawValue.utf8)
  }

  private static let anything: RegoString = "*"

  private func matchesKind(_ object: ReviewedObject) -> Bool {
    if kinds.isEmpty { return true }
    func holds(_ list: [RegoString], _ text: RegoString) -> Bool {
      list.isEmpty || list.contains { $0 == text || $0 == Self.anything }
    }
    return kinds.contains { holds($0.kinds, object.kind) && holds($0.groups, object.group) }
  }

  /// Any other scope than these is none: every object matches.
  private func matchesScope(_ object: ReviewedObject, _ namespace: ReviewedObject?) -> Bool {
    let hasNamespace = object.namespace.utf8Count > 0 || namespace != nil
    switch scope {
    case "Cluster": return object.isNamespace || !hasNamespace
    case "Namespaced": return !object.isNamespace && hasNamespace
    default: return true
    }
  }

  private func matchesNamespace(_ object: ReviewedObject, _ namespace: ReviewedObject?) -> Bool {
    if namespaces.isEmpty && excludedNamespaces.isEmpty { return true }
    let name: RegoString
    if object.isNamespace {
      name = object.name
    } else if let namespace {
      name = namespace.name
    } else if object.namespace.utf8Count > 0 {
      name = object.namespace
    } else {
      // What lies in no namespace cannot lie in the wrong one.
      return true
    }
    func isAmong(_ globs: [NameGlob]) -> Bool {
      globs.contains { glob in
        glob.matches(name) || object.isNamespace && glob.matchesGenerated(object.generateName)
      }
    }
    return (namespaces.isEmpty || isAmong(namespaces)) && !isAmong(excludedNamespaces)
  }

  private func matchesLabels(_ object: ReviewedObject) -> Bool {
    labelSelector?.matches(object.labels) ?? true
  }

  private func matchesNamespaceLabels(
    _ object: ReviewedObject, _ namespace: ReviewedObject?
  ) throws(GatekeeperError) -> Bool {
    guard let namespaceSelector else { return true }
    // A Namespace is matched by its own labels; what lies in none matches.
    if object.isNamespace { return namespaceSelector.matches(object.labels) }
    guard let namespace else {
      if object.namespace.utf8Count == 0 { return true }
      throw .review(
        "failed to run Match criteria: namespace selector for namespace-scoped object but missing Namespace")
    }
    return namespaceSelector.matches(namespace.labels)
  }
}

/// A name, or a part of one with `*` at its beginning or end.
struct NameGlob: Sendable {
  private let text: [UInt8]
  private let isOpenAtStart: Bool
  private let isOpenAtEnd: Bool

  init(_ pattern: String) {
    var text = Array(pattern.utf8)
    isOpenAtStart = text.first == UInt8(ascii: "*")
    if isOpenAtStart { text.removeFirst() }
    isOpenAtEnd = text.last == UInt8(ascii: "*") || isOpenAtStart && text.isEmpty
    if text.last == UInt8(ascii: "*") { text.removeLast() }
    self.text = text
  }

  func matches(_ name: RegoString) -> Bool {
    name.withUTF8 { name in
      switch (isOpenAtStart, isOpenAtEnd) {
      case (true, true): text.isEmpty || name.indices.contains { name[$0...].starts(with: text) }
      case (true, false): name.count >= text.count && name.suffix(text.count).elementsEqual(text)
      case (false, true): name.starts(with: text)
      case (false, false): name.elementsEqual(text)
      }
    }
  }

  /// Whether every name that begins with `generateName` matches.
  func matchesGenerated(_ generateName: RegoString) -> Bool {
    generateName.utf8Count > 0 && isOpenAtEnd && matches(generateName)
  }
}
