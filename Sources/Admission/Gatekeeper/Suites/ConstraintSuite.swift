import Foundation
import Rego

/// A suite of tests of Constraints, as `gator verify` runs it (Gatekeeper documentation, "The gator CLI", "Suites").
public struct ConstraintSuite: Sendable {
  /// A template with a constraint, and what the constraint must say of objects.
  struct Test: Sendable {
    var name: String
    var template: String
    var constraint: String
    var cases: [Case]
    /// Whether the constraint must break the template's schema.
    var isInvalid: Bool
    var isSkipped: Bool
  }

  struct Case: Sendable {
    var name: String
    var object: String
    var inventory: [String]
    var assertions: [Assertion]
    var isSkipped: Bool
  }

  /// How many violations there must be of those whose message matches.
  struct Assertion: Sendable {
    enum Count: Sendable {
      case some
      case none
      case exactly(Int)
      /// Some other word: the case fails, and no other.
      case unknown
    }

    var violations: Count
    var message: String?
  }

  /// The path as it was asked for.
  public let path: String
  let tests: [Test]
  let isSkipped: Bool

  /// The folder that the suite's paths are relative to.
  var folder: String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }

  private static let group = "test.gatekeeper.sh"

  /// Reads a suite; nil where the file holds something else.
  ///
  /// - Throws: ``PolicyProblem`` where it cannot be read, or is no well-formed suite.
  init?(file: String, path: String) throws(PolicyProblem) {
    guard let document = try SuiteFiles.parsed(file).first, document.value["kind"] == "Suite",
      (document.value["apiVersion"]?.string ?? "").utf8.starts(with: "\(Self.group)/".utf8)
    else { return nil }
    self.path = path
    let suite = SuiteFields(value: document.value, file: file, positions: document.positions)
    isSkipped = try suite.flag("skip")
    tests = try suite.list("tests").map { (test) throws(PolicyProblem) in
      Test(
        name: try test.text("name"), template: try test.text("template"),
        constraint: try test.text("constraint"),
        cases: try test.list("cases").map { (one) throws(PolicyProblem) in try Self.read(one) },
        isInvalid: try test.flag("invalid"), isSkipped: try test.flag("skip"))
    }
  }

  private static func read(_ one: SuiteFields) throws(PolicyProblem) -> Case {
    Case(
      name: try one.text("name"), object: try one.text("object"), inventory: try one.texts("inventory"),
      assertions: try one.list("assertions").map { (assertion) throws(PolicyProblem) in
        Assertion(
          violations: try assertion.count(),
          message: assertion.value["message"] == nil ? nil : try assertion.text("message"))
      }, isSkipped: try one.flag("skip"))
  }
}

/// Reads the fields of a part of a suite.
private struct SuiteFields {
  let value: Value
  let file: String
  let positions: YAMLPositions
  /// Where the part stands in its document.
  var path: [Value] = []

  private func problem(_ name: String, _ expected: String, field: String? = nil) -> PolicyProblem {
    let place = positions.nearestPosition(to: path + [.string(field ?? name)])
    return PolicyProblem(
      file: file, line: place.line, column: place.column,
      message: "invalid yaml: \(name) must be \(expected)")
  }

  private func field(_ name: String) -> Value? { value[name].flatMap { $0 == .null ? nil : $0 } }

  /// Empty where the field is not given.
  func text(_ name: String) throws(PolicyProblem) -> String {
    guard let field = field(name) else { return "" }
    guard let text = field.string else { throw problem(name, "a string") }
    return text
  }

  func texts(_ name: String) throws(PolicyProblem) -> [String] {
    let elements = try elements(name)
    let texts = elements.compactMap(\.string)
    guard texts.count == elements.count else { throw problem(name, "a list of strings") }
    return texts
  }

  func flag(_ name: String) throws(PolicyProblem) -> Bool {
    guard let field = field(name) else { return false }
    guard let flag = field.boolean else { throw problem(name, "true or false") }
    return flag
  }

  func list(_ name: String) throws(PolicyProblem) -> [SuiteFields] {
    try elements(name).enumerated().map { index, element in
      SuiteFields(
        value: element, file: file, positions: positions, path: path + [.string(name), .int(index)])
    }
  }

  private func elements(_ name: String) throws(PolicyProblem) -> [Value] {
    guard let field = field(name) else { return [] }
    guard let list = field.array else { throw problem(name, "a list") }
    return list
  }

  /// `yes` and `no` are words here, and booleans in the YAML of Kubernetes.
  func count() throws(PolicyProblem) -> ConstraintSuite.Assertion.Count {
    switch field("violations") {
    case nil, .boolean(true)?, "yes"?: return .some
    case .boolean(false)?, "no"?: return .none
    case .string?: return .unknown
    case let value?:
      guard let count = value.int else {
        throw problem(
          "assertion.violation, if set,", "a nonnegative integer, \"yes\", or \"no\"", field: "violations")
      }
      return .exactly(count)
    }
  }
}

/// The files of suites.
public enum SuiteFiles {
  /// The suites that a path means: a file; the suites of a folder; and for `FOLDER/...` those of its sub-folders too. A folder
  /// without a suite of its own is taken with its sub-folders.
  ///
  /// - Throws: ``PolicyProblems`` where a file cannot be read, or is a malformed suite.
  public static func suites(at path: String) throws(PolicyProblems) -> [ConstraintSuite] {
    var folder = path
    var isRecursive = false
    if path.hasSuffix("/...") {
      folder = String(path.dropLast(3))
      isRecursive = true
    } else if path.utf8.elementsEqual("...".utf8) {
      folder = "./"
      isRecursive = true
    }
    do throws(PolicyProblem) {
      guard try FileText.isFolder(folder) else {
        if isRecursive {
          throw PolicyProblem(
            file: folder, message: "can only recursively traverse directories, not a directory")
        }
        if !isYAML(path) { throw PolicyProblem(file: path, message: "unsupported extension") }
        return try ConstraintSuite(file: path, path: path).map { [$0] } ?? []
      }
      let files = try FileText.files(in: folder, where: isYAML)
      let prefix = folder.hasSuffix("/") ? folder : "\(folder)/"
      let direct = try suites(files.filter { !$0.dropFirst(prefix.count).contains("/") })
      return isRecursive || direct.isEmpty ? try suites(files) : direct
    } catch {
      throw PolicyProblems([error])
    }
  }

  private static func suites(_ files: [String]) throws(PolicyProblem) -> [ConstraintSuite] {
    var suites: [ConstraintSuite] = []
    for file in files.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      if let suite = try ConstraintSuite(file: file, path: file) { suites.append(suite) }
    }
    return suites
  }

  private static func isYAML(_ name: String) -> Bool { name.hasSuffix(".yaml") || name.hasSuffix(".yml") }

  /// The documents of a YAML file that are not empty.
  static func documents(_ file: String) throws(PolicyProblem) -> [Value] { try parsed(file).map(\.value) }

  /// The same with where their parts stand.
  fileprivate static func parsed(_ file: String) throws(PolicyProblem) -> [YAMLDocument] {
    let data = try FileText.data(file)
    var documents: [YAMLDocument] = []
    for result in data.withUnsafeBytes({ YAMLReader.documents($0, file: file) }) {
      do throws(YAMLError) {
        let document = try result.get()
        if document.value != .null { documents.append(document) }
      } catch {
        throw PolicyProblem(file: file, message: "\(error)")
      }
    }
    return documents
  }
}
