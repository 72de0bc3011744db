import Rego

/// The defaults of a NetworkPolicy (Kubernetes API reference, NetworkPolicySpec).
enum NetworkPolicyDefaults {
  private enum Name {
    static let egress: RegoString = "egress"
    static let from: RegoString = "from"
    static let ingress: RegoString = "ingress"
    static let ipBlock: RegoString = "ipBlock"
    static let matchExpressions: RegoString = "matchExpressions"
    static let namespaceSelector: RegoString = "namespaceSelector"
    static let podSelector: RegoString = "podSelector"
    static let policyTypes: RegoString = "policyTypes"
    static let ports: RegoString = "ports"
    static let to: RegoString = "to"
  }

  private static let omittedWhenEmpty: [RegoString] = ["ingress", "egress", "policyTypes"]
  private static let omittedFromRule: [RegoString] = ["ports", "from", "to"]
  private static let omittedFromBlock: [RegoString] = ["except"]
  private static let omittedFromSelector: [RegoString] = ["matchLabels", "matchExpressions"]
  private static let omittedFromExpression: [RegoString] = ["values"]
  private static let portDefaults: [(RegoString, Value)] = [("protocol", "TCP")]
  private static let ingressAlone: Value = ["Ingress"]
  private static let both: Value = ["Ingress", "Egress"]

  static func set(in policy: inout Fields) throws(FieldError) {
    try policy.changeOrMake(FieldName.spec) { spec throws(FieldError) in
      try spec.changeOrMake(Name.podSelector, normalize(selector:))
      try spec.changeEach(Name.ingress) { rule throws(FieldError) in
        try normalize(rule: &rule, peers: Name.from)
      }
      try spec.changeEach(Name.egress) { rule throws(FieldError) in try normalize(rule: &rule, peers: Name.to)
      }
      spec.dropEmpty(omittedWhenEmpty)
      // A policy isolates ingress unless it says otherwise, and egress only where it has rules for it.
      let types = spec[Name.egress] == nil ? ingressAlone : both
      spec.setDefault(Name.policyTypes, types)
    }
  }

  private static func normalize(rule: inout Fields, peers: RegoString) throws(FieldError) {
    try rule.changeEach(Name.ports) { port in port.setDefaults(portDefaults) }
    try rule.changeEach(peers) { peer throws(FieldError) in
      // An empty selector is not an absent one: it selects everything.
      try peer.change(Name.podSelector, normalize(selector:))
      try peer.change(Name.namespaceSelector, normalize(selector:))
      try peer.change(Name.ipBlock) { block in block.dropEmpty(omittedFromBlock) }
    }
    rule.dropEmpty(omittedFromRule)
  }

  static func normalize(selector: inout Fields) throws(FieldError) {
    try selector.changeEach(Name.matchExpressions) { expression in expression.dropEmpty(omittedFromExpression)
    }
    selector.dropEmpty(omittedFromSelector)
  }
}
