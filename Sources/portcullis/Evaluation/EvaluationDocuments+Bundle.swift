import Rego

/// Bundles: a folder or a `.tar.gz` that holds policies and data by a fixed convention (OPA documentation, "Bundles").
extension EvaluationDocuments {
  /// More is not unpacked.
  private static let maximumBytes = 256 << 20

  /// A file of a bundle.
  private struct BundleFile {
    /// The path within the bundle.
    var path: [String]
    /// As messages name it.
    var name: String
    var bytes: [UInt8]
  }

  /// Loads a bundle: its modules, and `data.json` and `data.yaml` below the paths of their folders; other files are not its content.
  mutating func loadBundle(_ path: String) {
    do throws(InputProblem) {
      let files =
        InputFile.isDirectory(path) ? try Self.files(ofFolder: path) : try Self.files(ofArchive: path)
      let manifest = try BundleManifest(files.first { $0.path == [".manifest"] }.map { ($0.bytes, $0.name) })
      try checkRoots(of: path, manifest.roots)
      for file in files {
        do throws(InputProblem) {
          try add(file, manifest)
        } catch {
          problems.append(.file(error))
        }
      }
    } catch {
      problems.append(.file(error))
    }
  }

  private mutating func add(_ file: BundleFile, _ manifest: BundleManifest) throws(InputProblem) {
    guard let last = file.path.last else { return }
    if last.hasSuffix(".rego") {
      let known = modules.count
      try add(
        module: try InputFile.text(file.bytes, name: file.name), file: file.name,
        dialect: dialect ?? manifest.dialect)
      guard modules.count > known, let package = modules.last?.package else { return }
      let path = package.path.map(\.string)
      if !manifest.permits(path) {
        throw InputProblem(
          file: file.name, line: package.location.line, column: package.location.column,
          problem:
            "manifest roots \(manifest.rootList) do not permit 'package \(path.joined(separator: "."))'")
      }
    } else if ["data.json", "data.yaml", "data.yml"].contains(last) {
      let value = try DocumentReader.value(file.bytes, name: file.name, interner: interner)
      let folders = Array(file.path.dropLast())
      if let outside = manifest.forbidden(value, at: folders) {
        throw InputProblem(
          file: file.name,
          problem:
            "manifest roots \(manifest.rootList) do not permit data at path '/\(outside.joined(separator: "/"))'"
        )
      }
      try add(data: value, file: file.name, under: folders)
    }
  }

  private mutating func checkRoots(of bundle: String, _ roots: [[String]]) throws(InputProblem) {
    for other in bundleRoots {
      let overlap = other.roots.contains { first in
        roots.contains { $0.starts(with: first) || first.starts(with: $0) }
      }
      if overlap {
        throw InputProblem(file: bundle, problem: "its roots overlap those of the bundle \(other.bundle)")
      }
    }
    bundleRoots.append((bundle, roots))
  }

  private static func files(ofFolder folder: String) throws(InputProblem) -> [BundleFile] {
    var entries = try FileTree.files(below: folder)
    let manifest = folder.hasSuffix("/") ? "\(folder).manifest" : "\(folder)/.manifest"
    if InputFile.exists(manifest) { entries.append(FileTree.Entry(path: manifest, folders: [])) }
    var files: [BundleFile] = []
    for entry in entries {
      let name = entry.path.split(separator: "/").last.map(String.init) ?? ""
      files.append(
        BundleFile(path: entry.folders + [name], name: entry.path, bytes: try InputFile.read(entry.path)))
    }
    return files
  }

  private static func files(ofArchive archive: String) throws(InputProblem) -> [BundleFile] {
    let bytes = try InputFile.read(archive)
    let tar = Gzip.isGzip(bytes) ? try Gzip.decompress(bytes, name: archive, limit: maximumBytes) : bytes
    return try TarArchive.files(tar, name: archive).map { entry in
      BundleFile(
        path: entry.path, name: ([archive] + entry.path).joined(separator: "/"), bytes: Array(entry.bytes))
    }
  }
}

/// What a bundle says of itself in `.manifest`.
private struct BundleManifest {
  /// The paths below `data` that are the bundle's; everything where it names none.
  var roots: [[String]] = [[]]
  var dialect: Dialect?

  init(_ file: (bytes: [UInt8], name: String)?) throws(InputProblem) {
    guard let file else { return }
    let value = try DocumentReader.value(file.bytes, name: "\(file.name)")
    guard let manifest = value.object else {
      throw InputProblem(file: file.name, problem: "the manifest must be an object")
    }
    if let roots = manifest["roots"] {
      guard let list = roots.array, list.allSatisfy({ $0.string != nil }) else {
        throw InputProblem(file: file.name, problem: "roots must be a list of strings")
      }
      self.roots = list.compactMap(\.string).map { $0.split(separator: "/").map(String.init) }
    }
    switch manifest["rego_version"] {
    case nil: break
    case 0?: dialect = .v0
    case 1?: dialect = .v1
    default: throw InputProblem(file: file.name, problem: "rego_version must be 0 or 1")
    }
  }

  var rootList: String { "[\(roots.map { $0.joined(separator: "/") }.joined(separator: " "))]" }

  /// Whether a path lies at or below a root.
  func permits(_ path: [String]) -> Bool { roots.contains { path.starts(with: $0) } }

  /// A path of the document that lies outside of the roots; nil where there is none.
  func forbidden(_ value: Value, at path: [String]) -> [String]? {
    if permits(path) { return nil }
    // Above a root there may be objects that lead to it.
    guard roots.contains(where: { $0.starts(with: path) }), let object = value.object else { return path }
    for (key, member) in object {
      if let outside = forbidden(member, at: path + [key.string ?? "\(key)"]) { return outside }
    }
    return nil
  }
}
