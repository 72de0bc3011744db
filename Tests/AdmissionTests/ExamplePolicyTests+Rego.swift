import Connectivity
import Foundation
import Kubernetes
import Rego
import Testing

@testable import Admission

extension ExamplePolicyTests {
  static let names = (try? Files.examples().map(\.name)) ?? []

  @Test("the tests of every example pass", arguments: names)
  func regoTests(_ name: String) throws {
    let example = try #require(try Files.examples().first { $0.name == name })
    var options = RegoCompiler.Options()
    options.builtins = BuiltinRegistry.policies
    options.isInstrumented = true
    let policy = try RegoParser.module(example.policy.text, file: example.policy.path)
    let tests = try RegoParser.module(example.tests.text, file: example.tests.path)
    let program = try RegoCompiler(options).compile([policy, tests])
    var seen: Set<Int> = []
    let rules = tests.rules.compactMap { rule -> String? in
      guard case .variable(let name)? = rule.head.reference.first?.kind, name.hasPrefix("test_") else {
        return nil
      }
      return name
    }
    #expect(rules.count >= 4)
    for rule in rules {
      let evaluation = Evaluation(program, input: nil, context: BuiltinContext(nowNanoseconds: 0))
      evaluation.trace { event in
        guard event.operation == .evaluate, event.location.file == example.policy.path else { return }
        seen.insert(event.location.line)
      }
      let value = try evaluation.value(at: tests.package.path + [RegoString(rule)])
      #expect(value == true, "\(example.tests.path): \(rule); builtin errors: \(evaluation.builtinErrors)")
    }
    let lines = Set(policy.rules.flatMap { Self.lines(of: $0) })
    #expect(lines.subtracting(seen).sorted() == [], "lines of \(example.policy.path) that no test reaches")
  }

  /// The lines on which a rule's expressions begin.
  private static func lines(of rule: Rule) -> [Int] {
    func lines(of body: Body) -> [Int] {
      body.expressions.flatMap { expression -> [Int] in
        guard case .every(_, _, _, let inner) = expression.kind else { return [expression.location.line] }
        return [expression.location.line] + lines(of: inner)
      }
    }
    return lines(of: rule.body) + rule.elseBranch.flatMap { Self.lines(of: $0) }
  }
}
