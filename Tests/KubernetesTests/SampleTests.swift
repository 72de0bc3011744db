import Foundation
import Rego
import Testing

@testable import Kubernetes

/// The samples and manifests that come with the project are what they say.
@Suite("Samples")
struct SampleTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("manifests").path

  @Test("the sample cluster reads without an error")
  func cluster() {
    let set = ManifestReader().read([Self.folder + "/samples/cluster"])
    #expect(set.errors.isEmpty)
    let counts = Dictionary(grouping: set.manifests, by: \.kind.kind.string).mapValues(\.count)
    #expect(counts["Namespace"] == 4)
    #expect(counts["NetworkPolicy"] == 6)
    #expect(set.manifests.allSatisfy { $0.kind.kind == "Namespace" || $0.metadata.namespace != "default" })
    let names = set.manifests.map(\.reference)
    #expect(Set(names).count == names.count)
  }

  @Test("the sample cluster's policies select the workloads that its comments say")
  func covered() throws {
    let set = ManifestReader().read([Self.folder + "/samples/cluster"])
    var uncovered: [String] = []
    for workload in set.manifests where KindTable.builtin[workload.kind]?.isWorkload == true {
      let labels = try PodTemplate(of: workload.object).metadata["labels"]
      let isSelected = try set.manifests.contains { policy in
        guard policy.kind.kind == "NetworkPolicy", policy.metadata.namespace == workload.metadata.namespace,
          let selector = policy.object["spec"]?["podSelector"]
        else { return false }
        return try LabelSelector(selector).matches(labels)
      }
      if !isSelected { uncovered.append(workload.reference.description) }
    }
    #expect(uncovered.sorted() == ["DaemonSet monitoring/node-exporter", "Deployment legacy/catalog"])
  }

  @Test("the base and its overlays read without an error")
  func base() {
    let base = ManifestReader().read([Self.folder + "/base"])
    #expect(base.errors.isEmpty)
    #expect(
      Set(base.manifests.map(\.kind.kind)) == [
        "Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
        "ConfigMap",
        "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "ValidatingWebhookConfiguration",
      ])
    #expect(base.manifests.allSatisfy { $0.metadata.namespace ?? "portcullis" == "portcullis" })
    // Their patches kubectl alone reads.
    let overlays = ManifestReader().read(
      ["warn", "deny", "connections"].map { "\(Self.folder)/overlays/\($0)/configmap.yaml" })
    #expect(overlays.errors.isEmpty)
    #expect(
      overlays.manifests.map(\.reference.description) == [
        "ConfigMap portcullis/portcullis", "ConfigMap portcullis/portcullis",
        "ConfigMap portcullis/portcullis",
      ])
  }

  @Test(
    "what is refused where nobody answers is registered kind by kind, and neither for the system's namespaces nor for Portcullis's own"
  )
  func webhook() throws {
    let set = ManifestReader().read([Self.folder + "/base/validatingwebhookconfiguration.yaml"])
    let configuration = try #require(set.manifests.first?.object)
    let webhooks = try #require(configuration["webhooks"]?.array)
    #expect(
      webhooks.compactMap { $0["name"]?.string }
        == [
          "networkpolicies", "workloads", "namespaces", "labels", "policies", "templates",
        ].map { $0 + ".portcullis.dev" })
    let annotation = configuration["metadata"]?["annotations"]?["portcullis.dev/fail-closed"]?.string ?? ""
    let failClosed = Set(annotation.split(separator: ",").map(String.init))
    #expect(
      failClosed == [
        "networkpolicies.portcullis.dev", "workloads.portcullis.dev", "namespaces.portcullis.dev",
      ])
    for webhook in webhooks {
      // An install that has no replica yet blocks nobody.
      #expect(webhook["failurePolicy"] == "Ignore")
      #expect(webhook["clientConfig"]?["caBundle"] == nil)
      #expect(webhook["sideEffects"] == "None")
      #expect(webhook["timeoutSeconds"] == 3 || webhook["timeoutSeconds"] == 1)
      guard failClosed.contains(webhook["name"]?.string ?? "") else { continue }
      let rules = try #require(webhook["rules"]?.array)
      for rule in rules {
        #expect(!rule.json.contains("*"))
        #expect(rule["operations"] == ["CREATE", "UPDATE"], "what deletes is in nobody's way")
      }
      let selector = try LabelSelector(#require(webhook["namespaceSelector"]))
      for namespace in ["kube-system", "kube-public", "kube-node-lease", "portcullis", "shop"] {
        let labels = ObjectValue([("kubernetes.io/metadata.name", .string(namespace))])
        #expect(selector.matches(labels) == (namespace == "shop"))
      }
    }
  }

  @Test("the sample reviews are AdmissionReviews of the current state of the sample cluster")
  func reviews() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder + "/samples/reviews").sorted()
    #expect(names.count == 8)
    for name in names {
      let text = try String(contentsOfFile: "\(Self.folder)/samples/reviews/\(name)", encoding: .utf8)
      let request = try AdmissionRequest(review: JSONReader.value(text))
      #expect((request.version == .v1beta1) == name.contains("v1beta1"), "\(name)")
      #expect(name.hasPrefix(request.kind.kind.string.lowercased()), "\(name)")
      if let object = request.object, request.kind.kind == "NetworkPolicy" {
        #expect(try ManifestNormalizer().normalize(object)["spec"] == object["spec"], "\(name)")
      }
    }
  }
}
