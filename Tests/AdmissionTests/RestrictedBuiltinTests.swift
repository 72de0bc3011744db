import Connectivity
import Foundation
import Kubernetes
import Rego
import Testing

@testable import Admission

@Suite("Restricted builtins")
struct RestrictedBuiltinTests {
  /// Each with a call.
  static let calls: [(name: String, call: String)] = [
    ("opa.runtime", "opa.runtime()"),
    ("net.lookup_ip_addr", #"net.lookup_ip_addr("localhost")"#),
    ("http.send", #"http.send({"method": "get", "url": "http://localhost"})"#),
    ("crypto.parse_private_keys", "crypto.parse_private_keys(input.a)"),
    ("crypto.x509.parse_keypair", "crypto.x509.parse_keypair(input.a, input.b)"),
    ("crypto.x509.parse_rsa_private_key", "crypto.x509.parse_rsa_private_key(input.a)"),
    ("io.jwt.encode_sign", "io.jwt.encode_sign({}, {}, {})"),
    ("io.jwt.encode_sign_raw", #"io.jwt.encode_sign_raw("", "", "")"#),
    ("providers.aws.sign_req", "providers.aws.sign_req({}, {}, 1)"),
  ]

  private func problems(_ source: String, allowed: [String] = []) throws -> [PolicyProblem] {
    try PolicyCompiler(allowedBuiltins: allowed).compile([PolicySource(path: "p.rego", text: source)])
      .problems
  }

  @Test("policies that use one are refused, unless the configuration names it", arguments: calls)
  func refuses(_ name: String, _ call: String) throws {
    let source = "package a.p\ndeny contains \"x\" if {\n  \(call)\n}\n"
    let problem = try #require(try problems(source).first)
    #expect(problem.line == 3 && problem.column == 3)
    #expect(problem.message.contains(": \(name): "))
    #expect(problem.message.contains("allowedBuiltins"))
    #expect(problem.report.contains("\n\t  \(call)\n\t  ^"))
    #expect(try problems(source, allowed: [name]).isEmpty)
    #expect(try problems(source, allowed: ["time.now_ns"]).count == 1)
  }

  @Test("these are all that there are, and the evaluator alone allows them")
  func all() throws {
    let builtins = BuiltinRegistry.policies.builtins.values
    #expect(builtins.filter(\.isRestricted).map(\.name).sorted() == Self.calls.map(\.name).sorted())
    for (_, call) in Self.calls {
      let module = try RegoParser.module("package a\np := \(call)", file: "p.rego", dialect: .v1)
      _ = try RegoCompiler().compile([module])
    }
  }

  @Test("a library that uses one is refused as well")
  func library() throws {
    let sources = [
      PolicySource(path: "p.rego", text: "package a.p\ndeny contains \"x\" if data.lib.l.f(\"a\")"),
      PolicySource(path: "l.rego", text: "package lib.l\nf(x) if opa.runtime()[x]"),
    ]
    let set = try PolicyCompiler().compile(sources)
    #expect(set.policies.isEmpty)
    #expect(set.problems.contains { $0.file == "l.rego" && $0.message.contains("opa.runtime") })
    #expect(try PolicyCompiler(allowedBuiltins: ["opa.runtime"]).compile(sources).policies.count == 1)
  }

  @Test("a name that no builtin has is an error of the configuration")
  func unknownName() throws {
    var configuration = Configuration()
    configuration.allowedBuiltins = ["opa.runtme"]
    let error = #expect(throws: PolicyProblems.self) {
      try configuration.policies(hasInventory: true, interner: StringInterner())
    }
    #expect(error?.description.contains("there is no builtin \"opa.runtme\"; those to allow are ") == true)
    configuration.allowedBuiltins = ["opa.runtime"]
    #expect(throws: Never.self) {
      try configuration.policies(hasInventory: true, interner: StringInterner())
    }
  }
}
