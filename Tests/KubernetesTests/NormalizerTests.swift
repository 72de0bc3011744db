import Rego
import Testing

@testable import Kubernetes

@Suite("Manifests normalised")
struct NormalizerTests {
  static func normalized(_ object: Value) throws -> Value {
    try ManifestNormalizer(namespace: "shop").normalize(object)
  }

  /// The spec of a NetworkPolicy written with this spec.
  static func policy(_ spec: Value?) throws -> Value? {
    var policy: [(Value, Value)] = [
      ("apiVersion", "networking.k8s.io/v1"), ("kind", "NetworkPolicy"), ("metadata", ["name": "p"]),
    ]
    if let spec { policy.append(("spec", spec)) }
    return try normalized(.object(ObjectValue(policy)))["spec"]
  }

  @Test(
    "a NetworkPolicy is what a real API server made of it",
    .enabled(if: SharedReviews.exist, SharedReviews.comment))
  func capturedPolicies() throws {
    var count = 0
    // An update changes the object and leaves the annotation, so only creations are pairs.
    for (name, written, stored) in try SharedReviews.pairs() where name.contains("create-networkpolicies") {
      #expect(try Self.normalized(written)["spec"] == stored["spec"], "\(name)")
      #expect(try Self.normalized(stored)["spec"] == stored["spec"], "\(name), once more")
      count += 1
    }
    #expect(count == 3)
  }

