import Foundation
import Kubernetes
import Rego
import Testing

@testable import Admission

@Suite("Reviews captured from an API server")
struct CapturedReviewTests {
  /// Every review gets the expected answer, with the objects before it as inventory: what the API server stored then, since it asked a
  /// webhook that refused nothing.
  @Test("get the answers that are expected of the built-in policies")
  func expectedAnswers() throws {
    guard let shared = Files.shared else {
      print("skipped: ../shared is missing")
      return
    }
    let folder = shared.appending(path: "reviews")
    let expected = try JSONReader.value(try Files.text(folder.appending(path: "expected.json"))).array ?? []
    #expect(expected.count >= 37)
    var objects = InventoryBuilder()
    for entry in expected {
      let file = try #require(entry["review"]?.string)
      let text = try Files.text(folder.appending(path: file))
      let review = try JSONReader.value(text)
      let fixture = try Fixture(inventory: objects.build())
      let (decision, response) = try fixture.decide(text)

      #expect(decision.allowed == entry["allowed"]?.boolean, "\(file): \(decision)")
      #expect(response["allowed"] == entry["allowed"], "\(file)")
      #expect(response["uid"] == review["request"]?["uid"], "\(file)")
      #expect(decision.builtinErrors.isEmpty, "\(file): \(decision.builtinErrors)")
      #expect(decision.apiVersion == review["apiVersion"]?.string, "\(file)")
      let because = entry["because"]?.string ?? ""
      if because.hasPrefix("Ingress rules required") {
        let message = response["status"]?["message"]?.string ?? ""
        #expect(message.hasPrefix("ingress_rules_required: \(because)"), "\(file): \(message)")
        #expect(response["status"]?["code"] == 403)
      }
      if because.hasSuffix("a warning") {
        #expect(decision.warnings.count == 1, "\(file): \(decision.warnings)")
      }
      if file.contains("secrets") {
        let data = review["request"]?["object"]?["data"]?.object?.values.compactMap(\.string) ?? []
        #expect(!data.isEmpty)
        for secret in data { #expect(!response.json.contains(secret)) }
      }
      try apply(review, to: &objects)
    }
  }

  /// What the cluster holds after a request; a dry run leaves no trace, and so does what is asked of a subresource.
  private func apply(_ review: Value, to objects: inout InventoryBuilder) throws {
    let request = review["request"] ?? .null
    guard request["dryRun"] != true, request["subResource"] == nil else { return }
    switch request["operation"]?.string {
    case "DELETE": try objects.remove(request["oldObject"] ?? .null)
    default: try objects.add(request["object"] ?? .null)
    }
  }

  @Test("the samples' inventory is that of the reviews before them")
  func inventoryFollowsReviews() throws {
    guard let shared = Files.shared else { return }
    var objects = InventoryBuilder()
    let folder = shared.appending(path: "reviews")
    for name in ["068-create-networkpolicies.json", "071-create-networkpolicies.json"] {
      try apply(try JSONReader.value(try Files.text(folder.appending(path: name))), to: &objects)
    }
    let policies = objects.build().value["namespace"]?["shop"]?["networking.k8s.io/v1"]?["NetworkPolicy"]
    #expect(policies?.object?.keys == ["default-deny-all", "web"])
  }
}
