import Rego

/// The CustomResourceDefinition of a template's constraints (Kubernetes API reference, apiextensions.k8s.io/v1; Gatekeeper
/// documentation, "Constraint Templates", "How to use Gatekeeper").
public enum ConstraintDefinition {
  public static let apiVersion = "apiextensions.k8s.io/v1"
  /// The version in which constraints are stored and read.
  public static let version = "v1beta1"
  /// The label by which a definition is known as one of constraints.
  public static let label = "gatekeeper.sh/constraint"
  private static let managedBy = "app.kubernetes.io/managed-by"
  private static let manager = "portcullis"

  /// The definition's name for constraints of a kind.
  public static func name(ofKind kind: String) -> String { "\(kind.lowercased()).\(Constraint.group)" }

  /// Makes the definition that a ConstraintTemplate asks for.
  ///
  /// - Parameter template: one that compiles, or that has names at least.
  /// - Returns: nil where it names no kind.
  public static func definition(of template: Value) -> Value? {
    let crd = template["spec"]?["crd"]?["spec"]
    guard let kind = crd?["names"]?["kind"]?.string, !kind.isEmpty else { return nil }
    let singular = kind.lowercased()
    var names: [(Value, Value)] = [
      ("kind", .string(kind)), ("listKind", .string("\(kind)List")), ("plural", .string(singular)),
      ("singular", .string(singular)), ("categories", ["constraint", "constraints"]),
    ]
    if let short = crd?["names"]?["shortNames"], short.array?.isEmpty == false {
      names.append(("shortNames", short))
    }
    var metadata: [(Value, Value)] = [
      ("name", .string(name(ofKind: kind))),
      ("labels", [.string(label): "yes", .string(managedBy): .string(manager)]),
    ]
    // Without its template a kind of constraints has no meaning: the API server then takes both away.
    if let uid = template["metadata"]?["uid"], let name = template["metadata"]?["name"] {
      metadata.append(
        (
          "ownerReferences",
          [
            [
              "apiVersion": template["apiVersion"] ?? "templates.gatekeeper.sh/v1",
              "kind": "ConstraintTemplate",
              "name": name, "uid": uid,
            ]
          ]
        ))
    }
    return [
      "apiVersion": .string(apiVersion), "kind": "CustomResourceDefinition",
      "metadata": .object(ObjectValue(metadata)),
      "spec": [
        "group": .string(Constraint.group), "names": .object(ObjectValue(names)), "scope": "Cluster",
        "versions": [
          version(version, isStored: true, parameters: parameters(of: template)),
          version("v1alpha1", isStored: false, parameters: parameters(of: template)),
        ],
      ],
    ]
  }

  /// Whether a definition that exists is as the template asks for, but for what the API server adds.
  public static func isCurrent(_ existing: Value, _ wanted: Value) -> Bool {
    holds(existing["spec"], wanted["spec"])
      && holds(existing["metadata"]?["labels"], wanted["metadata"]?["labels"])
      && existing["metadata"]?["ownerReferences"] == wanted["metadata"]?["ownerReferences"]
  }

  /// Whether Portcullis made a definition, rather than Gatekeeper or somebody else.
  public static func isOwn(_ existing: Value) -> Bool {
    existing["metadata"]?["labels"]?[managedBy]?.string == manager
  }

  /// Whether the definition of ConstraintTemplates is Gatekeeper's own, which then makes those of constraints too.
  public static func isOfGatekeeper(_ templatesDefinition: Value) -> Bool {
    templatesDefinition["metadata"]?["labels"]?["gatekeeper.sh/system"]?.string == "yes"
  }

  private static func holds(_ existing: Value?, _ wanted: Value?) -> Bool {
    guard let wanted else { return true }
    switch (existing, wanted) {
    case (.object(let existing)?, .object(let wanted)):
      return wanted.allSatisfy { holds(existing[$0], $1) || existing[$0] == nil && isOmitted($1, key: $0) }
    case (.array(let existing)?, .array(let wanted)):
      return existing.count == wanted.count && zip(existing, wanted).allSatisfy { holds($0, $1) }
    default: return existing == wanted
    }
  }

  /// Whether the API server leaves a member out of what it stores since it says what holds without it, such as `nullable: false`
  /// (Kubernetes API reference, JSONSchemaProps).
  private static func isOmitted(_ value: Value, key: Value) -> Bool {
    switch (key.string, value) {
    // These are values of the user's, whatever they are.
    case ("default", _), ("example", _): false
    case (_, .null), (_, .boolean(false)): true
    case (_, .string(let text)): text.utf8Count == 0
    case (_, .array(let elements)): elements.isEmpty
    case ("properties", .object(let members)), ("patternProperties", .object(let members)),
      ("definitions", .object(let members)), ("dependencies", .object(let members)):
      members.isEmpty
    default: false
    }
  }

