import Kubernetes
import Rego

/// A Constraint of Gatekeeper: a template's kind with parameters, and the objects it is about (Gatekeeper documentation, "Constraints").
public struct Constraint: Sendable {
  /// What a violation leads to at one place of enforcement.
  public struct ScopedAction: Sendable, Hashable {
    /// `deny`, `warn`, `dryrun`; others are for those who asked for them.
    public let action: String
    /// Such as `validation.gatekeeper.sh`; `*` is every place.
    public let points: [String]
  }

  public let kind: String
  public let name: String
  /// An empty object where the constraint has none.
  public let parameters: Value
  /// What violations lead to; `scoped` where that differs from place to place.
  public let enforcementAction: String
  /// Where it is `scoped`.
  public let scopedActions: [ScopedAction]
  let match: ConstraintMatch

  static let group = "constraints.gatekeeper.sh"

  /// Reads a constraint of a template.
  ///
  /// - Parameter file: how messages name it.
  /// - Throws: what is wrong, such as ``GatekeeperError/schema(_:)`` for its parameters.
  public init(_ object: Value, of template: ConstraintTemplate, file: String) throws(GatekeeperError) {
    guard let kind = object["kind"]?.string,
      (object["apiVersion"]?.string ?? "").utf8.starts(with: "\(Self.group)/".utf8)
    else { throw .notAConstraint(file) }
    guard kind.utf8.elementsEqual(template.kind.utf8) else {
      throw .constraint("no template for the kind \(kind): the template's is \(template.kind)")
    }
    guard let name = object["metadata"]?["name"]?.string, !name.isEmpty else {
      throw .constraint("the constraint has no name")
    }
    self.kind = kind
    self.name = name
    let spec = object["spec"] ?? .null
    guard spec == .null || spec.object != nil else { throw .constraint("spec must be an object") }
    var given = spec["parameters"] ?? .null
    if given != .null, let schema = template.schema {
      given = schema.completed(given)
      try schema.check(given)
    }
    parameters = given == .null ? .object(ObjectValue()) : given
    let match = spec["match"] ?? .null
    self.match = match == .null ? ConstraintMatch() : try ConstraintMatch(match)
    let action = spec["enforcementAction"] ?? .null
    if action != .null, action.string == nil { throw .constraint("spec.enforcementAction must be a string") }
    enforcementAction = action.string.flatMap { $0.isEmpty ? nil : $0 } ?? "deny"
    scopedActions =
      enforcementAction.utf8.elementsEqual("scoped".utf8)
      ? try Self.scopedActions(spec["scopedEnforcementActions"] ?? .null) : []
  }

  private static func scopedActions(_ value: Value) throws(GatekeeperError) -> [ScopedAction] {
    guard let elements = value.array, !elements.isEmpty else {
      throw .constraint(
        "spec.scopedEnforcementActions must be a list that is not empty where the action is scoped")
    }
    var actions: [ScopedAction] = []
    for element in elements {
      guard let action = element["action"]?.string, !action.isEmpty else {
        throw .constraint("spec.scopedEnforcementActions.action must be a string that is not empty")
      }
      let points = (element["enforcementPoints"]?.array ?? []).compactMap { $0["name"]?.string }
      actions.append(ScopedAction(action: action, points: points))
    }
    return actions
  }

  /// What violations lead to at a place of enforcement, such as `validation.gatekeeper.sh`: none, or several.
  public func actions(at point: String) -> [String] {
    guard enforcementAction.utf8.elementsEqual("scoped".utf8) else { return [enforcementAction] }
    let scoped = scopedActions.filter { action in
      action.points.contains { $0.utf8.elementsEqual("*".utf8) || $0.utf8.elementsEqual(point.utf8) }
    }
    var seen: Set<[UInt8]> = []
    return scoped.map(\.action).filter { seen.insert(Array($0.utf8)).inserted }
  }
}
