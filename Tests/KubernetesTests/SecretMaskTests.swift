import Rego
import Testing

@testable import Kubernetes

@Suite("Secrets")
struct SecretMaskTests {
  static let secret: Value = [
    "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
    "metadata": [
      "name": "s", "labels": ["app": "web"],
      "annotations": [
        "kubectl.kubernetes.io/last-applied-configuration": #"{"stringData":{"password":"hunter2"}}"#,
        "owner": "ann",
      ],
    ],
    "data": ["password": "aHVudGVyMg=="], "stringData": ["pin": "4711"],
  ]
  static let masked: Value = [
    "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
    "metadata": [
      "name": "s", "labels": ["app": "web"],
      "annotations": ["kubectl.kubernetes.io/last-applied-configuration": "<masked>", "owner": "ann"],
    ],
    "data": ["password": "<masked>"], "stringData": ["pin": "<masked>"],
  ]

  @Test("a Secret is masked wherever it stands")
  func masking() {
    #expect(SecretMask.masked(Self.secret) == Self.masked)
    #expect(
      SecretMask.masked(["kind": "List", "items": [Self.secret, "x"]]) == [
        "kind": "List", "items": [Self.masked, "x"],
      ])
    #expect(
      SecretMask.masked(["request": ["kind": ["kind": "Secret"], "object": Self.secret, "oldObject": .null]])
        == ["request": ["kind": ["kind": "Secret"], "object": Self.masked, "oldObject": .null]])
  }

  @Test("what is a Secret by its review or its list alone is masked too")
  func untyped() {
    #expect(
      SecretMask.masked(["request": ["kind": ["kind": "Secret"], "oldObject": ["data": ["a": "b"]]]])
        == ["request": ["kind": ["kind": "Secret"], "oldObject": ["data": ["a": "<masked>"]]]])
    #expect(
      SecretMask.masked(["kind": "SecretList", "items": [["data": ["a": "b"]]]])
        == ["kind": "SecretList", "items": [["data": ["a": "<masked>"]]]])
  }

  @Test("data of an unexpected shape is masked as a whole")
  func odd() {
    #expect(SecretMask.masked(["kind": "Secret", "data": "x"]) == ["kind": "Secret", "data": "<masked>"])
    #expect(SecretMask.masked(["kind": "Secret", "data": ["x"]]) == ["kind": "Secret", "data": "<masked>"])
    #expect(SecretMask.masked(["kind": "Secret", "data": .null]) == ["kind": "Secret", "data": .null])
  }

  @Test("other objects stay as they are")
  func others() {
    let configMap: Value = ["kind": "ConfigMap", "data": ["a": "b"], "spec": ["data": [1]]]
    #expect(SecretMask.masked(configMap) == configMap)
  }

  @Test("texts about a Secret's review hold nothing of it, encoded or decoded")
  func texts() throws {
    let review: Value = ["request": ["kind": ["kind": "Secret"], "object": Self.secret, "oldObject": .null]]
    let mask = try #require(SecretMask(of: review))
    #expect(
      mask.masking("password hunter2, aHVudGVyMg==, pin 4711") == "password <masked>, <masked>, pin <masked>")
    #expect(mask.masking("nothing") == "nothing")
  }

  @Test("contents are masked as JSON writes them too")
  func quotedTexts() throws {
    let object: Value = ["kind": "Secret", "stringData": ["key": "-----BEGIN\n<\"key\">\n"]]
    let mask = try #require(SecretMask(of: ["request": ["object": object]]))
    #expect(mask.masking(object.json) == #"{"kind":"Secret","stringData":{"key":"<masked>"}}"#)
    #expect(
      mask.masking(JSONWriter().string(object)) == #"{"kind":"Secret","stringData":{"key":"<masked>"}}"#)
  }

  @Test("reviews of other objects have no mask")
  func noMask() {
    #expect(SecretMask(of: ["request": ["kind": ["kind": "Pod"], "object": ["kind": "Pod"]]]) == nil)
    #expect(SecretMask(of: "x") == nil)
  }
}
