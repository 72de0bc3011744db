import Rego
import Testing

@testable import Admission

/// ConstraintTemplates and Constraints mean what they mean to Gatekeeper (Gatekeeper documentation, "Constraint Templates",
/// "How to use Gatekeeper").
@Suite struct GatekeeperTests {
  static func value(_ yaml: String) throws -> Value { try YAMLReader.value(yaml) }

  static func template(_ rego: String, more: String = "", schema: String = "") throws -> ConstraintTemplate {
    let indented = rego.split(separator: "\n").map { "        \($0)\n" }.joined()
    let text = """
      apiVersion: templates.gatekeeper.sh/v1
      kind: ConstraintTemplate
      metadata: {name: k8stest}
      spec:
        crd: {spec: {names: {kind: K8sTest}\(schema)}}
        targets:
        - target: admission.k8s.gatekeeper.sh
          rego: |
      \(indented)
      \(more)
      """
    return try ConstraintTemplate(try value(text), file: "template.yaml")
  }

  static func constraint(_ spec: String, of template: ConstraintTemplate) throws -> Constraint {
    let text =
      "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sTest\nmetadata: {name: test}\nspec: \(spec)"
    return try Constraint(try value(text), of: template, file: "constraint.yaml")
  }

  static let always = "package k8stest\nviolation[{\"msg\": \"no\"}] { true }"

  /// The messages of a constraint's violations.
  static func messages(
    _ template: ConstraintTemplate, _ constraint: Constraint, _ review: ConstraintReview,
    inventory: Value = .object(ObjectValue())
  ) -> [String] {
    template.violations(
      of: constraint, by: review, inventory: inventory, context: BuiltinContext(nowNanoseconds: 0)
    ).map(\.message)
  }

  // MARK: Matching

