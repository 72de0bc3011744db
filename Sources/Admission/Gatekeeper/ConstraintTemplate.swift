import Kubernetes
import Rego

/// A ConstraintTemplate of Gatekeeper, compiled: a kind of Constraint, and the Rego that judges by it (Gatekeeper documentation,
/// "Constraint Templates").
///
/// A template sees its own libraries, `data.inventory` and nothing else. Where it is given in CEL as well as in Rego, the Rego counts.
public struct ConstraintTemplate: Sendable {
  public let name: String
  /// The kind of its constraints.
  public let kind: String
  /// Whether it reads `data.inventory`.
  public let readsInventory: Bool
  /// What it refers to there.
  public let inventoryNeeds: InventoryNeeds
  /// What it says it needs in `data.inventory`.
  public let syncRequirements: [SyncRequirement]
  /// The operations that it is asked about; nil for all.
  let operations: [AdmissionRequest.Operation]?
  let program: Program
  let violation: Program.Entrypoint
  let schema: ParameterSchema?

  static let group = "templates.gatekeeper.sh"
  private static let target = "admission.k8s.gatekeeper.sh"

  /// Reads and compiles a template.
  ///
  /// - Parameters:
  ///   - file: how messages name it.
  ///   - builtins: what its Rego may call.
  ///   - refusedBuiltins: what of that it may not, and why.
  /// - Throws: ``GatekeeperError/notATemplate(_:)`` and ``GatekeeperError/template(_:)``.
  public init(
    _ object: Value, file: String, builtins: BuiltinRegistry = .standard,
    refusedBuiltins: [String: String] = [:], interner: StringInterner = StringInterner()
  ) throws(GatekeeperError) {
    guard object["kind"] == "ConstraintTemplate", Self.isOfGroup(object["apiVersion"]?.string ?? "") else {
      throw .notATemplate(file)
    }
    guard let name = object["metadata"]?["name"]?.string, !name.isEmpty else {
      throw .template("the template has no name")
    }
    let crd = object["spec"]?["crd"]?["spec"]
    guard let kind = crd?["names"]?["kind"]?.string, !kind.isEmpty else {
      throw .template("spec.crd.spec.names.kind must be a string that is not empty")
    }
    guard name.utf8.elementsEqual(kind.lowercased().utf8) else {
      throw .template(
        "the ConstraintTemplate's name \"\(name)\" is not equal to the lowercase of CRD's Kind: \"\(kind.lowercased())\""
      )
    }
    self.name = name
    self.kind = kind
    syncRequirements = try SyncRequirement.all(of: object)
    operations = try Self.operations(object)
    let source = try Self.source(of: object)
    let modules = try source.modules(file: file)
    readsInventory = try TemplateReferences.check(modules)
    inventoryNeeds = readsInventory ? InventoryNeeds(of: modules) : .none

    var options = RegoCompiler.Options()
    options.builtins = builtins
    options.refusedBuiltins = refusedBuiltins
    options.interner = interner
    do throws(RegoErrors) {
      program = try RegoCompiler(options).compile(modules)
    } catch {
      throw .template("\(error)")
    }
    violation = program.entrypoint(modules[0].package.path + ["violation"])
    let validation = crd?["validation"]
    schema = try validation?["openAPIV3Schema"].map { (value) throws(GatekeeperError) in
      try ParameterSchema(value)
    }
  }

  private init(copying other: ConstraintTemplate) {
    name = other.name
    kind = other.kind
    readsInventory = other.readsInventory
    inventoryNeeds = other.inventoryNeeds
    operations = other.operations
    syncRequirements = other.syncRequirements
    program = other.program.replica()
    violation = other.violation
    schema = other.schema
  }

  /// The same template once more, for a thread of its own (see `Program.replica()`).
  func replica() -> ConstraintTemplate { ConstraintTemplate(copying: self) }

  private static func isOfGroup(_ apiVersion: String) -> Bool {
    apiVersion.utf8.starts(with: "\(group)/".utf8)
  }

  /// Whether it is asked about requests of an operation.
  func isAsked(about operation: AdmissionRequest.Operation) -> Bool {
    operations?.contains(operation) ?? true
  }

