import Kubernetes
import Rego
import Synchronization

/// Compiles what a cluster's objects say of policies: each source alone, so that what is wrong with one has no effect on others.
public final class ClusterPolicyCompiler: Sendable {
  private let compiler: PolicyCompiler
  private let overrides: PolicyOverrides
  /// What was compiled last, by the object: most of them are the same the next time.
  private let known = Mutex(Known())

  private struct Known {
    var templates: [Value: Result<ConstraintTemplate, GatekeeperError>] = [:]
    var configMaps: [Value: Result<PolicySet, PolicyProblems>] = [:]
  }

  /// - Parameter overrides: what the configuration file says of policies; of those that are not there yet, too.
  public init(_ compiler: PolicyCompiler, overrides: PolicyOverrides = PolicyOverrides()) {
    self.compiler = compiler
    self.overrides = overrides
  }

  /// Another with the same settings that knows what this one has compiled, and keeps to itself what it compiles.
  func copy() -> ClusterPolicyCompiler {
    let copy = ClusterPolicyCompiler(compiler, overrides: overrides)
    let known = known.withLock { $0 }
    copy.known.withLock { $0 = known }
    return copy
  }

  /// - Parameter base: the policies that are there besides, whose names are taken.
  public func compile(_ objects: PolicyObjects, beside base: PolicySet = .empty) -> ClusterPolicies {
    var known = known.withLock { $0 }
    var next = Known()
    var result = Compilation()
    for policy in base.policies {
      result.names[RegoString(policy.name)] = policy.files.joined(separator: ", ")
    }
    for configMap in objects.configMaps {
      let content = ConfigMapContent(configMap)
      let compiled = known.configMaps[content.key] ?? self.compile(content)
      next.configMaps[content.key] = compiled
      result.fingerprint.add(content.path, content.key)
      result.add(compiled, of: configMap, content)
    }
    for template in objects.templates {
      let key = Self.content(of: template)
      let compiled = known.templates[key] ?? compile(template)
      next.templates[key] = compiled
      result.fingerprint.add("ConstraintTemplate", key)
      result.add(compiled, of: template)
    }
    for constraint in objects.constraints {
      result.fingerprint.add("constraint", Self.content(of: constraint))
      result.add(constraint)
    }
    known = next
    self.known.withLock { $0 = known }
    return result.policies
  }

  private func compile(_ content: ConfigMapContent) -> Result<PolicySet, PolicyProblems> {
    Result { () throws(PolicyProblems) in
      if !content.problems.isEmpty { throw PolicyProblems(content.problems) }
      let set = try compiler.compile(content.sources, overrides: overrides, areAll: false)
      if !set.problems.isEmpty { throw PolicyProblems(set.problems) }
      if set.policies.isEmpty, set.notLoaded.isEmpty {
        throw PolicyProblems([
          PolicyProblem(file: content.path, message: "holds libraries alone, which no other ConfigMap sees")
        ])
      }
      return set
    }
  }

  private func compile(_ template: Value) -> Result<ConstraintTemplate, GatekeeperError> {
    let name = template["metadata"]?["name"]?.string ?? ""
    return Result { () throws(GatekeeperError) in
      if Self.textSize(of: template["spec"] ?? .null) > Self.maximumTextSize {
        throw .template("it has more than \(Self.maximumTextSize >> 20) MiB of text")
      }
      return try ConstraintTemplate(
        template, file: "constrainttemplate/\(name)", refusedBuiltins: compiler.options.refusedBuiltins,
        interner: compiler.options.interner)
    }
  }

  /// What the texts of one object may come to, in bytes, before they are compiled: no ConfigMap of a cluster holds more.
  static let maximumTextSize = 1 << 20

  private static func textSize(of value: Value) -> Int {
    switch value {
    case .string(let text): text.utf8Count
    case .array(let elements): elements.reduce(0) { $0 + textSize(of: $1) }
    case .object(let object): object.reduce(0) { $0 + textSize(of: $1.1) }
    default: 0
    }
  }

  /// What of an object its meaning depends on; not its status, nor the versions of it that the API server counts.
  private static func content(of object: Value) -> Value {
    let metadata = object["metadata"]
    return [
      "apiVersion": object["apiVersion"] ?? .null, "kind": object["kind"] ?? .null,
      "metadata": [
        "name": metadata?["name"] ?? .null,
        "annotations": [
          .string(SyncRequirement.annotation): metadata?["annotations"]?[SyncRequirement.annotation] ?? .null
        ],
      ],
      "spec": object["spec"] ?? .null,
    ]
  }
}

/// The modules of a ConfigMap.
private struct ConfigMapContent {
  /// How messages name it.
  let path: String
  /// What all follows from.
  let key: Value
  let sources: [PolicySource]
  let problems: [PolicyProblem]

