import Foundation
import Kubernetes
import Rego
import Testing

@testable import Admission

@Suite("Policy sets")
struct PolicySetTests {
  private func compile(_ texts: String..., hasInventory: Bool = true) throws -> PolicySet {
    try PolicyCompiler(hasInventory: hasInventory).compile(
      texts.enumerated().map { PolicySource(path: "\($0).rego", text: $1) })
  }

  @Test(
    "deny, violation and warn must be sets of messages",
    arguments: [
      ("deny[msg] if msg := \"a\"", "0.rego:3:1: deny must be a set"),
      ("deny := {\"a\"}", "this defines a single value"),
      ("deny contains 3 if true", "this is neither"),
      ("warn contains [\"a\"] if true", "warn must be a set"),
      ("violation contains {\"message\": \"a\"} if true", "this object has no msg"),
      ("violation contains {\"msg\": 1} if true", "the msg of this object is no string"),
      ("deny(x) := true", "this is a function"),
      ("default deny := false", "a set has no default"),
      ("allow := true", "defines none of deny, violation and warn"),
      ("deny contains x if y", "rego_unsafe_var_error"),
      ("deny contains \"a\" if {", "rego_parse_error"),
    ])
  func loadErrors(_ rule: String, _ expected: String) throws {
    let set = try compile("package a.p\n\n\(rule)\n")
    #expect(set.policies.isEmpty)
    #expect(set.quarantined.count == 1)
    let found = set.problems.map(\.description).joined(separator: "\n")
    #expect(found.contains(expected), "\(found)")
    #expect(found.hasPrefix("0.rego:"), "\(found)")
  }

  @Test("one that does not compile leaves the others alone, and every error is listed")
  func quarantine() throws {
    let set = try compile(
      "package a.good\ndeny contains \"x\" if true",
      "package a.bad\ndeny contains x if y\nwarn contains z if true",
      "package a.worse\n(")
    #expect(set.policies.map(\.name) == ["good"])
    #expect(set.quarantined.map(\.name).sorted() == ["2.rego", "bad"])
    #expect(set.problems.count >= 3)
  }

  @Test("the dialect is v1 or else v0, unless it is pinned")
  func dialects() throws {
    let old = "package a.old\ndeny[msg] { msg = \"x\" }"
    #expect(try compile(old).policies.count == 1)
    let sources = [PolicySource(path: "old.rego", text: old)]
    #expect(try PolicyCompiler(dialect: .v1).compile(sources).policies.isEmpty)
    #expect(try PolicyCompiler(dialect: .v0).compile(sources).policies.count == 1)
    #expect(try PolicyCompiler(dialect: .v0).compile(BuiltinPolicies.sources).policies.count == 2)
  }

  @Test("a policy's kinds are found through its rules, but not through thousands of them")
  func chainsOfRules() throws {
    func policy(_ count: Int) -> String {
      "package a.p\nimport rego.v1\ndeny contains \"x\" if r\(count)\nr0 if input.request.kind.kind == \"Pod\"\n"
        + (1...count).map { "r\($0) if { r\($0 - 1); r\($0 - 1) }\n" }.joined()
    }
    #expect(try compile(policy(30)).policies.first?.kindNames == ["Pod"])
    let set = try compile(policy(2_000))
    #expect(set.policies.count == 1)
    #expect(set.policies.first?.kindNames == nil)
  }

  @Test("libraries serve the policies that refer to them")
  func libraries() throws {
    let library =
      "package lib.names\nshort(x) if count(x) < 3\nknows if input.request.operation == \"DELETE\""
    let user = "package a.user\nimport data.lib.names\ndeny contains \"x\" if names.short(input.request.name)"
    let set = try compile(library, user, "package a.other\ndeny contains \"x\" if true")
    #expect(set.policies.map(\.name) == ["user", "other"])
    // The library knows of deletions, and so does the policy that uses it.
    #expect(set.policies[0].operations == AdmissionRequest.Operation.allCases)
    #expect(set.policies[1].operations == [.create, .update])
  }

