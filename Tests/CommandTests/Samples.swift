import Foundation

/// What the package brings to be tried.
enum Samples {
  static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let cluster = package.appendingPathComponent("manifests/samples/cluster").path

  static func review(_ name: String) -> String {
    package.appendingPathComponent("manifests/samples/reviews/\(name).json").path
  }

  /// The reviews by name, and whether each is admitted with the sample cluster as the inventory.
  static let verdicts: [(name: String, isAllowed: Bool)] = [
    ("networkpolicy-without-ingress", false), ("networkpolicy-with-ingress", true),
    ("networkpolicy-delete", true), ("deployment-covered", true), ("deployment-uncovered", false),
    ("deployment-uncovered-v1beta1", false), ("deployment-update-unchanged-labels", true),
    ("pod-of-replicaset", true),
  ]
}
