import Rego

/// Checks that `deny`, `violation` and `warn` are what they must be: partial sets of messages, or of objects with `msg`.
enum RuleShape {
  /// The rules of these names that a package defines.
  static func rules(of modules: [Module], problems: inout [PolicyProblem]) -> [Policy.Rule] {
    var found: [Policy.Rule] = []
    for name in Policy.Rule.allCases {
      let definitions = modules.flatMap(\.rules).filter { rule in
        guard case .variable(let variable)? = rule.head.reference.first?.kind else { return false }
        return variable.utf8.elementsEqual(name.rawValue.utf8)
      }
      if !definitions.isEmpty { found.append(name) }
      for rule in definitions {
        if let complaint = complaint(about: rule, name.rawValue) {
          problems.append(PolicyProblem(rule.head.location, complaint))
        }
      }
    }
    return found
  }

  private static func complaint(about rule: Rule, _ name: String) -> String? {
    let head = rule.head
    let wanted = "\(name) must be a set of messages, or of objects with msg: \(name) contains msg if ..."
    if head.arguments != nil { return "\(wanted); this is a function" }
    if rule.isDefault { return "\(wanted); a set has no default" }
    if head.reference.count > 1 {
      return "\(wanted); in Rego v1 \(name)[msg] if ... defines an object, which holds under keys"
    }
    guard let key = head.key else { return "\(wanted); this defines a single value" }
    switch key.kind {
    case .string, .variable, .reference, .call, .template: return nil
    case .object(let pairs):
      guard let message = pairs.first(where: { if case .string("msg") = $0.key.kind { true } else { false } })
      else {
        return "\(wanted); this object has no msg"
      }
      switch message.value.kind {
      case .string, .variable, .reference, .call, .template: return nil
      default: return "\(wanted); the msg of this object is no string"
      }
    default: return "\(wanted); this is neither"
    }
  }
}
