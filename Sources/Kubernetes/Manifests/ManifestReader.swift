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

  /// Where strings of JSON are looked up that repeat from object to object; nil where the objects do not stay.
  public var interner: StringInterner?

  public init(
    namespace: RegoString = "default", maximumFileSize: Int = 32 << 20, interner: StringInterner? = nil
  ) {
    self.namespace = namespace
    self.maximumFileSize = maximumFileSize
    self.interner = interner
  }

  /// The objects of files, of the `.yaml`, `.yml` and `.json` files in folders, at any depth, and of standard input (`-`).
  public func read(_ paths: [String]) -> ManifestSet {
    collected { reading in reading.read(paths) }
  }

  /// The objects of a text, which messages name as the file.
  public func read(_ bytes: [UInt8], file: String) -> ManifestSet {
    collected { reading in reading.collect(bytes, file: file) }
  }

  /// As ``read(_:)``, handing out one object after the other, so that not all of what is written need be held at once. Objects of kinds
  /// that are known only by a definition come last.
  ///
  /// - Returns: what could not be read.
  public func read(_ paths: [String], each body: (Manifest) -> Void) -> [ManifestError] {
    withoutActuallyEscaping(body) { body in
      let reading = ManifestReading(self) { manifest, _ in body(manifest) }
      reading.read(paths)
      reading.finish()
      return reading.errors
    }
  }

  private func collected(_ read: (ManifestReading) -> Void) -> ManifestSet {
    var found: [(manifest: Manifest, place: Int)] = []
    let errors = withoutActuallyEscaping({ found.append((manifest: $0, place: $1)) }) { body in
      let reading = ManifestReading(self, body)
      read(reading)
      reading.finish()
      return reading.errors
    }
    var set = ManifestSet()
    set.manifests = found.sorted { $0.place < $1.place }.map(\.manifest)
    set.errors = errors
    return set
  }
}
