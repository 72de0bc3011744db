import Rego

/// One run of a ``ManifestReader``: what has been found so far.
final class ManifestReading {
  private let reader: ManifestReader
  private let found: (Manifest, Int) -> Void
  private var normalizer: ManifestNormalizer
  /// Objects whose kind no definition has made known yet.
  private var deferred: [Written] = []
  private var count = 0
  private(set) var errors: [ManifestError] = []

  /// An object as it is written.
  private struct Written {
    let value: Value
    let location: Location
    /// Its place among all objects.
    let place: Int
  }

  /// - Parameter found: called with each object and its place among all that is written.
  init(_ reader: ManifestReader, _ found: @escaping (Manifest, Int) -> Void) {
    self.reader = reader
    self.found = found
    normalizer = ManifestNormalizer(namespace: reader.namespace, kinds: reader.kinds)
  }

  func read(_ paths: [String]) {
    for path in paths {
      if path == ManifestReader.standardInputPath {
        read(nil)
        continue
      }
      var files = ManifestFiles()
      files.add(path)
      errors += files.errors
      for file in files.files { read(file) }
    }
  }

  private func read(_ path: String?) {
    do throws(ManifestError) {
      let bytes = try ManifestFiles.read(path, limit: reader.maximumFileSize)
      collect(bytes, file: path ?? ManifestReader.standardInputName)
    } catch {
      errors.append(error)
    }
  }

  func collect(_ bytes: [UInt8], file: String) {
    for result in bytes.withUnsafeBytes({
      ManifestDocument.all(in: $0, file: file, interner: reader.interner)
    }) {
      switch result {
      case .failure(let error): errors.append(error)
      case .success(let document): flatten(document.value, at: document.location, item: document.item)
      }
    }
  }

  /// Takes lists apart; an item of a `PodList` may leave its own type out.
  private func flatten(_ value: Value, at location: Location, item: (Int) -> Location) {
    // A document of comments alone.
    if case .null = value { return }
    guard case .object(let object) = value else {
      errors.append(
        ManifestError(
          location, "a manifest must be an object, but this is \(value.typeNameWithArticle)",
          isForeign: true))
      return
    }
    guard case .string(let kind)? = object[FieldName.kind], let itemKind = Self.itemKind(of: kind),
      case .array(let items)? = object[FieldName.items]
    else {
      take(Written(value: value, location: location, place: count))
      count += 1
      return
    }
    for (index, value) in items.enumerated() {
      var value = value
      if itemKind.utf8Count > 0, case .object(let members) = value {
        var fields = Fields(members)
        if let apiVersion = object[FieldName.apiVersion] {
          fields.setDefault(FieldName.apiVersion, apiVersion)
        }
        fields.setDefault(FieldName.kind, .string(itemKind))
        value = .object(fields.object)
      }
      let location = item(index)
      flatten(value, at: location, item: { _ in location })
    }
  }

  /// What a kind is a list of: empty for `List` itself, and nil for what is no list.
  private static func itemKind(of kind: RegoString) -> RegoString? {
    let suffix = "List".utf8
    guard kind.utf8Count >= suffix.count, kind.utf8.suffix(suffix.count).elementsEqual(suffix) else {
      return nil
    }
    return RegoString(String(Substring(kind.utf8.dropLast(suffix.count))))
  }

  private func take(_ written: Written) {
    normalizer.kinds.addDefinition(written.value)
    guard case .object(let members) = written.value else { return }
    do throws(FieldError) {
      let kind = try FieldReader(members).groupVersionKind()
      // Read by kubectl and kustomize, and never sent.
      if kind.group == "kustomize.config.k8s.io" { return }
      if normalizer.kinds[kind] == nil {
        deferred.append(written)
      } else {
        try hand(written)
      }
    } catch {
      let isTyped = members[FieldName.apiVersion] != nil && members[FieldName.kind] != nil
      errors.append(ManifestError(written.location, error.description, isForeign: !isTyped))
    }
  }

  /// Hands out what waited for a definition.
  func finish() {
    for written in deferred {
      do throws(FieldError) {
        try hand(written)
      } catch {
        errors.append(ManifestError(written.location, error.description))
      }
    }
    deferred = []
  }

  private func hand(_ written: Written) throws(FieldError) {
    let value = try normalizer.normalize(written.value)
    guard case .object(let object) = value else { return }
    let metadata = try ObjectMetadata(of: value)
    if metadata.name == nil && metadata.generateName == nil { throw .missing(path: "metadata.name") }
    let kind = try FieldReader(object).groupVersionKind()
    try PodTemplate.checkLabels(in: object, of: kind)
    let reference = ObjectReference(kind: kind, namespace: metadata.namespace, name: metadata.displayName)
    found(
      Manifest(object: value, reference: reference, metadata: metadata, location: written.location),
      written.place)
  }
}
