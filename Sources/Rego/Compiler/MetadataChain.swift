/// What `rego.metadata.rule()` and `rego.metadata.chain()` answer in a rule: its annotations, and those of what holds it.
enum MetadataChain {
  static func values(of rule: Rule, in module: Module) -> (rule: Value, chain: Value) {
    var own: Value = .object(ObjectValue())
    let path = [Value.string("data")] + module.package.path.map(Value.string)
    var rulePath = path
    for term in rule.head.reference {
      switch term.kind {
      case .variable(let name): rulePath.append(.string(name))
      case .string(let name): rulePath.append(.string(name))
      default: break
      }
    }
    var first: ObjectBuilder = ObjectBuilder()
    first.append("path", .array(rulePath))
    var chain: [Value] = []
    for annotations in module.annotations {
      if let index = annotations.rule, index < module.rules.count,
        module.rules[index].location == rule.location
      {
        own = annotations.value
        first.append("annotations", annotations.value)
      } else if annotations.rule == nil, annotations.scope == "package" || annotations.scope == "subpackages"
      {
        chain.append(["annotations": annotations.value, "path": .array(path)])
      }
    }
    return (own, .array([.object(first.build())] + chain))
  }
}
