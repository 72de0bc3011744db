import Rego

/// The defaults of a container (Kubernetes API reference, Container).
enum ContainerDefaults {
  private enum Name {
    static let capabilities: RegoString = "capabilities"
    static let env: RegoString = "env"
    static let fieldRef: RegoString = "fieldRef"
    static let grpc: RegoString = "grpc"
    static let httpGet: RegoString = "httpGet"
    static let image: RegoString = "image"
    static let imagePullPolicy: RegoString = "imagePullPolicy"
    static let lifecycle: RegoString = "lifecycle"
    static let limits: RegoString = "limits"
    static let ports: RegoString = "ports"
    static let postStart: RegoString = "postStart"
    static let preStop: RegoString = "preStop"
    static let requests: RegoString = "requests"
    static let resources: RegoString = "resources"
    static let securityContext: RegoString = "securityContext"
    static let valueFrom: RegoString = "valueFrom"
    static let volumeMounts: RegoString = "volumeMounts"
  }

  /// The lists of a pod's spec that hold containers.
  static let lists: [RegoString] = ["containers", "initContainers", "ephemeralContainers"]
  private static let probes: [RegoString] = ["livenessProbe", "readinessProbe", "startupProbe"]

  private static let omittedWhenEmpty: [RegoString] = [
    "image", "command", "args", "workingDir", "ports", "envFrom", "env", "volumeMounts", "volumeDevices",
    "resizePolicy",
    "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "stdin", "stdinOnce", "tty",
  ]
  private static let omittedFromPort: [RegoString] = ["name", "hostPort", "protocol", "hostIP"]
  private static let omittedFromVariable: [RegoString] = ["value"]
  private static let omittedFromMount: [RegoString] = ["readOnly", "subPath", "subPathExpr"]
  private static let omittedFromResources: [RegoString] = ["limits", "requests", "claims"]
  private static let omittedFromCapabilities: [RegoString] = ["add", "drop"]
  private static let omittedFromProbe: [RegoString] = [
    "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold",
  ]
  private static let omittedFromGet: [RegoString] = ["path", "host", "scheme", "httpHeaders"]

  private static let defaults: [(RegoString, Value)] = [
    ("terminationMessagePath", "/dev/termination-log"), ("terminationMessagePolicy", "File"),
  ]
  private static let portDefaults: [(RegoString, Value)] = [("protocol", "TCP")]
  private static let fieldRefDefaults: [(RegoString, Value)] = [("apiVersion", "v1")]
  private static let probeDefaults: [(RegoString, Value)] = [
    ("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3),
  ]
  private static let getDefaults: [(RegoString, Value)] = [("path", "/"), ("scheme", "HTTP")]
  private static let grpcDefaults: [(RegoString, Value)] = [("service", "")]
  private static let pullAlways: Value = "Always"
  private static let pullIfNotPresent: Value = "IfNotPresent"

  static func set(in container: inout Fields) throws(FieldError) {
    // Before what is empty is dropped: an empty map where a list belongs is refused.
    try container.changeEach(Name.ports) { port in
      port.dropEmpty(omittedFromPort)
      port.setDefaults(portDefaults)
    }
    container.dropEmpty(omittedWhenEmpty)
    try container.changeEach(Name.env) { variable throws(FieldError) in
      variable.dropEmpty(omittedFromVariable)
      try variable.change(Name.valueFrom) { source throws(FieldError) in
        try source.change(Name.fieldRef) { reference in reference.setDefaults(fieldRefDefaults) }
      }
    }
    try container.changeEach(Name.volumeMounts) { mount in mount.dropEmpty(omittedFromMount) }
    try container.changeOrMake(Name.resources) { resources in resources.dropEmpty(omittedFromResources) }
    try container.change(Name.securityContext) { context throws(FieldError) in
      try context.change(Name.capabilities) { capabilities in capabilities.dropEmpty(omittedFromCapabilities)
      }
    }
    for probe in probes { try container.change(probe, setProbe) }
    try container.change(Name.lifecycle) { lifecycle throws(FieldError) in
      try lifecycle.change(Name.postStart, setHandler)
      try lifecycle.change(Name.preStop, setHandler)
    }
    if container[Name.imagePullPolicy] == nil {
      var isLatest = false
      if case .string(let image)? = container[Name.image] { isLatest = self.isLatest(image) }
      container[Name.imagePullPolicy] = isLatest ? pullAlways : pullIfNotPresent
    }
    container.setDefaults(defaults)
  }

  /// In a Pod, limits without requests are requests too.
  static func setRequests(in container: inout Fields) throws(FieldError) {
    try container.change(Name.resources) { resources throws(FieldError) in
      var limits = ObjectValue()
      try resources.change(Name.limits) { fields in limits = fields.object }
      guard !limits.isEmpty else { return }
      try resources.changeOrMake(Name.requests) { requests in
        for case (.string(let name), let limit) in limits { requests.setDefault(name, limit) }
      }
    }
  }

  private static func setProbe(in probe: inout Fields) throws(FieldError) {
    try setHandler(in: &probe)
    try probe.change(Name.grpc) { grpc in grpc.setDefaults(grpcDefaults) }
    probe.dropEmpty(omittedFromProbe)
    probe.setDefaults(probeDefaults)
  }

  private static func setHandler(in handler: inout Fields) throws(FieldError) {
    try handler.change(Name.httpGet) { get in
      get.dropEmpty(omittedFromGet)
      get.setDefaults(getDefaults)
    }
  }

  /// Whether an image's tag is `latest`, as it is where it names neither tag nor digest.
  static func isLatest(_ image: RegoString) -> Bool {
    image.withUTF8 { bytes in
      guard !bytes.isEmpty else { return false }
      let digest = bytes.firstIndex(of: UInt8(ascii: "@"))
      let name = bytes[..<(digest ?? bytes.endIndex)]
      // A colon before the last slash is a registry's port.
      let last = name.lastIndex(of: UInt8(ascii: "/")).map { name[($0 + 1)...] } ?? name
      guard let colon = last.firstIndex(of: UInt8(ascii: ":")) else { return digest == nil }
      return last[(colon + 1)...].elementsEqual("latest".utf8)
    }
  }
}
