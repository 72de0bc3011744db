import Foundation
import Kubernetes
import Rego

/// Runs suites of tests of Constraints.
public struct SuiteRunner {
  private let filter: SuiteFilter
  /// Templates by their files: many tests share one.
  private var templates: [String: Result<ConstraintTemplate, SuiteFailure>] = [:]
  private let nowNanoseconds: Int
  /// How long one case may take.
  private static let timeout: Duration = .seconds(10)

  public init(filter: SuiteFilter, nowNanoseconds: Int) {
    self.filter = filter
    self.nowNanoseconds = nowNanoseconds
  }

  public mutating func run(_ suite: ConstraintSuite) -> SuiteResult {
    let start = ContinuousClock.now
    var result = SuiteResult(path: suite.path)
    if suite.isSkipped {
      result.isSkipped = true
      return result
    }
    for test in suite.tests { result.tests.append(run(test, in: suite.folder)) }
    result.duration = ContinuousClock.now - start
    return result
  }

  private mutating func run(_ test: ConstraintSuite.Test, in folder: String) -> SuiteResult.Test {
    let start = ContinuousClock.now
    var result = SuiteResult.Test(name: test.name)
    if test.isSkipped || !filter.matches(test) {
      result.isSkipped = true
      return result
    }
    do throws(SuiteFailure) {
      let (template, constraint) = try constraint(of: test, in: folder)
      if test.isInvalid {
        throw SuiteFailure(
          "constraint should have failed schema validation: got error <nil> but want schema error")
      }
      for one in test.cases {
        result.cases.append(run(one, of: test, template, constraint, in: folder))
      }
    } catch {
      if !(test.isInvalid && error.isOfSchema) { result.error = error.message }
    }
    result.duration = ContinuousClock.now - start
    return result
  }

  private mutating func constraint(
    of test: ConstraintSuite.Test, in folder: String
  ) throws(SuiteFailure) -> (ConstraintTemplate, Constraint) {
    if test.template.isEmpty { throw SuiteFailure("invalid Suite: missing template") }
    let template = try template(at: Self.path(test.template, in: folder))
    if test.constraint.isEmpty { throw SuiteFailure("invalid Suite: missing constraint") }
    let file = Self.path(test.constraint, in: folder)
    let object = try Self.object(file)
    do throws(GatekeeperError) {
      return (template, try Constraint(object, of: template, file: file))
    } catch {
      throw SuiteFailure(error)
    }
  }

  private mutating func template(at file: String) throws(SuiteFailure) -> ConstraintTemplate {
    if let known = templates[file] { return try known.get() }
    let result = Result { () throws(SuiteFailure) in
      let object = try Self.object(file)
      do throws(GatekeeperError) {
        return try ConstraintTemplate(object, file: file)
      } catch {
        throw SuiteFailure(error)
      }
    }
    templates[file] = result
    return try result.get()
  }

  // MARK: Cases

  private func run(
    _ one: ConstraintSuite.Case, of test: ConstraintSuite.Test, _ template: ConstraintTemplate,
    _ constraint: Constraint, in folder: String
  ) -> SuiteResult.Case {
    let start = ContinuousClock.now
    var result = SuiteResult.Case(name: one.name)
    if one.isSkipped || !filter.matches(case: one.name, of: test.name) {
      result.isSkipped = true
      return result
    }
    do throws(SuiteFailure) {
      try check(one, template, constraint, in: folder)
    } catch {
      result.error = error.message
    }
    result.duration = ContinuousClock.now - start
    return result
  }

  private func check(
    _ one: ConstraintSuite.Case, _ template: ConstraintTemplate, _ constraint: Constraint, in folder: String
  ) throws(SuiteFailure) {
    if one.object.isEmpty { throw SuiteFailure("invalid Case: must define object") }
    if one.assertions.isEmpty { throw SuiteFailure("invalid Case: assertions must be non-empty") }
    let file = Self.path(one.object, in: folder)
    let objects = try Self.objects(file)
    guard objects.count == 1 else {
      throw SuiteFailure(
        "object file must contain exactly one object: \"\(file)\" defines \(objects.count) objects")
    }
    var inventory = SuiteInventory()
    for path in one.inventory {
      for object in try Self.objects(Self.path(path, in: folder)) { try inventory.add(object) }
    }
    let review = try review(of: objects[0], namespaces: inventory.namespaces)
    let deadline = ContinuousClock.now + Self.timeout
    // A constraint that is enforced elsewhere alone says nothing here.
    let isAsked = !constraint.actions(at: EnforcementPoint.gator.rawValue).isEmpty
    let violations =
      isAsked
      ? template.violations(
        of: constraint, by: review, inventory: inventory.value,
        context: BuiltinContext(nowNanoseconds: nowNanoseconds, deadline: deadline),
        limits: EvaluationLimits(deadline: deadline)) : []
    for assertion in one.assertions { try assertion.check(violations.map(\.message)) }
  }

