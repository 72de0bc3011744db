import Foundation
import Rego

/// One case of OPA's compliance suite.
public struct RegoCase: Sendable {
  public let category: String
  public let note: String
  let query: String
  public let modules: [String]
  let data: Value
  let input: Value?
  let inputTerm: String?
  let wantResult: [Value]?
  let wantErrorCode: String?
  let wantError: String?
  let strictErrors: Bool
  /// Whether the order of arrays among the results is free.
  let sortsBindings: Bool

  /// Every case below a folder whose sub-folders are categories.
  public static func load(_ folder: URL) throws -> [RegoCase] {
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    var cases: [RegoCase] = []
    let urls = (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "json" }
    for url in urls.sorted(by: { $0.path < $1.path }) {
      let document = try JSONReader.value([UInt8](Data(contentsOf: url)))
      let category = url.deletingLastPathComponent().lastPathComponent
      for element in document["cases"]?.array ?? [] { cases.append(RegoCase(element, category: category)) }
    }
    return cases
  }

  init(_ value: Value, category: String) {
    self.category = category
    note = value["note"]?.string ?? "?"
    query = value["query"]?.string ?? ""
    modules = value["modules"]?.array?.compactMap(\.string) ?? []
    data = value["data"] ?? .object(ObjectValue())
    input = value["input"]
    inputTerm = value["input_term"]?.string
    wantResult = value["want_result"]?.array
    wantErrorCode = value["want_error_code"]?.string
    wantError = value["want_error"]?.string
    strictErrors = value["strict_error"]?.boolean ?? false
    sortsBindings = value["sort_bindings"]?.boolean ?? false
  }

  /// What is wrong with the product's answer; nil where it is as wanted.
  ///
  /// - Parameters:
  ///   - isInstrumented: whether the evaluation is traced, which must change nothing.
  ///   - dialect: the one to write the modules in; the suite is written in v1.
  public func failure(isInstrumented: Bool = false, in dialect: Dialect = .v1) -> String? {
    let outcome: Result<[Value], RegoErrors>
    do {
      outcome = .success(try results(isInstrumented: isInstrumented, in: dialect))
    } catch let errors as RegoErrors {
      outcome = .failure(errors)
    } catch let error as RegoError {
      outcome = .failure(RegoErrors([error]))
    } catch {
      return "unexpected: \(error)"
    }
    switch outcome {
    case .failure(let errors):
      if wantErrorCode == nil && wantError == nil { return "error: \(errors)" }
      if let wantErrorCode, !errors.errors.contains(where: { $0.code.rawValue == wantErrorCode }) {
        return "wants code \(wantErrorCode), got \(errors)"
      }
      // Foundation finds no empty text in any text.
      if let wantError, !wantError.isEmpty,
        !errors.errors.contains(where: { $0.withoutColumn.contains(wantError) })
      {
        return "wants error \(wantError), got \(errors)"
      }
      return nil
    case .success(let results):
      if wantErrorCode != nil || wantError != nil {
        return "wants error \(wantErrorCode ?? "") \(wantError ?? ""), got \(Value.array(results))"
      }
      guard let wantResult else { return nil }
      guard RegoCase.sameMembers(results, wantResult, anyOrder: sortsBindings) else {
        return "wants \(Value.array(wantResult)), got \(Value.array(results))"
      }
      return nil
    }
  }

  /// The program that the case's modules and its query make, from their text.
  func program(isInstrumented: Bool = false, in dialect: Dialect = .v1) throws -> Program {
    var parsed: [Module] = []
    for (index, source) in modules.enumerated() {
      let text = dialect == .v1 ? source : try V0Printer.text(of: source)
      parsed.append(try RegoParser.module(text, file: "test-\(index).rego", dialect: dialect))
    }
    var options = RegoCompiler.Options()
    options.isInstrumented = isInstrumented
    return try RegoCompiler(options).compile(parsed, queries: [try RegoParser.query(query)])
  }

  private func results(isInstrumented: Bool, in dialect: Dialect) throws -> [Value] {
    let program = try program(isInstrumented: isInstrumented, in: dialect)
    let context = BuiltinContext(nowNanoseconds: Int(Date().timeIntervalSince1970 * 1e9))
    let evaluation = Evaluation(
      program, input: try inputValue(), data: data, context: context,
      limits: EvaluationLimits(deadline: .now + .seconds(20)), strictBuiltinErrors: strictErrors)
    if isInstrumented { evaluation.trace(withValues: true) { _ in } }
    return try evaluation.results().map { result in
      .object(ObjectValue(result.bindings.map { (.string($0.name), $0.value) }))
    }
  }

  private func inputValue() throws -> Value? {
    guard let inputTerm else { return input }
    let program = try RegoCompiler().compile([], queries: [try RegoParser.query("__value := \(inputTerm)")])
    let evaluation = Evaluation(program, input: nil, context: BuiltinContext(nowNanoseconds: 0))
    return try evaluation.results().first?.bindings.first { $0.name == "__value" }?.value
  }

  /// Whether the value is what the suite wants; the suite writes sets as arrays.
  private static func matches(_ value: Value, _ want: Value, anyOrder: Bool) -> Bool {
    switch (value, want) {
    case (.set(let set), .array(let wanted)): return sameMembers(set.elements, wanted, anyOrder: anyOrder)
    case (.array(let elements), .array(let wanted)):
      if anyOrder { return sameMembers(elements, wanted, anyOrder: true) }
      return elements.count == wanted.count
        && zip(elements, wanted).allSatisfy { matches($0, $1, anyOrder: false) }
    case (.object(let object), .object(let wanted)):
      return object.count == wanted.count
        && object.allSatisfy { key, value in
          let key = key.string ?? key.json
          return wanted[key].map { matches(value, $0, anyOrder: anyOrder) } ?? false
        }
    default: return value == want
    }
  }

  private static func sameMembers(_ values: [Value], _ wanted: [Value], anyOrder: Bool) -> Bool {
    guard values.count == wanted.count else { return false }
    var rest = wanted
    for value in values {
      guard let match = rest.firstIndex(where: { matches(value, $0, anyOrder: anyOrder) }) else {
        return false
      }
      rest.remove(at: match)
    }
    return true
  }
}
