import Rego

/// An object as a manifest describes it, normalised, and where it stands.
public struct Manifest: Sendable {
  /// The object as the API server would show it to a webhook.
  public let object: Value
  /// What the object is; its name is the prefix of one where the manifest has only `generateName`.
  public let reference: ObjectReference
  public let metadata: ObjectMetadata
  /// Where the object starts.
  public let location: Location

  public var kind: GroupVersionKind { reference.kind }
}

/// What stands in the way of reading a manifest.
public struct ManifestError: Error, Sendable, Hashable {
  public let file: String
  /// Line, from 1; nil where the file as a whole could not be read.
  public let line: Int?
  /// Column, from 1.
  public let column: Int?
  /// What is wrong, starting lowercase.
  public let message: String
  /// Whether there is a document that can be read but is no object of Kubernetes, as data files beside manifests are.
  public let isForeign: Bool

  init(file: String, line: Int? = nil, column: Int? = nil, _ message: String, isForeign: Bool = false) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
    self.isForeign = isForeign
  }

  init(_ location: Location, _ message: String, isForeign: Bool = false) {
    self.init(
      file: location.file, line: location.line, column: location.column, message, isForeign: isForeign)
  }
}

extension ManifestError: CustomStringConvertible {
  /// `FILE:LINE:COLUMN: what is wrong`, or `FILE: what is wrong`.
  public var description: String {
    guard let line, let column else { return "\(file): \(message)" }
    return "\(file):\(line):\(column): \(message)"
  }
}

/// All that was read, and all that could not be.
public struct ManifestSet: Sendable {
  /// In the order of the paths, of the files' names and of the objects in them.
  public var manifests: [Manifest] = []
  public var errors: [ManifestError] = []

  public init() {}
}