  /// `operations` of the target, which the template is asked about alone (Gatekeeper documentation, "Constraint Templates").
  private static func operations(
    _ template: Value
  ) throws(GatekeeperError) -> [AdmissionRequest.Operation]? {
    let value = template["spec"]?["targets"]?.array?.first?["operations"] ?? .null
    if value == .null || value == .array([]) { return nil }
    guard let names = value.array else { throw .template("operations must be a list of strings") }
    var operations: [AdmissionRequest.Operation] = []
    for name in names {
      guard let text = name.string else { throw .template("operations must be a list of strings") }
      if text == "*" { return nil }
      guard let operation = AdmissionRequest.Operation(rawValue: text) else {
        throw .template("operations must be CREATE, UPDATE, DELETE, CONNECT or *, but one is \(text)")
      }
      operations.append(operation)
    }
    return operations
  }

  // MARK: Sources

  private struct Source {
    var rego: String
    var libraries: [String]
    var dialect: Dialect

    /// The template's own module first.
    func modules(file: String) throws(GatekeeperError) -> [Module] {
      var modules: [Module] = []
      do throws(RegoErrors) {
        modules.append(try RegoParser.module(rego, file: file, dialect: dialect))
        for (index, library) in libraries.enumerated() {
          modules.append(try RegoParser.module(library, file: "\(file)#libs[\(index)]", dialect: dialect))
        }
      } catch {
        throw .template("\(error)")
      }
      for module in modules.dropFirst()
      where module.package.path.first != "lib" || module.package.path.count < 2 {
        throw .template("\(module.package.location.file): the package of a library must be lib.NAME")
      }
      let rules = modules[0].rules
      let isDefined = rules.contains { rule in
        guard case .variable("violation")? = rule.head.reference.first?.kind else { return false }
        return rule.head.arguments == nil
      }
      if !isDefined { throw .template("missing rule violation in \(file)") }
      return modules
    }
  }

  private static func source(of template: Value) throws(GatekeeperError) -> Source {
    let targets = template["spec"]?["targets"]?.array ?? []
    guard targets.count == 1, let target = targets.first else {
      throw .template("expected exactly 1 item in targets, got \(targets.count)")
    }
    guard target["target"]?.string == self.target else {
      throw .template("the target must be \(self.target), but is \(target["target"]?.string ?? "not given")")
    }
    for code in target["code"]?.array ?? [] where code["engine"]?.string == "Rego" {
      guard let source = code["source"], let rego = source["rego"]?.string else {
        throw .template("the Rego engine's source has no rego")
      }
      let dialect: Dialect
      switch source["version"]?.string {
      case nil, "", "v0": dialect = .v0
      case "v1": dialect = .v1
      case let other?: throw .template("the Rego version must be v0 or v1, but is \(other)")
      }
      return Source(rego: rego, libraries: try libraries(source["libs"]), dialect: dialect)
    }
    guard let rego = target["rego"]?.string, !rego.isEmpty else {
      throw .template("the target has no Rego, and other engines are not supported")
    }
    return Source(rego: rego, libraries: try libraries(target["libs"]), dialect: .v0)
  }

  private static func libraries(_ value: Value?) throws(GatekeeperError) -> [String] {
    guard let value, value != .null else { return [] }
    let texts = value.array?.compactMap(\.string)
    guard let texts, texts.count == value.array?.count else {
      throw .template("libs must be a list of strings")
    }
    return texts
  }
}

/// What a template's Rego refers to: libraries of its own, and the inventory.
private enum TemplateReferences {
  /// Whether `data.inventory` is among what modules refer to.
  ///
  /// - Throws: ``GatekeeperError/template(_:)`` for any other document of `data`.
  static func check(_ modules: [Module]) throws(GatekeeperError) -> Bool {
    var readsInventory = false
    var problem: String?
    func note(_ path: [RegoString], at location: Location) {
      if path.first == "inventory" {
        readsInventory = true
      } else if path.first != "lib" {
        let name = (["data"] + path.map(\.string)).joined(separator: ".")
        problem =
          problem
          ?? "\(location.file):\(location.line):\(location.column): invalid ref: disallowed ref \(name)"
      }
    }
    for module in modules {
      for one in module.imports where one.path.first == "data" {
        note(Array(one.path.dropFirst()), at: one.location)
      }
      SyntaxWalk.terms(of: module) { term in
        guard case .reference(let head, let operands) = term.kind, case .variable("data") = head.kind else {
          return
        }
        var path: [RegoString] = []
        for operand in operands {
          guard case .string(let part) = operand.kind else { break }
          path.append(part)
        }
        note(path, at: term.location)
      }
    }
    if let problem { throw .template(problem) }
    return readsInventory
  }
}