  @Test(
    "a workload is what a real API server made of it",
    .enabled(if: SharedReviews.exist, SharedReviews.comment))
  func capturedWorkloads() throws {
    var count = 0
    for (name, written, stored) in try SharedReviews.pairs() where name.contains("create") {
      guard let kind = GroupVersionKind(apiVersion: "v1", kind: RegoString(written["kind"]?.string ?? "")),
        kind.kind != "NetworkPolicy", kind.kind != "Secret"
      else { continue }
      let normalized = try Self.normalized(written)
      #expect(
        Self.comparable(normalized["spec"] ?? .null) == Self.comparable(stored["spec"] ?? .null), "\(name)")
      #expect(try Self.normalized(normalized) == normalized, "\(name), once more")
      if kind.kind == "ReplicationController" {
        #expect(normalized["metadata"]?["labels"] == stored["metadata"]?["labels"])
      }
      count += 1
    }
    #expect(count == 9)
  }

  /// Without what the captured version (1.20, without the admission plugin ServiceAccount) did not set yet, and what only a
  /// cluster can.
  static func comparable(_ value: Value) -> Value {
    let names: Set<RegoString> = [
      "creationTimestamp", "persistentVolumeClaimRetentionPolicy", "maxSurge", "completionMode", "suspend",
      "clusterIP",
      "clusterIPs", "internalTrafficPolicy", "controller-uid", "batch.kubernetes.io/job-name",
      "serviceAccount",
      "serviceAccountName",
    ]
    switch value {
    case .object(let object):
      var members: [(Value, Value)] = []
      for (key, member) in object {
        if case .string(let name) = key, names.contains(name), name != "maxSurge" || member.int != nil {
          continue
        }
        if key == "selector", member["matchLabels"]?["controller-uid"] != nil { continue }
        members.append((key, comparable(member)))
      }
      return .object(ObjectValue(members))
    case .array(let elements): return .array(elements.map(comparable))
    default: return value
    }
  }

  @Test(
    "defaults and empty fields of a NetworkPolicy",
    arguments: [
      (nil, ["podSelector": [:], "policyTypes": ["Ingress"]]),
      ([:], ["podSelector": [:], "policyTypes": ["Ingress"]]),
      (["podSelector": .null, "policyTypes": .null], ["podSelector": [:], "policyTypes": ["Ingress"]]),
      (["podSelector": [:], "ingress": [], "egress": []], ["podSelector": [:], "policyTypes": ["Ingress"]]),
      (
        ["policyTypes": [], "egress": [[:]]],
        ["podSelector": [:], "egress": [[:]], "policyTypes": ["Ingress", "Egress"]]
      ),
      (
        ["policyTypes": ["Egress"], "ingress": [[:]]],
        ["podSelector": [:], "ingress": [[:]], "policyTypes": ["Egress"]]
      ),
      (["ingress": [.null]], ["podSelector": [:], "ingress": [[:]], "policyTypes": ["Ingress"]]),
      (
        ["ingress": [["from": [], "ports": []]]],
        ["podSelector": [:], "ingress": [[:]], "policyTypes": ["Ingress"]]
      ),
      (
        ["ingress": [["from": .null, "ports": [["port": 80], ["port": "dns", "protocol": "UDP"], .null]]]],
        [
          "podSelector": [:], "policyTypes": ["Ingress"],
          "ingress": [
            [
              "ports": [
                ["port": 80, "protocol": "TCP"], ["port": "dns", "protocol": "UDP"], ["protocol": "TCP"],
              ]
            ]
          ],
        ]
      ),
      (
        [
          "egress": [
            [
              "to": [
                ["podSelector": ["matchLabels": [:], "matchExpressions": []], "namespaceSelector": .null],
                ["namespaceSelector": [:]],
                ["ipBlock": ["cidr": "10.0.0.0/8", "except": []]],
                ["podSelector": ["matchExpressions": [["key": "a", "operator": "Exists", "values": []]]]],
              ]
            ]
          ]
        ],
        [
          "podSelector": [:], "policyTypes": ["Ingress", "Egress"],
          "egress": [
            [
              "to": [
                ["podSelector": [:]], ["namespaceSelector": [:]], ["ipBlock": ["cidr": "10.0.0.0/8"]],
                ["podSelector": ["matchExpressions": [["key": "a", "operator": "Exists"]]]],
              ]
            ]
          ],
        ]
      ),
    ] as [(Value?, Value)])
  func networkPolicy(_ written: Value?, becomes expected: Value) throws {
    #expect(try Self.policy(written) == expected)
    #expect(try Self.policy(expected) == expected)
  }

  @Test(
    "a field of another type than the API's is an error",
    arguments: [
      ("x", "spec must be an object, but is a string"),
      (["podSelector": "x"], "spec.podSelector must be an object, but is a string"),
      (["ingress": [:]], "spec.ingress must be an array, but is an object"),
      (["ingress": ["x"]], "spec.ingress[0] must be an object, but is a string"),
      (["egress": [["to": ["x": 1]]]], "spec.egress[0].to must be an array, but is an object"),
      (
        ["egress": [[:], ["to": [["podSelector": []]]]]],
        "spec.egress[1].to[0].podSelector must be an object, but is an array"
      ),
      (["ingress": [["ports": [80]]]], "spec.ingress[0].ports[0] must be an object, but is a number"),
    ] as [(Value, String)])
  func wrongTypes(_ spec: Value, message: String) {
    let error = #expect(throws: FieldError.self) { try Self.policy(spec) }
    #expect(error?.description == message)
  }

  @Test(
    "namespaced objects get a namespace, the cluster's lose theirs, and unknown kinds are left alone",
    arguments: [
      ("v1", "Pod", nil, "shop"), ("v1", "Pod", "other", "other"), ("v1", "Pod", "", "shop"),
      ("v1", "Namespace", nil, nil), ("v1", "Namespace", "shop", nil),
      ("rbac.authorization.k8s.io/v1", "ClusterRole", "shop", nil),
      ("example.com/v1", "Tenant", nil, nil), ("example.com/v1", "Tenant", "other", "other"),
    ] as [(String, String, String?, String?)])
  func namespaces(apiVersion: String, kind: String, namespace: String?, expected: String?) throws {
    var metadata: [(Value, Value)] = [("name", "x")]
    if let namespace { metadata.append(("namespace", .string(namespace))) }
    let normalized = try Self.normalized([
      "apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": .object(ObjectValue(metadata)),
    ])
    #expect(normalized["metadata"]?["namespace"]?.string == expected)
  }

  @Test("a custom resource's scope comes from its definition, and its nulls stay")
  func customResources() throws {
    var kinds = KindTable.builtin
    kinds.addDefinition([
      "kind": "CustomResourceDefinition",
      "spec": [
        "group": "example.com", "scope": "Namespaced", "names": ["kind": "Tenant", "plural": "tenants"],
      ],
    ])
    let normalized = try ManifestNormalizer(namespace: "shop", kinds: kinds).normalize([
      "apiVersion": "example.com/v1", "kind": "Tenant", "metadata": ["name": "a"], "spec": ["quota": .null],
    ])
    #expect(normalized["metadata"]?["namespace"] == "shop")
    #expect(normalized["spec"] == ["quota": .null])
  }

  @Test("every namespace carries its name as a label, whatever its manifest says")
  func namespaceLabel() throws {
    let namespace = try Self.normalized([
      "apiVersion": "v1", "kind": "Namespace",
      "metadata": ["name": "shop", "labels": ["env": "prod", "kubernetes.io/metadata.name": "liar"]],
    ])
    #expect(namespace["metadata"]?["labels"] == ["env": "prod", "kubernetes.io/metadata.name": "shop"])
    #expect(namespace["status"] == ["phase": "Active"])
  }

  @Test("metadata loses what is empty, and a null label is an empty one")
  func metadata() throws {
    let object = try Self.normalized([
      "apiVersion": "v1", "kind": "ConfigMap",
      "metadata": [
        "name": "a", "generateName": "", "labels": ["a": .null], "annotations": [:], "finalizers": [],
        "ownerReferences": .null,
      ],
    ])
    #expect(object["metadata"] == ["name": "a", "namespace": "shop", "labels": ["a": ""]])
  }

  @Test(
    "older groups become current ones",
    arguments: [
      ("extensions/v1beta1", "NetworkPolicy", "networking.k8s.io/v1"),
      ("extensions/v1beta1", "Deployment", "apps/v1"),
      ("apps/v1beta2", "StatefulSet", "apps/v1"), ("batch/v1beta1", "CronJob", "batch/v1"),
      ("networking.k8s.io/v1", "NetworkPolicy", "networking.k8s.io/v1"),
      ("extensions/v1beta1", "Ingress", "extensions/v1beta1"),
      ("policy/v1beta1", "PodDisruptionBudget", "policy/v1beta1"),
    ])
  func legacyGroups(apiVersion: String, kind: String, expected: String) throws {
    let normalized = try Self.normalized([
      "apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": ["name": "x"],
    ])
    #expect(normalized["apiVersion"]?.string == expected)
  }

  @Test("a Deployment of a group before apps/v1 takes its selector from its pods")
  func legacySelector() throws {
    let spec: Value = ["template": ["metadata": ["labels": ["app": "web"]], "spec": ["containers": []]]]
    let legacy = try Self.normalized([
      "apiVersion": "extensions/v1beta1", "kind": "Deployment", "metadata": ["name": "x"], "spec": spec,
    ])
    #expect(legacy["spec"]?["selector"] == ["matchLabels": ["app": "web"]])
    let current = try Self.normalized([
      "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "x"], "spec": spec,
    ])
    #expect(current["spec"]?["selector"] == nil)
  }

  @Test("the pods of a Job are labelled with its name, unless it selects them itself")
  func jobLabels() throws {
    let job = { (spec: Value) in
      try Self.normalized([
        "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "once"], "spec": spec,
      ])
    }
    let template: Value = ["metadata": ["labels": ["a": "b"]], "spec": ["containers": []]]
    #expect(
      try job(["template": template])["spec"]?["template"]?["metadata"]?["labels"]
        == ["a": "b", "job-name": "once", "batch.kubernetes.io/job-name": "once"])
    #expect(
      try job(["template": template, "manualSelector": true])["spec"]?["template"]?["metadata"]?["labels"]
        == ["a": "b"])
  }

  @Test("what stands in a pod is kept, and what is false or empty dropped")
  func pod() throws {
    let pod = try Self.normalized([
      "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "x"],
      "spec": [
        "restartPolicy": "Never", "dnsPolicy": "Default", "hostNetwork": false, "hostPID": true,
        "nodeSelector": [:],
        "initContainers": [], "serviceAccountName": "", "terminationGracePeriodSeconds": 0,
        "priorityClassName": "high",
        "volumes": [["name": "tmp"], ["name": "c", "configMap": ["name": "c", "items": []]]],
        "tolerations": [["operator": "Exists"]],
        "containers": [
          [
            "name": "c", "image": "a/b:1", "args": [], "tty": false, "imagePullPolicy": "Never",
            "env": [
              ["name": "A", "value": ""], ["name": "B", "valueFrom": ["fieldRef": ["fieldPath": "x"]]],
            ],
            "ports": [["containerPort": 80], ["containerPort": 53, "protocol": "UDP", "hostPort": 0]],
            "resources": ["limits": ["cpu": 1], "requests": ["memory": "1Mi"]],
            "readinessProbe": ["httpGet": ["port": 80], "periodSeconds": 5],
            "securityContext": ["capabilities": ["drop": ["ALL"], "add": []]],
          ]
        ],
      ],
    ])
    #expect(
      pod["spec"] == [
        "restartPolicy": "Never", "dnsPolicy": "Default", "hostPID": true, "serviceAccount": "default",
        "serviceAccountName": "default", "terminationGracePeriodSeconds": 0, "priorityClassName": "high",
        "schedulerName": "default-scheduler", "securityContext": [:], "enableServiceLinks": true,
        "volumes": [
          ["name": "tmp", "emptyDir": [:]], ["name": "c", "configMap": ["name": "c", "defaultMode": 420]],
        ],
        "tolerations": [["operator": "Exists"]],
        "containers": [
          [
            "name": "c", "image": "a/b:1", "imagePullPolicy": "Never",
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "env": [
              ["name": "A"],
              ["name": "B", "valueFrom": ["fieldRef": ["fieldPath": "x", "apiVersion": "v1"]]],
            ],
            "ports": [["containerPort": 80, "protocol": "TCP"], ["containerPort": 53, "protocol": "UDP"]],
            "resources": ["limits": ["cpu": 1], "requests": ["memory": "1Mi", "cpu": 1]],
            "readinessProbe": [
              "httpGet": ["port": 80, "path": "/", "scheme": "HTTP"], "periodSeconds": 5, "timeoutSeconds": 1,
              "successThreshold": 1, "failureThreshold": 3,
            ],
            "securityContext": ["capabilities": ["drop": ["ALL"]]],
          ]
        ],
      ])
  }

  @Test("ports of a Pod on its node's network are the node's, those of a template not")
  func hostPorts() throws {
    let spec: Value = [
      "hostNetwork": true, "containers": [["name": "c", "image": "i:1", "ports": [["containerPort": 80]]]],
    ]
    let pod = try Self.normalized([
      "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "x"], "spec": spec,
    ])
    #expect(
      pod["spec"]?["containers"]?.array?[0]["ports"] == [
        ["containerPort": 80, "hostPort": 80, "protocol": "TCP"]
      ])
    let set = try Self.normalized([
      "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": ["name": "x"],
      "spec": ["template": ["spec": spec]],
    ])
    #expect(
      set["spec"]?["template"]?["spec"]?["containers"]?.array?[0]["ports"] == [
        ["containerPort": 80, "protocol": "TCP"]
      ])
  }

  @Test(
    "an image is pulled always where its tag is latest",
    arguments: [
      ("nginx", true), ("nginx:latest", true), ("nginx:1.27", false), ("registry:5000/nginx", true),
      ("registry:5000/nginx:1", false), ("nginx@sha256:abc", false), ("nginx:latest@sha256:abc", true),
      ("", false),
    ])
  func pullPolicy(_ image: String, always: Bool) {
    #expect(ContainerDefaults.isLatest(RegoString(image)) == always)
  }

  @Test("stringData lands in data, over what stands there")
  func secrets() throws {
    let secret = try Self.normalized([
      "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s"], "data": ["a": "eA==", "b": "eQ=="],
      "stringData": ["password": "hunter2", "b": ""],
    ])
    #expect(secret["data"] == ["a": "eA==", "b": "", "password": "aHVudGVyMg=="])
    #expect(secret["stringData"] == nil)
    #expect(secret["type"] == "Opaque")
  }

  @Test(
    "what has no kind is no manifest",
    arguments: [
      (["kind": "Pod"], "apiVersion is missing"),
      (["apiVersion": "v1", "kind": ""], "kind is missing"),
      (
        ["apiVersion": "a/b/c", "kind": "Pod"],
        "apiVersion must be VERSION or GROUP/VERSION, but is \"a/b/c\""
      ),
      (["apiVersion": "v1", "kind": 1], "kind must be a string, but is a number"),
      ([], "object must be an object, but is an array"),
      (["apiVersion": "v1", "kind": "Pod", "metadata": []], "metadata must be an object, but is an array"),
    ] as [(Value, String)])
  func untyped(_ object: Value, message: String) {
    let error = #expect(throws: FieldError.self) { try Self.normalized(object) }
    #expect(error?.description == message)
  }
}
