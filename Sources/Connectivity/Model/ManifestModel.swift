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

  public init(_ set: ManifestSet) {
    var builder = ClusterModelBuilder()
    for manifest in set.manifests { builder.add(manifest) }
    analysis = Analysis(builder.build())
    errors = builder.problems.filter { $0.severity == .error } + analysis.contradictions()
    warnings = builder.problems.filter { $0.severity == .warning } + analysis.lint()
    unread = set.errors
  }

  /// - Parameter namespace: where objects are that name none.
  public init(paths: [String], namespace: RegoString = "default") {
    self.init(ManifestReader(namespace: namespace).read(paths))
  }

  /// Whether answers say what the objects mean.
  public var isMeaningful: Bool { errors.isEmpty }
}
