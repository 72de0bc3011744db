import Rego

/// The defaults of a pod's metadata and spec (Kubernetes API reference, PodSpec).
enum PodDefaults {
  private enum Name {
    static let configMap: RegoString = "configMap"
    static let constraints: RegoString = "topologySpreadConstraints"
    static let containerPort: RegoString = "containerPort"
    static let downwardAPI: RegoString = "downwardAPI"
    static let emptyDir: RegoString = "emptyDir"
    static let hostNetwork: RegoString = "hostNetwork"
    static let hostPath: RegoString = "hostPath"
    static let hostPort: RegoString = "hostPort"
    static let labelSelector: RegoString = "labelSelector"
    static let ports: RegoString = "ports"
    static let priorityClassName: RegoString = "priorityClassName"
    static let projected: RegoString = "projected"
    static let secret: RegoString = "secret"
    static let securityContext: RegoString = "securityContext"
    static let serviceAccount: RegoString = "serviceAccount"
    static let serviceAccountName: RegoString = "serviceAccountName"
    static let serviceAccountToken: RegoString = "serviceAccountToken"
    static let sources: RegoString = "sources"
    static let tolerations: RegoString = "tolerations"
    static let volumes: RegoString = "volumes"
  }

  private static let omittedWhenEmpty: [RegoString] = [
    "volumes", "initContainers", "ephemeralContainers", "nodeSelector", "nodeName", "hostNetwork", "hostPID",
    "hostIPC",
    "imagePullSecrets", "hostname", "subdomain", "tolerations", "hostAliases", "priorityClassName",
    "readinessGates",
    "overhead", "topologySpreadConstraints", "schedulingGates", "resourceClaims", "schedulerName",
    "dnsPolicy",
    "restartPolicy", "serviceAccountName", "serviceAccount",
  ]
  private static let defaults: [(RegoString, Value)] = [
    ("restartPolicy", "Always"), ("terminationGracePeriodSeconds", 30), ("dnsPolicy", "ClusterFirst"),
    ("securityContext", [:]), ("schedulerName", "default-scheduler"),
  ]

  /// A Pod itself gets more defaults than a template of one: those of the API for Pods alone, and those of the admission plugins
  /// ServiceAccount and Priority.
  private static let podDefaults: [(RegoString, Value)] = [("enableServiceLinks", true)]
  private static let defaultAccount: Value = "default"
  private static let priorityDefaults: [(RegoString, Value)] = [
    ("priority", 0), ("preemptionPolicy", "PreemptLowerPriority"),
  ]

  static func setPod(in pod: inout Fields) throws(FieldError) {
    try pod.changeOrMake(FieldName.spec) { spec throws(FieldError) in
      try setSpec(in: &spec)
      spec.setDefaults(podDefaults)
      if spec[Name.serviceAccountName] == nil {
        spec[Name.serviceAccountName] = defaultAccount
        spec[Name.serviceAccount] = defaultAccount
      }
      // The priority of a class is the cluster's to know.
      if spec[Name.priorityClassName] == nil { spec.setDefaults(priorityDefaults) }
      let usesHostNetwork = spec[Name.hostNetwork] == .boolean(true)
      for list in ContainerDefaults.lists {
        try spec.changeEach(list) { container throws(FieldError) in
          try ContainerDefaults.setRequests(in: &container)
          guard usesHostNetwork else { return }
          try container.changeEach(Name.ports) { port in
            if let number = port[Name.containerPort] { port.setDefault(Name.hostPort, number) }
          }
        }
      }
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
    for list in ContainerDefaults.lists { try spec.changeEach(list, ContainerDefaults.set) }
    try spec.changeEach(Name.volumes, setVolume)
    try spec.changeEach(Name.constraints) { constraint throws(FieldError) in
      try constraint.change(Name.labelSelector, NetworkPolicyDefaults.normalize(selector:))
    }
    try spec.change(Name.securityContext) { context in context.dropEmpty(["supplementalGroups", "sysctls"]) }
    spec.dropEmpty(omittedWhenEmpty)
    // The older name of the field is kept in step with the newer one.
    if let account = spec[Name.serviceAccountName] ?? spec[Name.serviceAccount] {
      spec[Name.serviceAccountName] = account
      spec[Name.serviceAccount] = account
    }
    spec.setDefaults(defaults)
  }

  private static let defaultMode: [(RegoString, Value)] = [("defaultMode", 420)]
  private static let tokenDefaults: [(RegoString, Value)] = [("expirationSeconds", 3600)]
  private static let hostPathDefaults: [(RegoString, Value)] = [("type", "")]
  private static let omittedFromSource: [RegoString] = ["items"]

  private static func setVolume(in volume: inout Fields) throws(FieldError) {
    // A volume without a source is an empty folder.
    if volume.count == 1, volume[FieldName.name] != nil {
      volume[Name.emptyDir] = .object(ObjectValue())
      return
    }
    for source in [Name.secret, Name.configMap, Name.downwardAPI] {
      try volume.change(source) { source in
        source.dropEmpty(omittedFromSource)
        source.setDefaults(defaultMode)
      }
    }
    try volume.change(Name.projected) { projected throws(FieldError) in
      projected.setDefaults(defaultMode)
      try projected.changeEach(Name.sources) { source throws(FieldError) in
        try source.change(Name.serviceAccountToken) { token in token.setDefaults(tokenDefaults) }
      }
    }
    try volume.change(Name.hostPath) { path in path.setDefaults(hostPathDefaults) }
  }

  /// What the admission plugin DefaultTolerationSeconds adds: a pod stays five minutes on a node that fails, unless it says otherwise.
  private static let failureTolerations: [(taint: Value, toleration: Value)] =
    (["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] as [Value]).map { taint in
      (taint, ["key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300])
    }
  private static let noExecute: Value = "NoExecute"

  private static func setTolerations(in spec: inout Fields) throws(FieldError) {
    var own: [Value] = []
    try spec.changeEach(Name.tolerations) { toleration in own.append(.object(toleration.object)) }
    let added = failureTolerations.filter { failure in
      !own.contains { toleration in
        isEmpty(toleration["key"], or: failure.taint) && isEmpty(toleration["effect"], or: noExecute)
      }
    }
    if !added.isEmpty { spec[Name.tolerations] = .array(own + added.map(\.toleration)) }
  }

  private static func isEmpty(_ value: Value?, or other: Value) -> Bool {
    value == nil || value == other || value == .string("")
  }
}
