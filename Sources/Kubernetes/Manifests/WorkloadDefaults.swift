import Rego

/// The defaults of what makes pods (Kubernetes API reference, apps/v1, batch/v1 and ReplicationController).
enum WorkloadDefaults {
  static func set(
    in workload: inout Fields, kind: GroupVersionKind, writtenAs written: GroupVersionKind
  ) throws(FieldError) {
    let name = try ObjectMetadata(of: .object(workload.object)).name
    switch kind.kind.string {
    case "ReplicationController":
      try setReplicationController(in: &workload)
    case "Deployment":
      try setTemplated(in: &workload, selectorIsOptional: hasOptionalSelector(written)) {
        spec throws(FieldError) in
        spec.setDefault("replicas", 1)
        try setRollingUpdate(in: &spec, of: "strategy", ["maxUnavailable": "25%", "maxSurge": "25%"])
        spec.setDefault("revisionHistoryLimit", 10)
        spec.setDefault("progressDeadlineSeconds", 600)
        spec.dropEmpty(["minReadySeconds", "paused"])
      }
    case "ReplicaSet":
      try setTemplated(in: &workload, selectorIsOptional: hasOptionalSelector(written)) { spec in
        spec.setDefault("replicas", 1)
        spec.dropEmpty(["minReadySeconds"])
      }
    case "StatefulSet":
      try setTemplated(in: &workload, selectorIsOptional: hasOptionalSelector(written)) {
        spec throws(FieldError) in
        spec.setDefault("replicas", 1)
        spec.setDefault("podManagementPolicy", "OrderedReady")
        try setRollingUpdate(in: &spec, of: "updateStrategy", ["partition": 0])
        spec.setDefault("revisionHistoryLimit", 10)
        spec.setDefault(
          "persistentVolumeClaimRetentionPolicy", ["whenDeleted": "Retain", "whenScaled": "Retain"])
        spec.dropEmpty(["minReadySeconds", "volumeClaimTemplates"])
      }
    case "DaemonSet":
      try setTemplated(in: &workload, selectorIsOptional: hasOptionalSelector(written)) {
        spec throws(FieldError) in
        try setRollingUpdate(in: &spec, of: "updateStrategy", ["maxUnavailable": 1, "maxSurge": 0])
        spec.setDefault("revisionHistoryLimit", 10)
        spec.dropEmpty(["minReadySeconds"])
      }
    case "Job":
      try workload.changeOrMake(FieldName.spec) { spec throws(FieldError) in
        try setJob(in: &spec, name: name)
      }
    case "CronJob":
      try workload.changeOrMake(FieldName.spec) { spec throws(FieldError) in
        spec.setDefault("concurrencyPolicy", "Allow")
        spec.setDefault("suspend", false)
        spec.setDefault("successfulJobsHistoryLimit", 3)
        spec.setDefault("failedJobsHistoryLimit", 1)
        try spec.changeOrMake("jobTemplate") { template throws(FieldError) in
          try template.changeOrMake(FieldName.metadata) { ManifestNormalizer.normalize(metadata: &$0) }
          try template.changeOrMake(FieldName.spec) { job throws(FieldError) in
            try job.changeOrMake(FieldName.template, PodDefaults.setTemplate)
          }
        }
      }
    default: break
    }
  }

  /// Whether the version takes the labels of its pods for an absent selector, as those before apps/v1beta2 did.
  private static func hasOptionalSelector(_ written: GroupVersionKind) -> Bool {
    written.version == "v1beta1" && (written.group == "extensions" || written.group == "apps")
  }

  private static func setTemplated(
    in workload: inout Fields, selectorIsOptional: Bool, _ body: (inout Fields) throws(FieldError) -> Void
  ) throws(FieldError) {
    try workload.changeOrMake(FieldName.spec) { spec throws(FieldError) in
      try spec.changeOrMake(FieldName.template, PodDefaults.setTemplate)
      try spec.change("selector", NetworkPolicyDefaults.normalize(selector:))
      if selectorIsOptional, spec["selector"] == nil, let labels = podLabels(of: spec) {
        spec["selector"] = ["matchLabels": labels]
      }
      try body(&spec)
    }
  }

  private static func podLabels(of spec: Fields) -> Value? {
    spec[FieldName.template]?[FieldName.metadata.string]?[FieldName.labels.string]
  }

  private static func setRollingUpdate(
    in spec: inout Fields, of strategy: RegoString, _ defaults: KeyValuePairs<RegoString, Value>
  ) throws(FieldError) {
    try spec.changeOrMake(strategy) { strategy throws(FieldError) in
      strategy.dropEmpty(["type"])
      strategy.setDefault("type", "RollingUpdate")
      guard strategy["type"] == "RollingUpdate" else { return }
      try strategy.changeOrMake("rollingUpdate") { update in
        for (name, value) in defaults { update.setDefault(name, value) }
      }
    }
  }

  /// A ReplicationController takes selector and labels that it lacks from its pods.
  private static func setReplicationController(in controller: inout Fields) throws(FieldError) {
    var labels: Value?
    try controller.changeOrMake(FieldName.spec) { spec throws(FieldError) in
      spec.setDefault("replicas", 1)
      spec.dropEmpty(["selector", "minReadySeconds"])
      try spec.change(FieldName.template, PodDefaults.setTemplate)
      labels = podLabels(of: spec)
      if let labels { spec.setDefault("selector", labels) }
    }
    guard let labels else { return }
    try controller.changeOrMake(FieldName.metadata) { metadata in
      metadata.setDefault(FieldName.labels, labels)
    }
  }

  /// A Job's pods get labels with its name. The label with its uid, and the selector for it, only a cluster can make.
  private static func setJob(in spec: inout Fields, name: RegoString?) throws(FieldError) {
    if spec["completions"] == nil, spec["parallelism"] == nil { spec["completions"] = 1 }
    spec.setDefault("parallelism", 1)
    spec.setDefault("backoffLimit", 6)
    spec.setDefault("completionMode", "NonIndexed")
    spec.setDefault("suspend", false)
    let isManual = spec["manualSelector"] == true
    try spec.changeOrMake(FieldName.template) { template throws(FieldError) in
      try PodDefaults.setTemplate(in: &template)
      guard let name, !isManual else { return }
      try template.changeOrMake(FieldName.metadata) { metadata throws(FieldError) in
        try metadata.changeOrMake(FieldName.labels) { labels in
          labels["job-name"] = .string(name)
          labels["batch.kubernetes.io/job-name"] = .string(name)
        }
      }
    }
  }
}
