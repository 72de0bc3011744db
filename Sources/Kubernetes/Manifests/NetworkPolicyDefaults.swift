import Rego

/// The defaults of a NetworkPolicy (Kubernetes API reference, NetworkPolicySpec).
enum NetworkPolicyDefaults {
  static func set(in policy: inout Fields) throws(FieldError) {
    try policy.changeOrMake(FieldName.spec) { spec throws(FieldError) in
      try spec.changeOrMake("podSelector", normalize(selector:))
      try spec.changeEach("ingress") { rule throws(FieldError) in try normalize(rule: &rule, peers: "from") }
      try spec.changeEach("egress") { rule throws(FieldError) in try normalize(rule: &rule, peers: "to") }
      spec.dropEmpty("ingress", "egress", "policyTypes")
      // A policy isolates ingress unless it says otherwise, and egress only where it has rules for it.
      spec.setDefault("policyTypes", spec["egress"] == nil ? ["Ingress"] : ["Ingress", "Egress"])
    }
  }

  private static func normalize(rule: inout Fields, peers: RegoString) throws(FieldError) {
    try rule.changeEach("ports") { port in port.setDefault("protocol", "TCP") }
    try rule.changeEach(peers) { peer throws(FieldError) in
      // An empty selector is not an absent one: it selects everything.
      try peer.change("podSelector", normalize(selector:))
      try peer.change("namespaceSelector", normalize(selector:))
      try peer.change("ipBlock") { block in block.dropEmpty("except") }
    }
    rule.dropEmpty("ports", peers)
  }

  static func normalize(selector: inout Fields) throws(FieldError) {
    try selector.changeEach("matchExpressions") { expression in expression.dropEmpty("values") }
    selector.dropEmpty("matchLabels", "matchExpressions")
  }
}
