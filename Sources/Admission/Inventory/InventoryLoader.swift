import Foundation
import Kubernetes
import Rego

/// Reads an inventory from files: manifests, and JSON documents that have the inventory's shape already.
public enum InventoryLoader {
  /// Reads files, and the `.yaml`, `.yml` and `.json` files of folders at any depth. Of two objects of one name the later counts.
  ///
  /// One object after the other is built and filed, so that a large inventory takes little more room than it will keep.
  ///
  /// - Parameters:
  ///   - namespace: where manifests go that name none.
  ///   - interner: the compiler's, so that strings of policies and of the inventory are compared by their pointers.
  /// - Throws: everything that cannot be read.
  public static func load(
    _ paths: [String], namespace: RegoString = "default", interner: StringInterner = StringInterner()
  ) throws(PolicyProblems) -> Inventory {
    try builder(of: paths, namespace: namespace, interner: interner).build()
  }

  /// As ``load(_:namespace:interner:)``, for more objects to be added.
  public static func builder(
    of paths: [String], namespace: RegoString = "default", interner: StringInterner = StringInterner()
  ) throws(PolicyProblems) -> InventoryBuilder {
    var reading = Reading(
      builder: InventoryBuilder(interner: interner), manifests: ManifestReader(namespace: namespace))
    var files: [String] = []
    for path in paths {
      do throws(PolicyProblem) {
        files += try Self.files(at: path)
      } catch {
        reading.problems.append(error)
      }
    }
    for file in files { reading.collectDefinitions(file) }
    for file in files { reading.read(file) }
    if !reading.problems.isEmpty { throw PolicyProblems(reading.problems) }
    return reading.builder
  }

  private static let extensions = [".yaml", ".yml", ".json"]

  private static func files(at path: String) throws(PolicyProblem) -> [String] {
    guard try FileText.isFolder(path) else { return [path] }
    let files = try FileText.files(in: path) { name in extensions.contains { name.hasSuffix($0) } }
    if files.isEmpty { throw PolicyProblem(file: path, message: "holds no .yaml, .yml or .json file") }
    return files
  }
}

private struct Reading {
  var builder: InventoryBuilder
  var manifests: ManifestReader
  var problems: [PolicyProblem] = []

  /// Custom resources are known by definitions that may stand in another file.
  mutating func collectDefinitions(_ file: String) {
    guard let data = try? FileText.data(file), data.range(of: Data("CustomResourceDefinition".utf8)) != nil
    else { return }
    for manifest in manifests.read([UInt8](data), file: file).manifests {
      manifests.kinds.addDefinition(manifest.object)
    }
  }

  mutating func read(_ file: String) {
    do throws(PolicyProblem) {
      let data = try FileText.data(file)
      let isDocument = try data.withUnsafeBytes { bytes in
        Result { () throws(PolicyProblem) in try readDocument(bytes, file: file) }
      }.get()
      if isDocument { return }
      let found = manifests.read([UInt8](data), file: file)
      problems += found.errors.map {
        PolicyProblem(file: $0.file, line: $0.line, column: $0.column, message: $0.message)
      }
      for manifest in found.manifests {
        do throws(InventoryBuilder.Failure) {
          try builder.add(manifest.object)
        } catch {
          problems.append(PolicyProblem(manifest.location, error.description))
        }
      }
    } catch {
      problems.append(error)
    }
  }

  // MARK: Documents of the inventory's shape

  /// Reads `{"inventory": {"namespace": ..., "cluster": ...}}`; false where the file is no such document.
  private mutating func readDocument(
    _ bytes: UnsafeRawBufferPointer, file: String
  ) throws(PolicyProblem) -> Bool {
    guard bytes.first(where: { $0 > UInt8(ascii: " ") }) == UInt8(ascii: "{"),
      // What is no JSON may be YAML, whose reader knows to say what is wrong with it.
      let top = try? JSONReader.members(bytes), !top.contains(where: { $0.key == "kind" }),
      let inventory = top.last(where: { $0.key == "inventory" })
    else { return false }
    let shape = Shape(file: file)
    for (scope, bytes) in try shape.members(of: bytes, inventory.range, at: ["inventory"]) {
      switch scope.string {
      case "namespace":
        for (namespace, bytes) in try shape.members(of: bytes, at: ["inventory", "namespace"]) {
          try readVersions(bytes, namespace: namespace, at: ["inventory", "namespace", namespace], shape)
        }
      case "cluster":
        try readVersions(bytes, namespace: nil, at: ["inventory", "cluster"], shape)
      default: throw shape.problem(["inventory", scope], "unknown key; known are cluster, namespace")
      }
    }
    return true
  }

  private mutating func readVersions(
    _ bytes: UnsafeRawBufferPointer, namespace: RegoString?, at path: [RegoString], _ shape: Shape
  ) throws(PolicyProblem) {
    for (version, bytes) in try shape.members(of: bytes, at: path) {
      for (kind, bytes) in try shape.members(of: bytes, at: path + [version]) {
        for (name, bytes) in try shape.members(of: bytes, at: path + [version, kind]) {
          guard let object = try? JSONReader.value(bytes), case .object = object else {
            throw shape.problem(path + [version, kind, name], "must be an object")
          }
          builder.add(object, namespace: namespace, groupVersion: version, kind: kind, name: name)
        }
      }
    }
  }

  /// Takes apart one level of a document that has been checked to be JSON.
  private struct Shape {
    let file: String

    func members(
      of bytes: UnsafeRawBufferPointer, _ range: Range<Int>? = nil, at path: [RegoString]
    ) throws(PolicyProblem) -> [(RegoString, UnsafeRawBufferPointer)] {
      let part = range.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) } ?? bytes
      guard let members = try? JSONReader.members(part) else { throw problem(path, "must be an object") }
      return members.map { ($0.key, UnsafeRawBufferPointer(rebasing: part[$0.range])) }
    }

    func problem(_ path: [RegoString], _ message: String) -> PolicyProblem {
      PolicyProblem(file: file, message: "\(path.map(\.string).joined(separator: ".")): \(message)")
    }
  }
}