  @Test("a broken library takes only those with it that use it")
  func brokenLibrary() throws {
    let set = try compile(
      "package lib.broken\nf(x) := y", "package a.user\ndeny contains \"x\" if data.lib.broken.f(1)",
      "package a.other\ndeny contains \"x\" if true",
      "package a.missing\ndeny contains \"x\" if not data.lib.gone.ok")
    #expect(set.policies.map(\.name) == ["other"])
    #expect(set.quarantined.map(\.name).sorted() == ["0.rego", "missing", "user"])
    #expect(set.problems.contains { $0.description == "3.rego:2:26: no library defines data.lib.gone.ok" })
  }

  @Test("files of one package are one policy; names of different packages must differ")
  func names() throws {
    let set = try compile(
      "package a.p\ndeny contains \"x\" if helper", "package a.p\nhelper if true",
      "package b.p\ndeny contains \"y\" if true")
    #expect(set.policies.map(\.name) == ["p"])
    #expect(set.policies[0].files == ["0.rego", "1.rego"])
    #expect(
      set.problems.map(\.description) == [
        "2.rego:1:1: a policy's name is the last part of its package, and \"p\" is taken by data.a.p in 0.rego, 1.rego"
      ])
  }

  @Test("a copy of a built-in policy is that policy; a changed one is refused")
  func copies() throws {
    let builtin = BuiltinPolicies.sources[0]
    let copy = PolicySource(path: "copy.rego", text: builtin.text)
    #expect(try PolicyCompiler().compile(BuiltinPolicies.sources + [copy]).policies.count == 2)
    let changed = PolicySource(path: "changed.rego", text: builtin.text + "\nwarn contains \"x\" if true\n")
    let set = try PolicyCompiler().compile(BuiltinPolicies.sources + [changed])
    #expect(set.problems.first?.message.contains("built-in policy ingress_rules_required") ?? false)
    #expect(try PolicyCompiler().compile([changed]).policies.count == 1)
  }

  @Test("policies may not define what the engine provides")
  func reservedPackages() throws {
    #expect(try !compile("package inventory.p\ndeny contains \"x\" if true").problems.isEmpty)
    #expect(try !compile("package parameters.p\ndeny contains \"x\" if true").problems.isEmpty)
  }

  @Test(
    "metadata that is not what it must be is a load error",
    arguments: [
      ("enforcement: no", "custom.enforcement: must be a string, but is a boolean"),
      ("severity: bad", "custom.severity: must be one of low, medium, high, critical"),
      ("match: {kind: Pod}", "custom.match.kind: unknown key"),
      ("match: {labels: {app: 1}}", "custom.match.labels: "),
      ("match: {kinds: ['*']}", "custom.match.kinds[0]: must be a kind such as Pod"),
      ("onError: ignore", "custom.onError: must be one of deny, allow"),
      ("strictBuiltinErrors: 1", "custom.strictBuiltinErrors: must be true or false"),
      ("inventory: yes", "custom.inventory: must be a string, but is a boolean"),
      ("parameters: {a: {type: text}}", "custom.parameters.a.type: must be one of any, boolean"),
      (
        "parameters: {a: {type: integer, default: 1.5}}",
        "custom.parameters.a.default: must be a whole number"
      ),
      (
        "parameters: {a: {type: array, items: string, default: [1]}}",
        "custom.parameters.a.default[0]: must be a string"
      ),
      ("parameters: {a: {enum: [1], default: 2}}", "custom.parameters.a.default: must be one of 1, but is 2"),
    ])
  func metadata(_ custom: String, _ expected: String) throws {
    let set = try compile("# METADATA\n# custom:\n#   \(custom)\npackage a.p\n\ndeny contains \"x\" if true")
    let found = set.problems.map(\.description).joined(separator: "\n")
    #expect(found.hasPrefix("0.rego:1:1: \(expected)"), "\(found)")
  }

  @Test("the built-in policies say what they judge")
  func builtins() throws {
    let set = try PolicyCompiler().compile(BuiltinPolicies.sources)
    #expect(set.problems.isEmpty, "\(set.problems)")
    #expect(set.policies.map(\.name) == ["ingress_rules_required", "workload_policy_required"])
    #expect(set.policies.map(\.kinds)[0] == ["NetworkPolicy"])
    #expect(set.policies[1].kinds?.count == 8)
    #expect(
      set.policies.allSatisfy { $0.operations == [.create, .update] && $0.settings.enforcement == .deny })
    #expect(set.policies.map(\.readsInventory) == [false, true])
  }

  @Test("without inventory the workload rule is not loaded, and that is said")
  func withoutInventory() throws {
    let set = try PolicyCompiler(hasInventory: false).compile(BuiltinPolicies.sources)
    #expect(set.policies.map(\.name) == ["ingress_rules_required"])
    #expect(set.problems.isEmpty)
    let report = StartupReport(
      AdmissionSnapshot(policies: set, inventory: nil),
      addresses: [("reviews", "https://127.0.0.1:8443/validate")])
    #expect(
      report.lines == [
        "reviews: https://127.0.0.1:8443/validate", "policies:",
        "  ingress_rules_required  deny  CREATE,UPDATE  NetworkPolicy  (built in)",
        "policy workload_policy_required is not loaded: it needs the cluster's objects, and there is no source of inventory",
        "inventory: none",
      ])
  }

  @Test(
    "kinds are known from what rules test",
    arguments: [
      ("deny contains \"x\" if input.request.kind.kind == \"Pod\"", ["Pod"]),
      ("deny contains \"x\" if \"Pod\" == input.request.kind.kind", ["Pod"]),
      ("deny contains \"x\" if input.request.kind.kind in {\"Pod\", \"Job\"}", ["Job", "Pod"]),
      ("deny contains \"x\" if applies\napplies if input.request.kind.kind = \"Pod\"", ["Pod"]),
      (
        "deny contains m if some m in messages\nmessages contains \"x\" if input.request.kind.kind == \"Pod\"",
        ["Pod"]
      ),
      (
        "deny contains \"x\" if input.request.kind.kind == \"Pod\"\nwarn contains \"x\" if input.request.kind.kind == \"Job\"",
        ["Job", "Pod"]
      ),
      ("deny contains \"x\" if not input.request.kind.kind == \"Pod\"", nil),
      ("deny contains \"x\" if input.request.kind.kind != \"Pod\"", nil),
      (
        "deny contains \"x\" if applies\ndefault applies := true\napplies := false if input.request.kind.kind == \"Pod\"",
        nil
      ),
      ("deny contains \"x\" if input.request.kind.kind == \"Pod\"\ndeny contains \"y\" if true", nil),
      ("deny contains \"x\" if input.request.kind.kind == \"Pod\" with input as {}", nil),
      (
        "deny contains \"x\" if { some applies in [true]; applies }\napplies if input.request.kind.kind == \"Pod\"",
        nil
      ),
    ])
  func testedKinds(_ rules: String, _ expected: [String]?) throws {
    let set = try compile("package a.p\n\(rules)")
    #expect(set.problems.isEmpty, "\(set.problems)")
    #expect(set.policies.first?.kinds == expected)
  }

  @Test("the files of folders are found, tests and hidden files passed over")
  func loader() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    for name in ["b.rego", "a/c.rego", "a/c_test.rego", ".hidden/d.rego", "notes.md"] {
      let file = folder.appending(path: name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("package x\n".utf8).write(to: file)
    }
    let found = try PolicyLoader.sources(at: [folder.path, folder.path + "/b.rego"])
    #expect(found.map { String($0.path.dropFirst(folder.path.count + 1)) } == ["a/c.rego", "b.rego"])
    let error = #expect(throws: PolicyProblems.self) {
      try PolicyLoader.sources(at: [folder.path + "/none", folder.path + "/.hidden/e", folder.path])
    }
    #expect(error?.problems.count == 2)
    try Data([0x70, 0xff]).write(to: folder.appending(path: "b.rego"))
    #expect(throws: PolicyProblems.self) { try PolicyLoader.sources(at: [folder.path]) }
  }

  @Test("names with stars match as they should")
  func patterns() {
    for (pattern, name, matches) in [
      ("a", "a", true), ("a", "ab", false), ("*", "", true), ("*", "x", true), ("a*", "a", true),
      ("*a", "ba", true),
      ("a*c", "abc", true), ("a*c", "ac", true), ("ab*bc", "abc", false), ("a*b*c", "axxbyyc", true),
      ("a*b*c", "acb", false), ("kube-*", "kube-system", true), ("kube-*", "my-kube-x", false),
      ("", "", true),
    ] {
      #expect(NamePattern(pattern).matches(RegoString(name)) == matches, "\(pattern) \(name)")
    }
  }
}
