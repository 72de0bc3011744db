/// What `rego.metadata.rule()` and `rego.metadata.chain()` answer in a rule: its annotations, and those of what holds it
/// (OPA documentation, "Annotations").
struct MetadataChain {
  private let modules: [Module]
  private var documents: [[RegoString]: [Value]] = [:]
  private var packages: [[RegoString]: [Value]] = [:]
  private var subpackages: [[RegoString]: [Value]] = [:]

  init(_ modules: [Module]) {
    self.modules = modules
    for module in modules {
      for annotations in module.annotations {
        switch annotations.scope {
        case "package": packages[module.package.path, default: []].append(annotations.value)
        case "subpackages": subpackages[module.package.path, default: []].append(annotations.value)
        case "document":
          if let rule = annotations.rule, rule < module.rules.count {
            documents[MetadataChain.path(module.rules[rule], module), default: []].append(annotations.value)
          }
        default: break
        }
      }
    }
  }

  private static func path(_ rule: Rule, _ module: Module) -> [RegoString] {
    module.package.path
      + rule.head.reference.compactMap { term -> RegoString? in
        switch term.kind {
        case .variable(let name): RegoString(name)
        case .string(let name): name
        default: nil
        }
      }
  }

  /// The rule's own annotations, and the chain from the rule outwards.
  func values(of rule: Rule, module index: Int) -> (rule: Value, chain: Value) {
    let module = modules[index]
    let path = MetadataChain.path(rule, module)
    let own = module.annotations.first { annotations in
      annotations.scope == "rule"
        && (annotations.rule.map { $0 < module.rules.count && module.rules[$0].location == rule.location }
          ?? false)
    }
    var chain = [MetadataChain.link(own?.value, path)]
    chain += (documents[path] ?? []).map { MetadataChain.link($0, path) }
    chain += (packages[module.package.path] ?? []).map { MetadataChain.link($0, module.package.path) }
    var package = module.package.path
    while true {
      chain += (subpackages[package] ?? []).map { MetadataChain.link($0, package) }
      if package.popLast() == nil { break }
    }
    return (own?.value ?? .object(ObjectValue()), .array(chain))
  }

  private static func link(_ annotations: Value?, _ path: [RegoString]) -> Value {
    var builder = ObjectBuilder()
    if let annotations { builder.append("annotations", annotations) }
    builder.append("path", .array(path.map(Value.string)))
    return .object(builder.build())
  }
}
