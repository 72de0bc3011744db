import Kubernetes
import Rego

/// The connectivity of what manifests describe.
public struct ManifestModel: Sendable {
  public let analysis: Analysis
  /// What keeps the meaning of the objects from being known. Where there are any, no answer of ``analysis`` is worth anything.
  public let errors: [Problem]
  public let warnings: [Problem]
  /// Files and documents that could not be read.
  public let unread: [ManifestError]

  public init(_ set: ManifestSet, enforcedKinds: Set<RegoString>? = nil) {
    var builder = ClusterModelBuilder(enforcedKinds: enforcedKinds)
    for manifest in set.manifests { builder.add(manifest) }
    analysis = Analysis(builder.build())
    errors = builder.problems.filter { $0.severity == .error } + analysis.contradictions()
    warnings = builder.problems.filter { $0.severity == .warning } + analysis.lint()
    unread = set.errors
  }

  /// - Parameters:
  ///   - namespace: where objects are that name none.
  ///   - enforcedKinds: the kinds of policies that count; nil for all.
  public init(paths: [String], namespace: RegoString = "default", enforcedKinds: Set<RegoString>? = nil) {
    self.init(ManifestReader(namespace: namespace).read(paths), enforcedKinds: enforcedKinds)
  }

  /// Whether answers say what the objects mean.
  public var isMeaningful: Bool { errors.isEmpty }
}
