import Kubernetes
import Rego

/// A place at which constraints are enforced, and may differ in what violations lead to (Gatekeeper documentation,
/// "Enforcement points").
public enum EnforcementPoint: String, Sendable, Hashable, CaseIterable {
  /// Admission.
  case webhook = "validation.gatekeeper.sh"
  /// The scan of what exists.
  case audit = "audit.gatekeeper.sh"
  /// The command line.
  case gator = "gator.gatekeeper.sh"
}

/// A constraint with its template.
public struct CompiledConstraint: Sendable {
  /// `KIND/NAME`: how messages and metrics call it.
  public let name: String
  public let constraint: Constraint
  public let template: ConstraintTemplate

  public init(_ constraint: Constraint, of template: ConstraintTemplate) {
    name = "\(constraint.kind)/\(constraint.name)"
    self.constraint = constraint
    self.template = template
  }

  /// What violations lead to at a place; empty where it is not enforced there.
  public func enforcement(at point: EnforcementPoint) -> [Enforcement] {
    constraint.actions(at: point.rawValue).reduce(into: []) { found, action in
      // What is neither deny nor warn stops nothing (Gatekeeper documentation, "Handling Constraint Violations").
      let enforcement = Enforcement.allCases.first { $0.rawValue.utf8.elementsEqual(action.utf8) } ?? .dryrun
      if !found.contains(enforcement) { found.append(enforcement) }
    }
  }
}

/// The constraints that are enforced at one place, found quickly by the kind of a request: those of other kinds cost nothing.
public struct ConstraintSet: Sendable {
  struct Entry: Sendable {
    let compiled: CompiledConstraint
    let enforcement: [Enforcement]
  }

  let entries: [Entry]
  private let byKind: [RegoString: [Int]]
  private let forAnyKind: [Int]

  /// The set of no constraints.
  public static let empty = ConstraintSet([], at: .webhook)

  /// - Parameter constraints: in the order in which they are evaluated.
  public init(_ constraints: [CompiledConstraint], at point: EnforcementPoint) {
    self.init(
      entries: constraints.compactMap { constraint in
        let enforcement = constraint.enforcement(at: point)
        return enforcement.isEmpty ? nil : Entry(compiled: constraint, enforcement: enforcement)
      })
  }

  private init(entries: [Entry]) {
    self.entries = entries
    let kinds = entries.map(\.compiled.constraint.match.kindNames)
    var forAnyKind: [Int] = []
    var byKind: [RegoString: [Int]] = [:]
    for (index, names) in kinds.enumerated() {
      guard let names else {
        forAnyKind.append(index)
        continue
      }
      for name in names { byKind[name, default: []].append(index) }
    }
    if !forAnyKind.isEmpty { byKind = byKind.mapValues { ($0 + forAnyKind).sorted() } }
    self.byKind = byKind
    self.forAnyKind = forAnyKind
  }

  /// The set without the constraints of some templates.
  func without(templates: Set<String>) -> ConstraintSet {
    ConstraintSet(entries: entries.filter { !templates.contains($0.compiled.template.name) })
  }

  /// The templates of the constraints, each once.
  var templates: [ConstraintTemplate] {
    var seen: Set<String> = []
    return entries.map(\.compiled.template).filter { seen.insert($0.name).inserted }
  }

  public var isEmpty: Bool { entries.isEmpty }
  public var count: Int { entries.count }

  /// The kinds that constraints name.
  var kinds: some Sequence<RegoString> { byKind.keys }

  /// The places of the constraints that may concern a kind.
  func candidates(forKind kind: RegoString) -> [Int] { byKind[kind] ?? forAnyKind }

  /// Whether the labels of namespaces matter to some constraint.
  public var readsNamespaces: Bool { entries.contains { $0.compiled.constraint.match.readsNamespaces } }

  /// Whether some template reads `data.inventory`.
  public var readsInventory: Bool { entries.contains { $0.compiled.template.readsInventory } }

  /// The same set once more, for a thread of its own (see `Program.replica()`).
  func replica() -> ConstraintSet {
    var templates: [String: ConstraintTemplate] = [:]
    return ConstraintSet(
      entries: entries.map { entry in
        let template = templates[entry.compiled.template.kind] ?? entry.compiled.template.replica()
        templates[template.kind] = template
        return Entry(
          compiled: CompiledConstraint(entry.compiled.constraint, of: template),
          enforcement: entry.enforcement)
      })
  }
}

// MARK: - What is read of a request

extension ConstraintSet {
  private static let review: RegoString = "review"
  private static let request: RegoString = "request"
  private static let object: RegoString = "object"
  private static let oldObject: RegoString = "oldObject"
  private static let operation: RegoString = "operation"
  private static let kind: RegoString = "kind"

  /// What matching reads of a review besides what every request needs.
  private static let matchShape = AdmissionRequest.labelShape

  /// What the constraints that may concern a kind read of an AdmissionReview.
  ///
  /// - Parameters:
  ///   - kind: nil for kinds that no constraint names.
  ///   - operation: nil for any.
  func shape(forKind kind: RegoString?, _ operation: AdmissionRequest.Operation?) -> PathShape {
    let candidates = kind.map(candidates) ?? forAnyKind
    if candidates.isEmpty { return .none }
    var seen: Set<String> = []
    return candidates.reduce(Self.matchShape) { shape, index in
      // Constraints of one template read the same.
      let template = entries[index].compiled.template
      guard seen.insert(template.kind).inserted else { return shape }
      return shape.union(Self.shape(of: template, kind: kind, operation))
    }
  }

  /// What all constraints together read of an AdmissionReview.
  var shape: PathShape {
    var seen: Set<String> = []
    return entries.reduce(entries.isEmpty ? .none : Self.matchShape) { shape, entry in
      let template = entry.compiled.template
      guard seen.insert(template.kind).inserted else { return shape }
      return shape.union(Self.shape(of: template, kind: nil, nil))
    }
  }

  /// `input.review` is the AdmissionReview's `request`, in which oldObject stands in for the object on DELETE.
  private static func shape(
    of template: ConstraintTemplate, kind: RegoString?, _ operation: AdmissionRequest.Operation?
  ) -> PathShape {
    var known: [InputPath.Scalar: Value] = [:]
    if let operation { known[.input([review, Self.operation])] = .string(operation.rawValue) }
    if let kind { known[.input([review, Self.kind, Self.kind])] = .string(kind) }
    var read = template.program.inputShape(of: [template.violation], given: known)[review]
    if operation == .delete || operation == nil {
      read = read.union(.members([(oldObject, read[object])]))
    }
    return .members([(request, read)])
  }
}
