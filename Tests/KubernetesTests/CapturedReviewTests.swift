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
    let part = try bytes.withUnsafeBytes { try JSONReader.project($0, shape: AdmissionRequest.shape) }
    let projected = try AdmissionRequest(review: part)
    let whole = try AdmissionRequest(review: SharedReviews.review(name))
    #expect(projected.version == whole.version)
    #expect(projected.uid == whole.uid)
    #expect(projected.kind == whole.kind)
    #expect(projected.requestKind == whole.requestKind)
    #expect(projected.resource == whole.resource)
    #expect(projected.subResource == whole.subResource)
    #expect(projected.reference == whole.reference)
    #expect(projected.operation == whole.operation)
    #expect(projected.userInfo == whole.userInfo)
    #expect(projected.isDryRun == whole.isDryRun)
    for (part, whole) in [(projected.metadata, whole.metadata), (projected.oldMetadata, whole.oldMetadata)] {
      #expect(part?.labels == whole?.labels)
      #expect(part?.owners == whole?.owners)
      #expect(part?.deletionTimestamp == whole?.deletionTimestamp)
    }
    #expect(!part.json.contains("managedFields"))
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
