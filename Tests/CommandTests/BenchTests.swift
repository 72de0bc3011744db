import Foundation
import Rego
import Testing

@Suite("The command bench")
struct BenchTests {
  private static let policy = """
    package example

    import rego.v1

    deny contains "no owner" if {
      input.request.kind.kind == "Pod"
      not input.request.object.metadata.labels.owner
    }
    """

  private static let review = """
    {"request": {"kind": {"kind": "Pod"}, "operation": "CREATE", "object": {"metadata": {"labels": {}}}}}
    """

  @Test("prints the times of evaluations alone and with reading, and their allocations, as JSON")
  func json() async throws {
    let folder = try TemporaryFolder([
      "policies/policy.rego": Self.policy, "policies/policy_test.rego": "package broken {",
      "reviews/a.json": Self.review, "reviews/b.yaml": "request: {kind: {kind: Service}, operation: CREATE}",
    ])
    let run = try await CommandRun.run(
      [
        "bench", "--policies", "policies", "--input", "reviews", "--count", "20", "--format", "json",
        "data.example.deny",
      ], in: folder.url)
    #expect(run.status == 0, "\(run.errors)")
    let report = try JSONReader.value(run.output)
    for key: RegoString in ["eval_ns", "parse_eval_ns"] {
      let times = try #require(report.object?[key])
      let p50 = try #require(times["p50"]?.int)
      let p99 = try #require(times["p99"]?.int)
      #expect(p50 > 0)
      #expect(p99 >= p50)
    }
    #expect(report["inputs"] == 2)
    #expect(report["count"] == 20)
    let alone = try #require(report["eval_allocations"]?.number?.double)
    let whole = try #require(report["parse_eval_allocations"]?.number?.double)
    #expect(alone >= 1)
    #expect(whole > alone)
    #expect(run.errors.isEmpty)
  }

  @Test("prints a table, and says where there is nothing to time")
  func table() async throws {
    let folder = try TemporaryFolder(["policy.rego": Self.policy, "review.json": Self.review])
    let run = try await CommandRun.run(
      [
        "bench", "--policies", "policy.rego", "--input", "review.json", "--count", "5",
        "data.example.nothing",
      ], in: folder.url)
    #expect(run.status == 0)
    for text in ["eval only", "parse input and eval", "p50", "p99", "allocations"] {
      #expect(run.output.contains(text))
    }
    #expect(run.errors == "warning: the query is undefined for 1 of 1 inputs\n")
  }

  @Test(
    "exits with 2 where it cannot measure",
    arguments: [
      (["--policies", "/nonexistent", "data.a"], "/nonexistent: cannot be read"),
      (["--input", "/nonexistent", "data.a"], "/nonexistent: cannot be read"),
      (["--count", "0", "data.a"], "--count must be"),
      (["x > 1"], "rego_unsafe_var_error"),
    ])
  func failures(arguments: [String], message: String) async throws {
    let folder = try TemporaryFolder()
    let run = try await CommandRun.run(["bench"] + arguments, in: folder.url)
    #expect(run.status == 2)
    #expect(run.errors.contains(message))
  }
}