  static let pod = """
    {apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: shop, labels: {app: web}}}
    """
  static let generated = "{apiVersion: v1, kind: Pod, metadata: {generateName: web-, namespace: shop}}"
  static let node = "{apiVersion: v1, kind: Node, metadata: {name: one, labels: {zone: a}}}"
  static let space = "{apiVersion: v1, kind: Namespace, metadata: {name: kube-system, labels: {team: a}}}"
  static let deployment =
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: kube-system}}"

  @Test(
    "a constraint is about the objects that its match names",
    arguments: [
      ("{}", pod, true), ("null", pod, true),
      ("{kinds: [{apiGroups: [''], kinds: [Pod]}]}", pod, true),
      ("{kinds: [{apiGroups: [apps], kinds: [Pod]}]}", pod, false),
      ("{kinds: [{apiGroups: [apps], kinds: ['*']}, {apiGroups: ['*'], kinds: [Pod]}]}", pod, true),
      ("{kinds: [{kinds: [Deployment]}]}", deployment, true), ("{kinds: []}", pod, true),
      ("{scope: Cluster}", pod, false), ("{scope: Cluster}", node, true), ("{scope: Cluster}", space, true),
      ("{scope: Namespaced}", pod, true), ("{scope: Namespaced}", space, false), ("{scope: '*'}", node, true),
      ("{namespaces: [shop]}", pod, true), ("{namespaces: [other, sh*]}", pod, true),
      ("{namespaces: ['*op']}", pod, true), ("{namespaces: ['*ho*']}", pod, true),
      ("{namespaces: [sho]}", pod, false), ("{namespaces: [shop]}", node, true),
      ("{namespaces: [kube-*]}", space, true), ("{namespaces: [shop]}", space, false),
      ("{excludedNamespaces: [kube-*]}", deployment, false), ("{excludedNamespaces: [kube-*]}", pod, true),
      ("{excludedNamespaces: ['*']}", node, true), ("{excludedNamespaces: [kube-system]}", space, false),
      ("{name: web-1}", pod, true), ("{name: web}", pod, false), ("{name: web-*}", pod, true),
      ("{name: '*-1'}", pod, true), ("{name: web-*}", generated, true), ("{name: '*-1'}", generated, false),
      ("{labelSelector: {matchLabels: {app: web}}}", pod, true),
      ("{labelSelector: {matchLabels: {app: db}}}", pod, false),
      ("{labelSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}", node, true),
      ("{namespaceSelector: {matchLabels: {team: a}}}", pod, true),
      ("{namespaceSelector: {matchLabels: {team: b}}}", pod, false),
      ("{namespaceSelector: {matchLabels: {team: a}}}", space, true),
      ("{namespaceSelector: {matchLabels: {team: b}}}", space, false),
      ("{namespaceSelector: {matchLabels: {team: b}}}", node, true),
      ("{source: Original}", pod, true), ("{source: All}", pod, true), ("{source: Generated}", pod, false),
      ("{kinds: [{kinds: [Pod]}], namespaces: [other]}", pod, false),
    ])
  func match(match: String, object: String, isAbout: Bool) throws {
    let template = try Self.template(Self.always)
    let constraint = try Self.constraint("{match: \(match)}", of: template)
    let shop = try Self.value("{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}")
    let review = try ConstraintReview(object: try Self.value(object), namespaces: ["shop": shop])
    #expect(Self.messages(template, constraint, review) == (isAbout ? ["no"] : []))
  }

  @Test("an object in a namespace that is not known cannot be told by its namespace's labels: a violation")
  func unknownNamespace() throws {
    let template = try Self.template(Self.always)
    let constraint = try Self.constraint(
      "{match: {namespaceSelector: {matchLabels: {team: a}}}}", of: template)
    let messages = Self.messages(template, constraint, try ConstraintReview(object: try Self.value(Self.pod)))
    #expect(messages.count == 1)
    #expect(messages[0].contains("missing Namespace"))
  }

  @Test("the object that there was before is matched too")
  func oldObject() throws {
    let template = try Self.template(Self.always)
    let constraint = try Self.constraint(
      "{match: {labelSelector: {matchLabels: {app: web}}}}", of: template)
    let request = try Self.value(
      "{operation: UPDATE, object: {apiVersion: v1, kind: Pod, metadata: {name: web-1}}, oldObject: \(Self.pod)}"
    )
    #expect(Self.messages(template, constraint, try ConstraintReview(request: request)) == ["no"])
  }

  // MARK: Input

  @Test("on DELETE the object is the one that goes")
  func deletion() throws {
    let template = try Self.template(
      "package k8stest\nviolation[{\"msg\": input.review.object.metadata.name}] { input.review.operation == \"DELETE\" }"
    )
    let constraint = try Self.constraint("{}", of: template)
    let request = try Self.value("{operation: DELETE, object: null, oldObject: \(Self.pod)}")
    #expect(Self.messages(template, constraint, try ConstraintReview(request: request)) == ["web-1"])
  }

  @Test("absent parameters are empty, and what Go writes for unset fields of a request is there")
  func defaults() throws {
    let template = try Self.template(
      """
      package k8stest
      violation[{"msg": "here", "details": input.review.kind}] {
        input.parameters == {}
        input.review.operation == ""
        input.review.oldObject == null
        input.review.userInfo == {}
        input.review.name == "web-1"
        input.review.namespace == "shop"
      }
      """)
    let constraint = try Self.constraint("{}", of: template)
    let violations = template.violations(
      of: constraint, by: try ConstraintReview(object: try Self.value(Self.pod)),
      inventory: .object(ObjectValue()), context: BuiltinContext(nowNanoseconds: 0))
    #expect(
      violations == [
        ConstraintViolation(message: "here", details: ["group": "", "version": "v1", "kind": "Pod"])
      ])
  }

  @Test(
    "what cannot be evaluated is a violation",
    arguments: [
      (
        "package k8stest\nviolation[{\"msg\": x}] { x := y }\ny = 1 { true }\ny = 2 { true }",
        "eval_conflict_error"
      ),
      ("package k8stest\nviolation[{\"msg\": 1}] { true }", "violation must hold objects with msg"),
      ("package k8stest\nviolation = {\"a\": 1} { true }", "violation must be a set"),
    ])
  func failure(rego: String, message: String) throws {
    let template = try Self.template(rego)
    let constraint = try Self.constraint("{}", of: template)
    let messages = Self.messages(template, constraint, try ConstraintReview(object: try Self.value(Self.pod)))
    #expect(messages.count == 1)
    #expect(messages.first?.contains(message) ?? false, "\(messages)")
  }

  @Test(
    "requests that hold nothing to review are refused",
    arguments: [
      ("null", "missing an AdmissionRequest"), ("{operation: CREATE}", "does not contain an \"object\""),
      ("{operation: DELETE, object: {kind: Pod}}", "oldObject is nil"),
      ("{object: {metadata: {}}}", "Object 'Kind' is missing"),
    ])
  func requests(request: String, message: String) throws {
    let error = try #require(throws: GatekeeperError.self) {
      _ = try ConstraintReview(request: try Self.value(request))
    }
    #expect("\(error)".contains(message))
  }

  // MARK: Templates and constraints

  @Test(
    "templates that cannot be used say why",
    arguments: [
      ("package k8stest\nviolation[", "", "", "rego_parse_error"),
      ("package k8stest\nviolation[{\"msg\": x}] { true }", "", "", "rego_unsafe_var_error"),
      ("package k8stest\ndeny[{\"msg\": \"x\"}] { true }", "", "", "missing rule violation"),
      (
        "package k8stest\nviolation[{\"msg\": \"x\"}] { data.other.x }", "", "", "disallowed ref data.other.x"
      ),
      (always, "    libs: [\"package other\\na = 1\"]", "", "the package of a library must be lib.NAME"),
      (always, "    libs: 1", "", "libs must be a list of strings"),
      (always, "", ", validation: {openAPIV3Schema: {type: 1}}", "openAPIV3Schema"),
    ])
  func badTemplates(rego: String, more: String, schema: String, message: String) throws {
    let error = try #require(throws: GatekeeperError.self) {
      _ = try Self.template(rego, more: more, schema: schema)
    }
    #expect("\(error)".hasPrefix("adding template: "))
    #expect("\(error)".contains(message), "\(error)")
  }

  @Test("a template's libraries are its own")
  func libraries() throws {
    let rego = "package k8stest\nimport data.lib.words\nviolation[{\"msg\": words.no}] { true }"
    let first = try Self.template(rego, more: "    libs: [\"package lib.words\\nno = \\\"first\\\"\"]")
    let second = try Self.template(rego, more: "    libs: [\"package lib.words\\nno = \\\"second\\\"\"]")
    let review = try ConstraintReview(object: try Self.value(Self.pod))
    for (template, word) in [(first, "first"), (second, "second")] {
      let constraint = try Self.constraint("{}", of: template)
      #expect(Self.messages(template, constraint, review) == [word])
    }
  }

  @Test("the dialect is v0, or what the source says; beside CEL the Rego counts")
  func dialects() throws {
    func template(_ version: String, _ rego: String) throws -> ConstraintTemplate {
      try ConstraintTemplate(
        try Self.value(
          """
          apiVersion: templates.gatekeeper.sh/v1
          kind: ConstraintTemplate
          metadata: {name: k8stest}
          spec:
            crd: {spec: {names: {kind: K8sTest}}}
            targets:
            - target: admission.k8s.gatekeeper.sh
              code:
              - engine: K8sNativeValidation
                source: {validations: [{expression: 'true'}]}
              - engine: Rego
                source: {\(version)rego: '\(rego)'}
          """), file: "t.yaml")
    }
    let old = #"package k8stest violation[{"msg": "no"}] { true }"#
    let new = #"package k8stest violation contains {"msg": "no"} if { true }"#
    let review = try ConstraintReview(object: try Self.value(Self.pod))
    for one in [
      try template("", old), try template("version: v0, ", old), try template("version: v1, ", new),
    ] {
      #expect(Self.messages(one, try Self.constraint("{}", of: one), review) == ["no"])
    }
    #expect(throws: GatekeeperError.self) { _ = try template("", new) }
    #expect(throws: GatekeeperError.self) { _ = try template("version: v1, ", old) }
  }

  @Test(
    "parameters must be those of the schema",
    arguments: [
      ("{labels: [a]}", true), ("{}", true), ("{labels: a}", false), ("{labels: [1]}", false),
      ("{port: http}", true), ("{port: 80}", true), ("{port: []}", false), ("{maybe: null}", true),
      ("{labels: null}", false),
    ])
  func schema(parameters: String, isValid: Bool) throws {
    let schema = """
      , validation: {openAPIV3Schema: {type: object, properties: {labels: {type: array, items: {type: string}}, \
      port: {x-kubernetes-int-or-string: true}, maybe: {type: string, nullable: true, format: date}}}}
      """
    let template = try Self.template(Self.always, schema: schema)
    if isValid {
      _ = try Self.constraint("{parameters: \(parameters)}", of: template)
    } else {
      let error = try #require(throws: GatekeeperError.self) {
        _ = try Self.constraint("{parameters: \(parameters)}", of: template)
      }
      #expect(error.isOfSchema, "\(error)")
    }
  }

  @Test(
    "parameters that are not given are what the schema says",
    arguments: [
      ("{parameters: {}}", #"{"list": [], "mode": "strict"}"#),
      (
        "{parameters: {mode: lax, list: [{}, {size: 2}]}}",
        #"{"list": [{"size": 1}, {"size": 2}], "mode": "lax"}"#
      ),
      ("{parameters: {mode: null}}", #"{"list": [], "mode": "strict"}"#), ("{}", "{}"),
    ])
  func defaults(spec: String, parameters: String) throws {
    let schema = """
      , validation: {openAPIV3Schema: {type: object, properties: {mode: {type: string, default: strict}, \
      list: {type: array, default: [], items: {type: object, properties: {size: {type: integer, default: 1}}}}}}}
      """
    let template = try Self.template(Self.always, schema: schema)
    #expect(try Self.constraint(spec, of: template).parameters == JSONReader.value(parameters))
  }

  @Test(
    "constraints that cannot be used say why",
    arguments: [
      ("{match: 1}", "spec.match must be an object"),
      ("{match: {kinds: Pod}}", "spec.match.kinds must be a list"),
      ("{match: {namespaces: [1]}}", "spec.match.namespaces must be a string"),
      (
        "{match: {labelSelector: {matchExpressions: [{key: a, operator: Is}]}}}", "spec.match.labelSelector: "
      ),
      ("{match: {source: Other}}", "spec.match.source must be"),
      ("{enforcementAction: 1}", "must be a string"),
      ("{enforcementAction: scoped}", "spec.scopedEnforcementActions must be a list"),
    ])
  func badConstraints(spec: String, message: String) throws {
    let template = try Self.template(Self.always)
    let error = try #require(throws: GatekeeperError.self) { _ = try Self.constraint(spec, of: template) }
    #expect("\(error)".contains(message), "\(error)")
  }

  @Test("violations lead to what the constraint says, at each place of enforcement")
  func actions() throws {
    let template = try Self.template(Self.always)
    #expect(try Self.constraint("{}", of: template).actions(at: "audit.gatekeeper.sh") == ["deny"])
    #expect(
      try Self.constraint("{enforcementAction: warn}", of: template).actions(at: "validation.gatekeeper.sh")
        == ["warn"])
    let scoped = try Self.constraint(
      """
      {enforcementAction: scoped, scopedEnforcementActions: [
        {action: deny, enforcementPoints: [{name: validation.gatekeeper.sh}]},
        {action: warn, enforcementPoints: [{name: '*'}]}]}
      """, of: template)
    #expect(scoped.actions(at: "validation.gatekeeper.sh") == ["deny", "warn"])
    #expect(scoped.actions(at: "audit.gatekeeper.sh") == ["warn"])
  }

  @Test("the inventory is the only other document")
  func inventory() throws {
    let template = try Self.template(
      "package k8stest\nviolation[{\"msg\": name}] { data.inventory.namespace[\"shop\"].v1.Pod[name] }")
    #expect(template.readsInventory)
    let constraint = try Self.constraint("{}", of: template)
    let inventory = try Self.value("{namespace: {shop: {v1: {Pod: {a: {}, b: {}}}}}}")
    let review = try ConstraintReview(object: try Self.value(Self.pod))
    #expect(Self.messages(template, constraint, review, inventory: inventory) == ["a", "b"])
    #expect(try !Self.template(Self.always).readsInventory)
  }
}
