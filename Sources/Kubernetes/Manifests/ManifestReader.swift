import Rego

/// Reads manifests: files, folders and standard input, YAML and JSON, many documents a file, with lists taken apart.
///
/// One broken document or object loses no other. Objects that only tools on the command line read (`kustomization.yaml`) are passed over.
public struct ManifestReader: Sendable {
  /// The path that means standard input, and how messages name it.
  public static let standardInputPath = "-"
  static let standardInputName = "stdin"

  /// Where objects go that name no namespace.
  public var namespace: RegoString
  /// What is known of kinds, besides what definitions among the manifests tell.
  public var kinds = KindTable.builtin
  /// How many bytes a file may have.
  public var maximumFileSize: Int

  public init(namespace: RegoString = "default", maximumFileSize: Int = 32 << 20) {
    self.namespace = namespace
    self.maximumFileSize = maximumFileSize
  }

  /// The objects of files, of the `.yaml`, `.yml` and `.json` files in folders, at any depth, and of standard input (`-`).
  public func read(_ paths: [String]) -> ManifestSet {
    var found: [Found] = []
    var set = ManifestSet()
    for path in paths {
      if path == Self.standardInputPath {
        read(nil, into: &found, &set.errors)
        continue
      }
      var files = ManifestFiles()
      files.add(path)
      set.errors += files.errors
      for file in files.files { read(file, into: &found, &set.errors) }
    }
    finish(found, &set)
    return set
  }

  /// The objects of a text, which messages name as the file.
  public func read(_ bytes: [UInt8], file: String) -> ManifestSet {
    var found: [Found] = []
    var set = ManifestSet()
    collect(bytes, file: file, into: &found, &set.errors)
    finish(found, &set)
    return set
  }

  /// An object as it is written.
  private struct Found {
    let value: Value
    let location: Location
  }

  private func read(_ path: String?, into found: inout [Found], _ errors: inout [ManifestError]) {
    do throws(ManifestError) {
      let bytes = try ManifestFiles.read(path, limit: maximumFileSize)
      collect(bytes, file: path ?? Self.standardInputName, into: &found, &errors)
    } catch {
      errors.append(error)
    }
  }

  private func collect(
    _ bytes: [UInt8], file: String, into found: inout [Found], _ errors: inout [ManifestError]
  ) {
    for result in bytes.withUnsafeBytes({ ManifestDocument.all(in: $0, file: file) }) {
      switch result {
      case .failure(let error): errors.append(error)
      case .success(let document):
        flatten(
          Found(value: document.value, location: document.location), item: document.item, &found, &errors)
      }
    }
  }

  /// Takes lists apart; an item of a `PodList` may leave its own type out.
  private func flatten(
    _ candidate: Found, item: (Int) -> Location, _ found: inout [Found], _ errors: inout [ManifestError]
  ) {
    // A document of comments alone.
    if case .null = candidate.value { return }
    guard case .object(let object) = candidate.value else {
      errors.append(
        ManifestError(
          candidate.location,
          "a manifest must be an object, but this is \(candidate.value.typeNameWithArticle)"))
      return
    }
    guard case .string(let kind)? = object[FieldName.kind],
      kind.string.utf8.reversed().starts(with: "List".utf8.reversed()),
      case .array(let items)? = object[FieldName.items]
    else {
      found.append(candidate)
      return
    }
    let itemKind = kind.string.utf8.dropLast("List".utf8.count)
    for (index, value) in items.enumerated() {
      var value = value
      if !itemKind.isEmpty, case .object(let members) = value {
        var fields = Fields(members)
        if let apiVersion = object[FieldName.apiVersion] {
          fields.setDefault(FieldName.apiVersion, apiVersion)
        }
        fields.setDefault(FieldName.kind, .string(String(Substring(itemKind))))
        value = .object(fields.object)
      }
      let location = item(index)
      flatten(Found(value: value, location: location), item: { _ in location }, &found, &errors)
    }
  }

  /// Normalises what was found, once the custom resources among it are known.
  private func finish(_ found: [Found], _ set: inout ManifestSet) {
    var normalizer = ManifestNormalizer(namespace: namespace, kinds: kinds)
    for object in found { normalizer.kinds.addDefinition(object.value) }
    for object in found {
      do throws(FieldError) {
        if let manifest = try manifest(object, normalizer) { set.manifests.append(manifest) }
      } catch {
        set.errors.append(ManifestError(object.location, error.description))
      }
    }
  }

  private func manifest(_ found: Found, _ normalizer: ManifestNormalizer) throws(FieldError) -> Manifest? {
    guard case .object(let members) = found.value else { return nil }
    let written = try FieldReader(members).groupVersionKind()
    if written.group == "kustomize.config.k8s.io" { return nil }
    let object = try normalizer.normalize(found.value)
    let metadata = try ObjectMetadata(of: object)
    if metadata.name == nil && metadata.generateName == nil { throw .missing(path: "metadata.name") }
    try PodTemplate.checkLabels(in: object.object ?? members)
    let reference = ObjectReference(
      kind: try FieldReader(object.object ?? members).groupVersionKind(), namespace: metadata.namespace,
      name: metadata.displayName)
    return Manifest(object: object, reference: reference, metadata: metadata, location: found.location)
  }
}
