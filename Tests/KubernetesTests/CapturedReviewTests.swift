import Rego
import Testing

@testable import Kubernetes

@Suite("Captured reviews", .enabled(if: SharedReviews.exist, SharedReviews.comment))
struct CapturedReviewTests {
  @Test("every review is understood", arguments: SharedReviews.names)
  func understood(_ name: String) throws {
    let review = try SharedReviews.review(name)
    let request = try AdmissionRequest(review: review)
    #expect(request.version == (name.hasPrefix("v1beta1") ? .v1beta1 : .v1))
    #expect(.string(request.uid) == review["request"]?["uid"])
    #expect(name.lowercased().contains("-\(request.operation.rawValue.lowercased())-"))
    #expect(name.contains(request.resource.resource.string))
    #expect(name.hasSuffix("scale.json") == (request.subResource == "scale"))
    #expect(request.name.utf8Count > 0)
    #expect((request.object == nil) == (request.operation == .delete))
    #expect((request.oldObject == nil) == (request.operation == .create))
    #expect(
      request.kind.kind == "Namespace"
        || request.metadata?.namespace ?? request.namespace == request.namespace)
    if let known = KindTable.builtin[request.kind] { #expect(known.resource == request.resource.resource) }
  }

  @Test(
    "a review of which only what is read was built is understood as the whole one is",
    arguments: SharedReviews.names)
  func projected(_ name: String) throws {
    let bytes = try SharedReviews.bytes(name)
    let shape = AdmissionRequest.shape.union(AdmissionRequest.labelShape)
    let part = try bytes.withUnsafeBytes { try JSONReader.project($0, shape: shape) }
    let projected = try AdmissionRequest(review: part)
    let whole = try AdmissionRequest(review: SharedReviews.review(name))
    #expect(projected.version == whole.version)
    #expect(projected.uid == whole.uid)
    #expect(projected.kind == whole.kind)
    #expect(projected.subResource == whole.subResource)
    #expect(projected.reference == whole.reference)
    #expect(projected.operation == whole.operation)
    #expect(projected.username == whole.userInfo.username)
    #expect(projected.isDryRun == whole.isDryRun)
    for (part, whole) in [(projected.metadata, whole.metadata), (projected.oldMetadata, whole.oldMetadata)] {
      #expect(part?.labels == whole?.labels)
      #expect(part?.owners.count == whole?.owners.count)
    }
    #expect(!part.json.contains("managedFields"))
  }

  @Test(
    "whatever is of another type than it should be is found in what is read of a review, too",
    arguments: [
      "requestKind.group", "resource.version", "userInfo.username", "userInfo.groups.0",
      "object.metadata.uid",
      "object.metadata.labels.a", "object.metadata.annotations.a", "object.metadata.deletionTimestamp",
      "object.metadata.ownerReferences.0.name", "object.spec.template.metadata.labels.a", "options", "dryRun",
    ])
  func wrongTypes(_ path: String) throws {
    // The path leads to a number, which none of these is; a digit is a place in an array.
    let wrong = path.split(separator: ".").reversed().reduce(Value.int(7)) { value, key in
      key == "0" ? .array([value]) : [.string(String(key)): value]
    }
    func merged(_ a: Value, _ b: Value) -> Value {
      guard case .object(let a) = a, case .object(let b) = b else { return b }
      return .object(b.reduce(a) { $0.inserting($1.0, merged($0[$1.0] ?? .object(ObjectValue()), $1.1)) })
    }
    let review = merged(
      [
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": [
          "uid": "1", "operation": "CREATE",
          "kind": ["group": "apps", "version": "v1", "kind": "Deployment"],
          "object": ["metadata": ["name": "a"]],
        ],
      ], ["request": wrong])
    let whole = #expect(throws: AdmissionReviewError.self) { try AdmissionRequest(review: review) }
    let part = try Array(review.json.utf8).withUnsafeBytes {
      try JSONReader.project($0, shape: AdmissionRequest.shape)
    }
    let projected = #expect(throws: AdmissionReviewError.self) { try AdmissionRequest(review: part) }
    #expect(projected == whole)
  }

  @Test(
    "nothing of a Secret is left in what is printed",
    arguments: SharedReviews.names.filter { $0.contains("secrets") })
  func secrets(_ name: String) throws {
    let review = try SharedReviews.review(name)
    #expect(review.json.contains("hunter2") && review.json.contains("aHVudGVyMg=="))
    let masked = SecretMask.masked(review).json
    #expect(!masked.contains("hunter2") && !masked.contains("aHVudGVyMg=="))
    #expect(masked.contains("\"password\":\"<masked>\""))
    let mask = try #require(SecretMask(of: review))
    let text = mask.masking(review.json)
    #expect(!text.contains("hunter2") && !text.contains("aHVudGVyMg=="))
  }
}
