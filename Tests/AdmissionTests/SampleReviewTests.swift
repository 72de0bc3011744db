import Foundation
import Rego
import Testing

@testable import Admission

@Suite("Sample reviews")
struct SampleReviewTests {
  private static let samples = Files.root.appending(path: "manifests/samples")

  /// The rows of the table in the samples' README: a review's name and its answer.
  private static let answers: [(name: String, answer: String)] = {
    let text = (try? Files.text(samples.appending(path: "README.md"))) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      guard cells.count == 5, cells[1].hasPrefix("`") else { return nil }
      return (cells[1].trimmingCharacters(in: ["`"]), cells[2])
    }
  }()

  @Test("get the answers that their README names, with the sample cluster as the inventory")
  func answers() throws {
    let files = try FileManager.default.contentsOfDirectory(
      atPath: Self.samples.appending(path: "reviews").path)
    #expect(files.sorted() == Self.answers.map { $0.name + ".json" }.sorted())
    let fixture = try Fixture(inventory: InventoryLoader.load([Self.samples.appending(path: "cluster").path]))
    for (name, answer) in Self.answers {
      let (decision, response) = try fixture.decide(
        Files.text(Self.samples.appending(path: "reviews/\(name).json")))
      #expect(response["allowed"] == .boolean(answer.hasPrefix("allowed")), "\(name): \(response.json)")
      #expect(["allowed", "denied", "allowed, with a warning"].contains(answer), "\(name)")
      #expect(
        decision.warnings.count == (answer.hasSuffix("with a warning") ? 1 : 0),
        "\(name): \(decision.warnings)")
      #expect(decision.failures.isEmpty && decision.builtinErrors.isEmpty, "\(name)")
    }
  }
}
