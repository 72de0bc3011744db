import Foundation
import Testing

@Suite("review")
struct ReviewTests {
  @Test("Each sample gets its answer", arguments: Samples.verdicts.map(\.name))
  func samples(_ name: String) async throws {
    let isAllowed = Samples.verdicts.first { $0.name == name }?.isAllowed ?? false
    let folder = try TemporaryFolder()
    let run = try await CommandRun.run(
      ["review", Samples.review(name), "--inventory", Samples.cluster], in: folder.url)
    #expect(run.status == (isAllowed ? 0 : 1), "\(run.errors)")
    #expect(run.output.contains(#""allowed":\#(isAllowed)"#))
    let version = name.hasSuffix("v1beta1") ? "v1beta1" : "v1"
    #expect(run.output.contains(#""apiVersion":"admission.k8s.io/\#(version)""#))
    #expect(run.output.contains(#""status":{"code":403,"reason":"Forbidden""#) == !isAllowed)
    #expect(run.output.last == "\n" && run.output.count { $0 == "\n" } == 1)
  }

  @Test(
    "The README shows what is printed",
    arguments: [
      [
        "manifests/samples/reviews/networkpolicy-without-ingress.json", "--inventory",
        "manifests/samples/cluster",
      ],
      [
        "manifests/samples/protected/label-change.json", "--builtin", "all,protected_workloads",
        "--inventory",
        "manifests/samples/protected/cluster",
      ],
    ])
  func readme(arguments: [String]) async throws {
    let run = try await CommandRun.run(["review"] + arguments, in: Samples.package)
    #expect(run.status == 1, "\(run.errors)")
    let readme = try String(contentsOf: Samples.package.appendingPathComponent("README.md"), encoding: .utf8)
    #expect(readme.contains(run.output), "\(run.output)")
  }

  static let cases: [CommandCase] = [
    CommandCase(
      name: "several at once, one refused",
      arguments: [
        "review", Samples.review("networkpolicy-with-ingress"),
        Samples.review("networkpolicy-without-ingress"),
      ],
      status: 1, outputHas: ["\"allowed\":true", "}\n{", "\"allowed\":false"]),
    CommandCase(
      name: "indented",
      arguments: ["review", "--format", "pretty", Samples.review("networkpolicy-with-ingress")],
      outputHas: ["\n    \"allowed\": true"]),
    CommandCase(
      name: "YAML from standard input", arguments: ["review", "-"],
      input: """
        kind: AdmissionReview
        apiVersion: admission.k8s.io/v1
        request:
          uid: u-1
          kind: {group: networking.k8s.io, version: v1, kind: NetworkPolicy}
          namespace: shop
          operation: CREATE
          object:
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: closed, namespace: shop}
            spec: {podSelector: {}}
        """, status: 1, outputHas: [#""uid":"u-1""#, #""allowed":false"#]),
    CommandCase(
      name: "JSON that is no review", arguments: ["review", "a.json"],
      files: ["a.json": "{\"kind\": \"Pod\"}"], status: 2,
      output: "", errorsHave: ["a.json: ", "AdmissionReview"]),
    CommandCase(
      name: "a review without a uid", arguments: ["review", "a.json"],
      files: ["a.json": #"{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {}}"#],
      status: 2,
      output: "", errorsHave: ["a.json: ", "request.uid"]),
    CommandCase(
      name: "a broken file beside one that is refused",
      arguments: ["review", "a.json", Samples.review("networkpolicy-without-ingress")],
      files: ["a.json": "{\"kind\":"],
      status: 2, outputHas: ["\"allowed\":false"], errorsHave: ["a.json:1:9: unexpected end of JSON input"]),
    CommandCase(
      name: "no file", arguments: ["review"], status: 2, output: "", errorsHave: ["<file>"]),
    CommandCase(
      name: "a file that is not there", arguments: ["review", "none.json"], status: 2, output: "",
      errorsHave: ["none.json: cannot be read: no such file or directory"]),
    CommandCase(
      name: "an inventory that cannot be read",
      arguments: ["review", Samples.review("networkpolicy-with-ingress"), "--inventory", "a.yaml"],
      files: ["a.yaml": "a: [\n"], status: 2, output: "", errorsHave: ["a.yaml:2:"]),
  ]

  @Test("Answers and errors", arguments: cases)
  func review(_ command: CommandCase) async throws { try await command.check() }
}