  // MARK: The schema

  private static func version(_ name: String, isStored: Bool, parameters: Value) -> Value {
    [
      "name": .string(name), "served": true, "storage": .boolean(isStored),
      "schema": ["openAPIV3Schema": schema(parameters: parameters)], "subresources": ["status": [:]],
      "additionalPrinterColumns": [
        [
          "name": "enforcement-action", "type": "string", "jsonPath": ".spec.enforcementAction",
          "description": "What a violation leads to.",
        ],
        [
          "name": "total-violations", "type": "integer", "jsonPath": ".status.totalViolations",
          "description": "How many violations the last audit found.",
        ],
      ],
    ]
  }

  private static func schema(parameters: Value) -> Value {
    let string: Value = ["type": "string"]
    let spec: Value = [
      "type": "object",
      "properties": [
        "enforcementAction": string, "match": matchSchema, "parameters": parameters,
        "scopedEnforcementActions": [
          "type": "array",
          "items": [
            "type": "object",
            "properties": [
              "action": string,
              "enforcementPoints": [
                "type": "array",
                "items": ["type": "object", "properties": ["name": string], "required": ["name"]],
              ],
            ],
            "required": ["action"],
          ],
        ],
      ],
    ]
    return [
      "type": "object",
      "properties": [
        "apiVersion": string, "kind": string,
        "metadata": ["type": "object", "properties": ["name": ["type": "string", "maxLength": 63]]],
        "spec": spec, "status": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
      ],
    ]
  }

  private static let matchSchema: Value = {
    let strings: Value = ["type": "array", "items": ["type": "string"]]
    let names: Value = [
      "type": "array",
      "items": ["type": "string", "pattern": #"^\*?[-:a-z0-9]*\*?$"#],
    ]
    let selector: Value = [
      "type": "object",
      "properties": [
        "matchLabels": ["type": "object", "additionalProperties": ["type": "string"]],
        "matchExpressions": [
          "type": "array",
          "items": [
            "type": "object",
            "properties": [
              "key": ["type": "string"],
              "operator": ["type": "string", "enum": ["In", "NotIn", "Exists", "DoesNotExist"]],
              "values": strings,
            ],
            "required": ["key", "operator"],
          ],
        ],
      ],
    ]
    return [
      "type": "object",
      "properties": [
        "kinds": [
          "type": "array",
          "items": ["type": "object", "properties": ["apiGroups": strings, "kinds": strings]],
        ],
        "scope": ["type": "string", "enum": ["*", "Cluster", "Namespaced"]],
        "namespaces": names, "excludedNamespaces": names, "name": ["type": "string"],
        "labelSelector": selector, "namespaceSelector": selector,
        "source": ["type": "string", "enum": ["All", "Generated", "Original"]],
      ],
    ]
  }()

  private static let anything: Value = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]

  /// The template's schema of parameters, made structural where it is one of the old kind, which may leave types out.
  private static func parameters(of template: Value) -> Value {
    guard let validation = template["spec"]?["crd"]?["spec"]?["validation"],
      let schema = validation["openAPIV3Schema"], schema.object != nil
    else { return anything }
    // Before v1 of templates schemas were of the old kind unless they said otherwise.
    let isOld = !(template["apiVersion"]?.string ?? "").utf8.elementsEqual("templates.gatekeeper.sh/v1".utf8)
    guard validation["legacySchema"]?.boolean ?? isOld else { return schema }
    return preservingUnknownFields(schema)
  }

  private static func preservingUnknownFields(_ schema: Value) -> Value {
    guard case .object(var object) = schema else { return anything }
    let type = object["type"]?.string
    if type == nil || type == "object" {
      object = object.inserting("x-kubernetes-preserve-unknown-fields", true)
    }
    if case .object(let properties)? = object["properties"] {
      object = object.inserting(
        "properties", .object(ObjectValue(properties.map { ($0, preservingUnknownFields($1)) })))
    }
    for key: RegoString in ["items", "additionalProperties"] {
      if let inner = object[key], inner.object != nil {
        object = object.inserting(.string(key), preservingUnknownFields(inner))
      }
    }
    return .object(object)
  }
}
