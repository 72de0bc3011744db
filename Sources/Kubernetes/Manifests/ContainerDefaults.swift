import Rego

/// The defaults of a container (Kubernetes API reference, Container).
enum ContainerDefaults {
  /// The lists of a pod's spec that hold containers.
  static let lists: [RegoString] = ["containers", "initContainers", "ephemeralContainers"]

  static func set(in container: inout Fields) throws(FieldError) {
    container.dropEmpty(
      "image", "command", "args", "workingDir", "ports", "envFrom", "env", "volumeMounts", "volumeDevices",
      "resizePolicy", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "stdin",
      "stdinOnce",
      "tty")
    try container.changeEach("ports") { port in
      port.dropEmpty("name", "hostPort", "protocol", "hostIP")
      port.setDefault("protocol", "TCP")
    }
    try container.changeEach("env") { variable throws(FieldError) in
      variable.dropEmpty("value")
      try variable.change("valueFrom") { source throws(FieldError) in
        try source.change("fieldRef") { reference in reference.setDefault(FieldName.apiVersion, "v1") }
      }
    }
    try container.changeEach("volumeMounts") { mount in mount.dropEmpty("readOnly", "subPath", "subPathExpr")
    }
    try container.changeOrMake("resources") { resources in resources.dropEmpty("limits", "requests", "claims")
    }
    try container.change("securityContext") { context throws(FieldError) in
      try context.change("capabilities") { capabilities in capabilities.dropEmpty("add", "drop") }
    }
    for probe: RegoString in ["livenessProbe", "readinessProbe", "startupProbe"] {
      try container.change(probe, setProbe)
    }
    try container.change("lifecycle") { lifecycle throws(FieldError) in
      try lifecycle.change("postStart", setHandler)
      try lifecycle.change("preStop", setHandler)
    }
    if case .string(let image)? = container["image"] {
      container.setDefault("imagePullPolicy", isLatest(image) ? "Always" : "IfNotPresent")
    } else {
      container.setDefault("imagePullPolicy", "IfNotPresent")
    }
    container.setDefault("terminationMessagePath", "/dev/termination-log")
    container.setDefault("terminationMessagePolicy", "File")
  }

  /// In a Pod, limits without requests are requests too.
  static func setRequests(in container: inout Fields) throws(FieldError) {
    try container.change("resources") { resources throws(FieldError) in
      var limits = ObjectValue()
      try resources.change("limits") { fields in limits = fields.object }
      guard !limits.isEmpty else { return }
      try resources.changeOrMake("requests") { requests in
        for case (.string(let name), let limit) in limits { requests.setDefault(name, limit) }
      }
    }
  }

  private static func setProbe(in probe: inout Fields) throws(FieldError) {
    try setHandler(in: &probe)
    try probe.change("grpc") { grpc in grpc.setDefault("service", "") }
    probe.dropEmpty(
      "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
    probe.setDefault("timeoutSeconds", 1)
    probe.setDefault("periodSeconds", 10)
    probe.setDefault("successThreshold", 1)
    probe.setDefault("failureThreshold", 3)
  }

  private static func setHandler(in handler: inout Fields) throws(FieldError) {
    try handler.change("httpGet") { get in
      get.dropEmpty("path", "host", "scheme", "httpHeaders")
      get.setDefault("path", "/")
      get.setDefault("scheme", "HTTP")
    }
  }

  /// Whether an image's tag is `latest`, as it is where it names neither tag nor digest.
  static func isLatest(_ image: RegoString) -> Bool {
    let bytes = Array(image.utf8)
    guard !bytes.isEmpty else { return false }
    let digest = bytes.firstIndex(of: UInt8(ascii: "@"))
    let name = bytes[..<(digest ?? bytes.endIndex)]
    // A colon before the last slash is a registry's port.
    let last = name.lastIndex(of: UInt8(ascii: "/")).map { name[($0 + 1)...] } ?? name
    guard let colon = last.firstIndex(of: UInt8(ascii: ":")) else { return digest == nil }
    return last[(colon + 1)...].elementsEqual("latest".utf8)
  }
}