  init(_ configMap: Value) {
    let path = "configmap/\(configMap["metadata"]?["name"]?.string ?? "")"
    var sources: [PolicySource] = []
    var problems: [PolicyProblem] = []
    for (key, value) in configMap["data"]?.object ?? ObjectValue() {
      guard let name = key.string, name.hasSuffix(".rego"), !name.hasSuffix("_test.rego") else { continue }
      if let text = value.string {
        sources.append(PolicySource(path: "\(path)/\(name)", text: text))
      } else {
        problems.append(PolicyProblem(file: "\(path)/\(name)", message: "is no text"))
      }
    }
    for key in configMap["binaryData"]?.object?.keys ?? [] {
      if let name = key.string, name.hasSuffix(".rego") {
        problems.append(
          PolicyProblem(file: "\(path)/\(name)", message: "is not UTF-8 text: it is in binaryData"))
      }
    }
    if sources.reduce(0, { $0 + $1.text.utf8.count }) > ClusterPolicyCompiler.maximumTextSize {
      sources = []
      problems.append(
        PolicyProblem(
          file: path, message: "has more than \(ClusterPolicyCompiler.maximumTextSize >> 20) MiB of policies")
      )
    }
    if sources.isEmpty, problems.isEmpty {
      problems.append(
        PolicyProblem(file: path, message: "holds no policy: no key of its data ends in .rego"))
    }
    self.path = path
    self.sources = sources
    self.problems = problems
    key = [
      "path": .string(path), "binaryData": .array(problems.map { .string($0.description) }),
      "sources": .array(sources.map { [.string($0.path), .string($0.text)] }),
    ]
  }
}

/// What has been compiled so far.
private struct Compilation {
  /// The names of policies that are taken, and by which files.
  var names: [RegoString: String] = [:]
  var fingerprint = PolicyFingerprint()
  private var sets: [Policy] = []
  private var notLoaded: [PolicySet.Unused] = []
  private var templates: [ConstraintTemplate] = []
  private var templatesByKind: [RegoString: ConstraintTemplate] = [:]
  private var brokenTemplates: Set<RegoString> = []
  private var constraints: [CompiledConstraint] = []
  private var quarantined: [ClusterPolicies.Quarantined] = []

  var policies: ClusterPolicies {
    ClusterPolicies(
      policies: sets, notLoaded: notLoaded, templates: templates, constraints: constraints,
      quarantined: quarantined, fingerprint: fingerprint)
  }

  private mutating func quarantine(_ object: Value, _ reasons: [PolicyProblem]) {
    quarantined.append(
      ClusterPolicies.Quarantined(
        object: ObjectReference(of: object), uid: object["metadata"]?["uid"]?.string ?? "", reasons: reasons))
  }

  mutating func add(
    _ compiled: Result<PolicySet, PolicyProblems>, of configMap: Value, _ content: ConfigMapContent
  ) {
    switch compiled {
    case .failure(let error): quarantine(configMap, error.problems)
    case .success(let set):
      let taken = set.policies.compactMap { policy in
        names[RegoString(policy.name)].map { other in
          PolicyProblem(
            file: policy.files.first ?? content.path,
            message: "a policy's name is the last part of its package, and \"\(policy.name)\" is taken by "
              + other)
        }
      }
      // One source, all of it or nothing.
      if !taken.isEmpty { return quarantine(configMap, taken) }
      for policy in set.policies { names[RegoString(policy.name)] = policy.files.joined(separator: ", ") }
      sets += set.policies
      notLoaded += set.notLoaded
    }
  }

  mutating func add(_ compiled: Result<ConstraintTemplate, GatekeeperError>, of template: Value) {
    switch compiled {
    case .success(let compiled):
      templates.append(compiled)
      templatesByKind[RegoString(compiled.kind)] = compiled
    case .failure(let error):
      let reviewed = ReviewedObject(template)
      brokenTemplates.insert(reviewed.name)
      quarantine(template, [PolicyProblem(file: "constrainttemplate/\(reviewed.name)", error)])
    }
  }

  mutating func add(_ constraint: Value) {
    let reviewed = ReviewedObject(constraint)
    let file = "\(reviewed.kind.string.lowercased())/\(reviewed.name)"
    guard let template = templatesByKind[reviewed.kind] else {
      let isBroken = brokenTemplates.contains(RegoString(reviewed.kind.string.lowercased()))
      let reason =
        isBroken
        ? "its ConstraintTemplate is quarantined" : "there is no ConstraintTemplate for \(reviewed.kind)"
      return quarantine(constraint, [PolicyProblem(file: file, message: reason)])
    }
    do throws(GatekeeperError) {
      constraints.append(
        CompiledConstraint(try Constraint(constraint, of: template, file: file), of: template))
    } catch {
      quarantine(constraint, [PolicyProblem(file: file, error)])
    }
  }
}

extension PolicyProblem {
  /// What is wrong with a template or constraint; the compiler's errors have their place in front already.
  fileprivate init(file: String, _ error: GatekeeperError) {
    let text =
      switch error {
      case .template(let text), .constraint(let text), .schema(let text), .review(let text): text
      case .notATemplate, .notAConstraint: "\(error)"
      }
    self.init(file: text.utf8.starts(with: file.utf8) ? "" : file, message: text)
  }
}
