import Foundation
import Rego

/// The defaults of Namespaces, Services and Secrets.
enum ClusterDefaults {
  private static let metadataName: RegoString = "kubernetes.io/metadata.name"

  /// Every namespace carries its name as a label, whatever its manifest says (Kubernetes documentation, "Well-Known Labels").
  static func setNamespace(in namespace: inout Fields) throws(FieldError) {
    let name = try ObjectMetadata(of: .object(namespace.object)).name
    if let name {
      try namespace.changeOrMake(FieldName.metadata) { metadata throws(FieldError) in
        try metadata.changeOrMake(FieldName.labels) { $0[metadataName] = .string(name) }
      }
    }
    try namespace.changeOrMake(FieldName.spec) { spec in
      spec.dropEmpty(["finalizers"])
      spec.setDefault("finalizers", ["kubernetes"])
    }
    try namespace.changeOrMake("status") { status in status.setDefault("phase", "Active") }
  }

  static func setService(in service: inout Fields) throws(FieldError) {
    try service.changeOrMake(FieldName.spec) { spec throws(FieldError) in
      spec.dropEmpty([
        "selector", "ports", "type", "sessionAffinity", "externalIPs", "loadBalancerSourceRanges",
      ])
      try spec.changeEach("ports") { port in
        port.dropEmpty(["name", "protocol", "targetPort", "nodePort"])
        port.setDefault("protocol", "TCP")
        if let number = port["port"] { port.setDefault("targetPort", number) }
      }
      spec.setDefault("type", "ClusterIP")
      spec.setDefault("sessionAffinity", "None")
      if spec["type"] != "ExternalName" { spec.setDefault("internalTrafficPolicy", "Cluster") }
    }
  }

  /// `stringData` is written only: it lands in `data`, over what stands there, in base64.
  static func setSecret(in secret: inout Fields) throws(FieldError) {
    if let strings = try FieldReader(secret.object).stringMap(FieldName.stringData) {
      try secret.changeOrMake(FieldName.data) { data in
        for case (.string(let name), .string(let text)) in strings {
          data[name] = .string(Data(text.utf8).base64EncodedString())
        }
      }
      secret[FieldName.stringData] = nil
    }
    secret.dropEmpty([FieldName.data, "type"])
    secret.setDefault("type", "Opaque")
  }
}
