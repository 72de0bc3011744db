import ConformanceSuite
import Foundation
import Testing

@testable import Rego

private let missing: Testing.Comment = "the shared suites are not beside the checkout; set PORTCULLIS_SHARED"

private func files(_ folder: String, _ isWanted: (String) -> Bool) throws -> [URL] {
  let folder = try #require(SharedSuites.path(folder))
  let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
  return (files?.compactMap { $0 as? URL } ?? []).filter { isWanted($0.lastPathComponent) }
}

@Suite("Parsing what others wrote")
struct ParserSuiteTests {
  @Test(
    "every module, query and input of OPA's suite is v1",
    .enabled(if: SharedSuites.path("conformance/rego") != nil, missing))
  func complianceSuite() throws {
    var modules = 0
    var queries = 0
    for file in try files("conformance/rego", { $0.hasSuffix(".json") }) {
      let document = try JSONReader.value([UInt8](Data(contentsOf: file)))
      for element in document["cases"]?.array ?? [] {
        let note = element["note"]?.string ?? file.lastPathComponent
        for module in element["modules"]?.array?.compactMap(\.string) ?? [] {
          modules += 1
          #expect(throws: Never.self, "\(note)") {
            try RegoParser.module(module, file: "test.rego", dialect: .v1)
          }
        }
        let query = try #require(element["query"]?.string)
        queries += 1
        #expect(throws: Never.self, "\(note)") { try RegoParser.query(query) }
        if let term = element["input_term"]?.string {
          #expect(throws: Never.self, "\(note)") { try RegoParser.term(term) }
        }
      }
    }
    #expect(modules > 1000 && queries > 1000)
  }

  @Test(
    "every template of Gatekeeper's library is v0, with or without being told",
    .enabled(if: SharedSuites.path("conformance/gatekeeper-library") != nil, missing))
  func gatekeeperLibrary() throws {
    var sources = 0
    for file in try files("conformance/gatekeeper-library", { $0 == "template.yaml" }) {
      let template = try YAMLReader.value(String(contentsOf: file, encoding: .utf8))
      for target in template["spec"]?["targets"]?.array ?? [] {
        var holders = [target]
        for code in target["code"]?.array ?? [] where code["engine"]?.string == "Rego" {
          if let source = code["source"] { holders.append(source) }
        }
        for holder in holders {
          let libraries = holder["libs"]?.array?.compactMap(\.string) ?? []
          for source in libraries + [holder["rego"]?.string].compactMap({ $0 }) {
            sources += 1
            #expect(throws: Never.self, "\(file.path)") {
              try RegoParser.module(source, file: "template", dialect: .v0)
            }
            #expect(throws: Never.self, "\(file.path)") { try RegoParser.module(source, file: "template") }
          }
        }
      }
    }
    #expect(sources > 50)
  }

  @Test("the article's rule is v0", .enabled(if: SharedSuites.path("articles/rule.rego") != nil, missing))
  func article() throws {
    let file = try #require(SharedSuites.path("articles/rule.rego"))
    let module = try RegoParser.module(String(contentsOf: file, encoding: .utf8), file: "rule.rego")
    #expect(module.dialect == .v0)
    #expect(module.rules.map(\.description).first?.hasPrefix("deny contains msg {") == true)
  }

  @Test(
    "the benchmark's policies are v1",
    .enabled(if: SharedSuites.path("bench/policies/network.rego") != nil, missing))
  func benchmark() throws {
    let file = try #require(SharedSuites.path("bench/policies/network.rego"))
    let module = try RegoParser.module(String(contentsOf: file, encoding: .utf8), file: "network.rego")
    #expect(module.dialect == .v1)
  }
}
