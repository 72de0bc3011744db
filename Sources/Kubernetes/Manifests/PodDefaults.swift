import Rego

/// The defaults of a pod's metadata and spec (Kubernetes API reference, PodSpec).
enum PodDefaults {
  /// A Pod itself gets more defaults than a template of one.
  static func setPod(in pod: inout Fields) throws(FieldError) {
    try pod.changeOrMake(FieldName.spec) { spec throws(FieldError) in
      setServiceAccount(in: &spec)
      try setSpec(in: &spec)
      spec.setDefault("enableServiceLinks", true)
      let usesHostNetwork = spec["hostNetwork"] == true
      for list in ContainerDefaults.lists {
        try spec.changeEach(list) { container throws(FieldError) in
          try ContainerDefaults.setRequests(in: &container)
          guard usesHostNetwork else { return }
          try container.changeEach("ports") { port in
            if let containerPort = port["containerPort"] { port.setDefault("hostPort", containerPort) }
          }
        }
      }
      setPriority(in: &spec)
      try setTolerations(in: &spec)
    }
  }

  /// The template of a pod: `metadata` and `spec`.
  static func setTemplate(in template: inout Fields) throws(FieldError) {
    try template.changeOrMake(FieldName.metadata) { metadata in
      ManifestNormalizer.normalize(metadata: &metadata)
    }
    try template.changeOrMake(FieldName.spec, setSpec)
  }

  private static func setSpec(in spec: inout Fields) throws(FieldError) {
    // The older name of the field is kept in step with the newer one.
    spec.dropEmpty("serviceAccountName", "serviceAccount")
    if let account = spec["serviceAccountName"] ?? spec["serviceAccount"] {
      spec["serviceAccountName"] = account
      spec["serviceAccount"] = account
    }
    for list in ContainerDefaults.lists { try spec.changeEach(list, ContainerDefaults.set) }
    try spec.changeEach("volumes", setVolume)
    try spec.changeEach("topologySpreadConstraints") { constraint throws(FieldError) in
      try constraint.change("labelSelector", NetworkPolicyDefaults.normalize(selector:))
    }
    try spec.change("securityContext") { context in context.dropEmpty("supplementalGroups", "sysctls") }
    spec.dropEmpty(
      "volumes", "initContainers", "ephemeralContainers", "nodeSelector", "nodeName", "hostNetwork",
      "hostPID",
      "hostIPC", "imagePullSecrets", "hostname", "subdomain", "tolerations", "hostAliases",
      "priorityClassName",
      "readinessGates", "overhead", "topologySpreadConstraints", "schedulingGates", "resourceClaims",
      "schedulerName",
      "dnsPolicy", "restartPolicy")
    spec.setDefault("restartPolicy", "Always")
    spec.setDefault("terminationGracePeriodSeconds", 30)
    spec.setDefault("dnsPolicy", "ClusterFirst")
    spec.setDefault("securityContext", [:])
    spec.setDefault("schedulerName", "default-scheduler")
  }

  private static func setVolume(in volume: inout Fields) throws(FieldError) {
    for source: RegoString in ["secret", "configMap", "downwardAPI"] {
      try volume.change(source) { source in
        source.dropEmpty("items")
        source.setDefault("defaultMode", 420)
      }
    }
    try volume.change("projected") { projected throws(FieldError) in
      projected.setDefault("defaultMode", 420)
      try projected.changeEach("sources") { source throws(FieldError) in
        try source.change("serviceAccountToken") { token in token.setDefault("expirationSeconds", 3600) }
      }
    }
    try volume.change("hostPath") { path in path.setDefault("type", "") }
    // A volume without a source is an empty folder.
    if volume.object.count == 1, volume["name"] != nil { volume["emptyDir"] = [:] }
  }

  /// Admission plugin ServiceAccount.
  private static func setServiceAccount(in spec: inout Fields) {
    spec.dropEmpty("serviceAccountName", "serviceAccount")
    if spec["serviceAccountName"] == nil { spec["serviceAccountName"] = spec["serviceAccount"] ?? "default" }
  }

  /// Admission plugin Priority. The priority of a class is the cluster's to know.
  private static func setPriority(in spec: inout Fields) {
    if spec["priorityClassName"] == nil {
      spec.setDefault("priority", 0)
      spec.setDefault("preemptionPolicy", "PreemptLowerPriority")
    }
  }

  /// Admission plugin DefaultTolerationSeconds: a pod stays five minutes on a node that fails, unless it says otherwise.
  private static func setTolerations(in spec: inout Fields) throws(FieldError) {
    var tolerations: [Value] = []
    try spec.changeEach("tolerations") { toleration in tolerations.append(.object(toleration.object)) }
    for taint: Value in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
      let isTolerated = tolerations.contains { toleration in
        (toleration["key"] == taint || isEmpty(toleration["key"]))
          && (toleration["effect"] == "NoExecute" || isEmpty(toleration["effect"]))
      }
      if isTolerated { continue }
      tolerations.append([
        "key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
      ])
    }
    spec["tolerations"] = .array(tolerations)
  }

  private static func isEmpty(_ value: Value?) -> Bool { value == nil || value == "" }
}
