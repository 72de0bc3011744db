/// What is wrong with a ConstraintTemplate, a Constraint or a request for them, in Gatekeeper's words where it has some.
public enum GatekeeperError: Error, Sendable, Hashable, CustomStringConvertible {
  case notATemplate(String)
  case notAConstraint(String)
  /// The template cannot be used.
  case template(String)
  /// The constraint cannot be used.
  case constraint(String)
  /// The constraint's parameters are not those of the template's schema.
  case schema(String)
  /// The request cannot be reviewed.
  case review(String)

  public var description: String {
    switch self {
    case .notATemplate(let what): "not a ConstraintTemplate: \(what)"
    case .notAConstraint(let what): "not a Constraint: \(what)"
    case .template(let problem): "adding template: \(problem)"
    case .constraint(let problem): "adding constraint: \(problem)"
    case .schema(let problem): "adding constraint: schema error: \(problem)"
    case .review(let problem): problem
    }
  }

  /// Whether parameters break the template's schema.
  public var isOfSchema: Bool { if case .schema = self { true } else { false } }
}
