import Connectivity
import Kubernetes
import Rego

/// The model of manifests in a text.
func model(_ text: String, enforcedKinds: Set<RegoString>? = nil) -> ManifestModel {
  ManifestModel(ManifestReader().read(Array(text.utf8), file: "test.yaml"), enforcedKinds: enforcedKinds)
}

extension ManifestModel {
  /// The list without what is outside.
  var inside: [String] { analysis.connections().lines.filter { !$0.contains("[External]") } }

  var outside: [String] { analysis.connections().lines.filter { $0.contains("[External]") } }
}

/// Two pods in a namespace, `a` and `b`, with their names as labels and addresses 10.0.0.1 and 10.0.0.2.
let twoPods = """
  apiVersion: v1
  kind: Namespace
  metadata: {name: ns, labels: {env: test}}
  ---
  apiVersion: v1
  kind: Pod
  metadata: {name: a, namespace: ns, labels: {app: a}}
  spec: {containers: [{name: c, image: i}]}
  status: {podIP: 10.0.0.1}
  ---
  apiVersion: v1
  kind: Pod
  metadata: {name: b, namespace: ns, labels: {app: b}}
  spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}
  status: {podIPs: [{ip: 10.0.0.2}, {ip: "fd00::2"}]}

  """

/// A policy of `policy.networking.k8s.io` for all pods.
func adminPolicy(
  _ kind: String = "AdminNetworkPolicy", name: String = "p", priority: Int? = 5, tier: String? = nil,
  rules: String
) -> String {
  let version = kind == "ClusterNetworkPolicy" ? "v1alpha2" : "v1alpha1"
  return """
    ---
    apiVersion: policy.networking.k8s.io/\(version)
    kind: \(kind)
    metadata: {name: \(name)}
    spec:
      \(priority.map { "priority: \($0)" } ?? "")
      \(tier.map { "tier: \($0)" } ?? "")
      subject: {namespaces: {}}
      \(rules)

    """
}