  private func review(
    of object: Value, namespaces: [RegoString: Value]
  ) throws(SuiteFailure) -> ConstraintReview {
    do throws(GatekeeperError) {
      let apiVersion = object["apiVersion"]?.string ?? ""
      if object["kind"] == "AdmissionReview", apiVersion.utf8.starts(with: "admission.k8s.io/".utf8) {
        return try ConstraintReview(request: object["request"] ?? .null, namespaces: namespaces)
      }
      return try ConstraintReview(object: object, namespaces: namespaces)
    } catch {
      throw SuiteFailure(error)
    }
  }

  // MARK: Files

  static func path(_ path: String, in folder: String) -> String {
    var parts: [Substring] = []
    let whole = "\(folder)/\(path)"
    for part in whole.split(separator: "/") where part != "." {
      // What leads out of the folder that the command runs in stays.
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    return (whole.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }

  private static func objects(_ file: String) throws(SuiteFailure) -> [Value] {
    let objects: [Value]
    do throws(PolicyProblem) {
      objects = try SuiteFiles.documents(file)
    } catch {
      throw SuiteFailure("\(error)")
    }
    if objects.isEmpty { throw SuiteFailure("missing objects: path \"\(file)\" defines no YAML objects") }
    return objects
  }

  private static func object(_ file: String) throws(SuiteFailure) -> Value {
    try objects(file)[0]
  }
}

/// Why a test or a case fails, in the words of `gator verify`.
struct SuiteFailure: Error {
  var message: String
  var isOfSchema = false

  init(_ message: String) { self.message = message }

  init(_ error: GatekeeperError) {
    message = "\(error)"
    isOfSchema = error.isOfSchema
  }
}

extension ConstraintSuite.Assertion {
  /// - Throws: how many there are, where that is not as it must be.
  func check(_ messages: [String]) throws(SuiteFailure) {
    var matching = messages
    // As in gator, an expression that nothing is compared with is not read.
    if let message, !messages.isEmpty {
      do throws(RegularExpressionError) {
        let expression = try RegularExpression(RegoString(message))
        matching = messages.filter { expression.matches(RegoString($0)) }
      } catch {
        throw SuiteFailure("message contains invalid regular expression: \(error)")
      }
    }
    let want: String
    switch violations {
    case .some where matching.isEmpty: want = "at least 1"
    case .none where !matching.isEmpty: want = "none"
    case .exactly(let count) where count != matching.count: want = "exactly \(count)"
    case .unknown:
      throw SuiteFailure(
        "invalid yaml: assertion.violation, if set, must be a nonnegative integer, \"yes\", or \"no\"")
    default: return
    }
    let containing = message.map { " containing \(Value.string($0))" } ?? ""
    throw SuiteFailure(
      "unexpected number of violations: got \(matching.count) violations\(containing) but want \(want): got messages "
        + "[\(messages.joined(separator: " "))]")
  }
}

/// The objects of a case beside the one that is reviewed, as `data.inventory` has them: unlike a cluster's they keep all they have.
private struct SuiteInventory {
  private(set) var value = Value.object(ObjectValue())
  /// The Namespaces among them, by name.
  private(set) var namespaces: [RegoString: Value] = [:]

  mutating func add(_ object: Value) throws(SuiteFailure) {
    let reviewed = ReviewedObject(object)
    let version = ReviewedObject.groupAndVersion(of: object).version
    guard version.utf8Count > 0, reviewed.kind.utf8Count > 0, let apiVersion = object["apiVersion"]?.string
    else {
      throw SuiteFailure(
        "unable to add object to data.inventory: resource \(reviewed.name) has no version or no kind")
    }
    if reviewed.isNamespace { namespaces[reviewed.name] = object }
    let place = reviewed.namespace.utf8Count == 0 ? ["cluster"] : ["namespace", reviewed.namespace.string]
    let path = place + [apiVersion, reviewed.kind.string, reviewed.name.string]
    value = Self.inserting(object, at: path[...], into: value)
  }

  private static func inserting(_ object: Value, at path: ArraySlice<String>, into value: Value) -> Value {
    guard let key = path.first else { return object }
    let members = value.object ?? ObjectValue()
    let inner = inserting(object, at: path.dropFirst(), into: members[key] ?? .object(ObjectValue()))
    return .object(members.inserting(.string(key), inner))
  }
}
