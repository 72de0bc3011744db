import Rego

extension KindTable {
  private static let template: [RegoString] = ["spec", "template"]
  private static let jobTemplate: [RegoString] = ["spec", "jobTemplate", "spec", "template"]

  /// Kubernetes API reference, 1.27 to 1.34; `extensions` as it was up to 1.21.
  static let builtinKinds: [KnownKind] =
    workloads
    + namespaced(
      "",
      [
        ("Binding", "bindings"), ("ConfigMap", "configmaps"), ("Endpoints", "endpoints"), ("Event", "events"),
        ("LimitRange", "limitranges"), ("PersistentVolumeClaim", "persistentvolumeclaims"),
        ("PodTemplate", "podtemplates"), ("ResourceQuota", "resourcequotas"), ("Secret", "secrets"),
        ("Service", "services"), ("ServiceAccount", "serviceaccounts"),
      ])
    + cluster(
      "",
      [
        ("ComponentStatus", "componentstatuses"), ("Namespace", "namespaces"), ("Node", "nodes"),
        ("PersistentVolume", "persistentvolumes"),
      ])
    + cluster(
      "admissionregistration.k8s.io",
      [
        ("MutatingAdmissionPolicy", "mutatingadmissionpolicies"),
        ("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"),
        ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
        ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
        ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
        ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
      ])
    + cluster("apiextensions.k8s.io", [("CustomResourceDefinition", "customresourcedefinitions")])
    + cluster("apiregistration.k8s.io", [("APIService", "apiservices")])
    + namespaced("apps", [("ControllerRevision", "controllerrevisions")])
    + namespaced("authorization.k8s.io", [("LocalSubjectAccessReview", "localsubjectaccessreviews")])
    + cluster(
      "authorization.k8s.io",
      [
        ("SelfSubjectAccessReview", "selfsubjectaccessreviews"),
        ("SelfSubjectRulesReview", "selfsubjectrulesreviews"),
        ("SubjectAccessReview", "subjectaccessreviews"),
      ])
    + cluster(
      "authentication.k8s.io",
      [("SelfSubjectReview", "selfsubjectreviews"), ("TokenReview", "tokenreviews")])
    + namespaced("autoscaling", [("HorizontalPodAutoscaler", "horizontalpodautoscalers")])
    + cluster(
      "certificates.k8s.io",
      [
        ("CertificateSigningRequest", "certificatesigningrequests"),
        ("ClusterTrustBundle", "clustertrustbundles"),
      ])
    + namespaced("coordination.k8s.io", [("Lease", "leases"), ("LeaseCandidate", "leasecandidates")])
    + namespaced("discovery.k8s.io", [("EndpointSlice", "endpointslices")])
    + namespaced("events.k8s.io", [("Event", "events")])
    + namespaced("extensions", [("Ingress", "ingresses"), ("NetworkPolicy", "networkpolicies")])
    + cluster(
      "flowcontrol.apiserver.k8s.io",
      [("FlowSchema", "flowschemas"), ("PriorityLevelConfiguration", "prioritylevelconfigurations")])
    + namespaced("networking.k8s.io", [("Ingress", "ingresses"), ("NetworkPolicy", "networkpolicies")])
    + cluster(
      "networking.k8s.io",
      [("IngressClass", "ingressclasses"), ("IPAddress", "ipaddresses"), ("ServiceCIDR", "servicecidrs")])
    + cluster("node.k8s.io", [("RuntimeClass", "runtimeclasses")])
    + namespaced("policy", [("Eviction", "evictions"), ("PodDisruptionBudget", "poddisruptionbudgets")])
    + cluster("policy", [("PodSecurityPolicy", "podsecuritypolicies")])
    + cluster(
      "policy.networking.k8s.io",
      [
        ("AdminNetworkPolicy", "adminnetworkpolicies"),
        ("BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies"),
        ("ClusterNetworkPolicy", "clusternetworkpolicies"),
      ])
    + namespaced("rbac.authorization.k8s.io", [("Role", "roles"), ("RoleBinding", "rolebindings")])
    + cluster(
      "rbac.authorization.k8s.io",
      [("ClusterRole", "clusterroles"), ("ClusterRoleBinding", "clusterrolebindings")])
    + namespaced(
      "resource.k8s.io",
      [("ResourceClaim", "resourceclaims"), ("ResourceClaimTemplate", "resourceclaimtemplates")])
    + cluster("resource.k8s.io", [("DeviceClass", "deviceclasses"), ("ResourceSlice", "resourceslices")])
    + cluster("scheduling.k8s.io", [("PriorityClass", "priorityclasses")])
    + namespaced("storage.k8s.io", [("CSIStorageCapacity", "csistoragecapacities")])
    + cluster(
      "storage.k8s.io",
      [
        ("CSIDriver", "csidrivers"), ("CSINode", "csinodes"), ("StorageClass", "storageclasses"),
        ("VolumeAttachment", "volumeattachments"), ("VolumeAttributesClass", "volumeattributesclasses"),
      ])

  private static let workloads: [KnownKind] = [
    workload("", "Pod", "pods", []),
    workload("", "ReplicationController", "replicationcontrollers", template),
    workload("apps", "DaemonSet", "daemonsets", template),
    workload("apps", "Deployment", "deployments", template),
    workload("apps", "ReplicaSet", "replicasets", template),
    workload("apps", "StatefulSet", "statefulsets", template),
    workload("batch", "CronJob", "cronjobs", jobTemplate),
    workload("batch", "Job", "jobs", template),
    workload("extensions", "DaemonSet", "daemonsets", template),
    workload("extensions", "Deployment", "deployments", template),
    workload("extensions", "ReplicaSet", "replicasets", template),
  ]

  private static func workload(
    _ group: RegoString, _ kind: RegoString, _ resource: RegoString, _ path: [RegoString]
  ) -> KnownKind {
    KnownKind(group: group, kind: kind, resource: resource, scope: .namespaced, podTemplatePath: path)
  }

  private static func namespaced(_ group: RegoString, _ kinds: [(RegoString, RegoString)]) -> [KnownKind] {
    kinds.map { KnownKind(group: group, kind: $0, resource: $1, scope: .namespaced, podTemplatePath: nil) }
  }

  private static func cluster(_ group: RegoString, _ kinds: [(RegoString, RegoString)]) -> [KnownKind] {
    kinds.map { KnownKind(group: group, kind: $0, resource: $1, scope: .cluster, podTemplatePath: nil) }
  }
}
