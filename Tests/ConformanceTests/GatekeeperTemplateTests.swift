import ConformanceSuite
import Foundation
import Rego
import Testing

@Suite struct GatekeeperTemplateTests {
  /// The Rego of one ConstraintTemplate: the rule's source, then its libraries.
  static func sources(_ template: Value) -> [[String]] {
    (template["spec"]?["targets"]?.array ?? []).compactMap { target in
      if let rego = target["rego"]?.string {
        return [rego] + (target["libs"]?.array ?? []).compactMap(\.string)
      }
      for code in target["code"]?.array ?? [] where code["engine"]?.string == "Rego" {
        guard let source = code["source"], let rego = source["rego"]?.string else { continue }
        return [rego] + (source["libs"]?.array ?? []).compactMap(\.string)
      }
      return nil
    }
  }

  @Test("every template of Gatekeeper's library parses and compiles")
  func templates() throws {
    guard let folder = SharedSuites.path("conformance/gatekeeper-library") else {
      print("skipped: no conformance/gatekeeper-library beside the checkout; set PORTCULLIS_SHARED")
      return
    }
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    let templates = (files?.compactMap { $0 as? URL } ?? []).filter {
      $0.lastPathComponent == "template.yaml"
    }
    #expect(templates.count > 20)
    for url in templates {
      for result in YAMLReader.documents(try String(contentsOf: url, encoding: .utf8), file: url.path) {
        let document = try result.get()
        for sources in Self.sources(document.value) {
          do {
            var modules: [Module] = []
            for (index, source) in sources.enumerated() {
              let target = document.value["spec"]?["targets"]?.array?.first
              let version = target?["code"]?.array?.first?["source"]?["version"]
              modules.append(
                try RegoParser.module(
                  source, file: "\(url.path)#\(index)", dialect: version?.string == "v1" ? .v1 : .v0))
            }
            _ = try RegoCompiler().compile(modules)
          } catch {
            Issue.record("\(url.path): \(error)")
          }
        }
      }
    }
  }
}
