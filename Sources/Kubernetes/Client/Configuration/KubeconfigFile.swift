import Foundation
import Rego

/// A kubeconfig as it was read, with the places of its parts.
struct KubeconfigFile: Sendable {
  let path: String
  private let value: ObjectValue
  fileprivate let positions: YAMLPositions

  init(path: String) throws(ClientConfigurationError) {
    guard let file = FileHandle(forReadingAtPath: path) else {
      let reason =
        FileManager.default.fileExists(atPath: path) ? "cannot be read" : "there is no such file"
      throw ClientConfigurationError(file: path, problem: reason)
    }
    guard let data = try? file.read(upToCount: Kubeconfig.maximumBytes + 1) ?? Data() else {
      throw ClientConfigurationError(file: path, problem: "cannot be read")
    }
    try self.init([UInt8](data), path: path)
  }

  init(_ text: [UInt8], path: String) throws(ClientConfigurationError) {
    guard text.count <= Kubeconfig.maximumBytes else {
      throw ClientConfigurationError(
        file: path, problem: "is larger than \(Kubeconfig.maximumBytes >> 20) MiB, and so no kubeconfig")
    }
    self.path = path
    var options = YAMLReader.Options()
    options.depth = 64
    options.aliasedNodes = 10_000
    switch text.withUnsafeBytes({ YAMLReader.documents($0, file: path, options: options) }).first {
    case .failure(let error)?:
      throw ClientConfigurationError(
        file: path, line: error.line, column: error.column, problem: error.problem)
    case .success(let document)?:
      guard case .object(let object) = document.value else {
        throw ClientConfigurationError(
          file: path, line: document.line,
          problem: "a kubeconfig is a map, but this is \(document.value.typeName)")
      }
      value = object
      positions = document.positions
    case nil:
      throw ClientConfigurationError(file: path, problem: "is empty")
    }
    if let kind = try root.string("kind"), kind != "Config" {
      throw root.failure("kind", "must be Config, but is \"\(kind)\"")
    }
    if let version = try root.string("apiVersion"), version != "v1" {
      throw root.failure("apiVersion", "must be v1, but is \"\(version)\"")
    }
  }

  var root: KubeconfigEntry { KubeconfigEntry(file: self, path: [], object: value) }

  /// A path that is relative starts from the file's folder.
  func resolved(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    let folder = self.path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    return folder.isEmpty ? path : folder.joined(separator: "/") + "/" + path
  }

  /// What stands under `member` in the element of a list that has a name.
  func named(
    _ name: String, in list: String, member: String
  ) throws(ClientConfigurationError) -> KubeconfigEntry? {
    for element in try root.objects(list) {
      guard let found = try element.string("name"), found.utf8.elementsEqual(name.utf8) else { continue }
      guard let entry = try element.object(member) else {
        throw element.failure(nil, "there must be \(member) beside the name")
      }
      return entry
    }
    return nil
  }
}

/// A map within a kubeconfig. Members that are null count as absent.
struct KubeconfigEntry: Sendable {
  let file: KubeconfigFile
  let path: [Value]
  let object: ObjectValue

  func failure(_ key: String?, _ problem: String) -> ClientConfigurationError {
    let place = file.positions.nearestPosition(to: path + (key.map { [.string($0)] } ?? []))
    return ClientConfigurationError(
      file: file.path, line: place.line, column: place.column,
      problem: key.map { "\($0): \(problem)" } ?? problem)
  }

  private func member(_ key: String) -> Value? {
    if case .null? = object[key] { nil } else { object[key] }
  }

  private func wrongType(_ key: String, _ expected: String, _ found: Value) -> ClientConfigurationError {
    failure(key, "must be \(expected), but is \(found.typeName)")
  }

  func string(_ key: String) throws(ClientConfigurationError) -> String? {
    guard let value = member(key) else { return nil }
    guard let string = value.string else { throw wrongType(key, "a string", value) }
    return string
  }

  func required(_ key: String) throws(ClientConfigurationError) -> String {
    guard let string = try string(key), !string.isEmpty else { throw failure(nil, "\(key) is missing") }
    return string
  }

  func boolean(_ key: String) throws(ClientConfigurationError) -> Bool? {
    guard let value = member(key) else { return nil }
    guard let boolean = value.boolean else { throw wrongType(key, "true or false", value) }
    return boolean
  }

  func object(_ key: String) throws(ClientConfigurationError) -> KubeconfigEntry? {
    guard let value = member(key) else { return nil }
    guard let object = value.object else { throw wrongType(key, "a map", value) }
    return KubeconfigEntry(file: file, path: path + [.string(key)], object: object)
  }

  func objects(_ key: String) throws(ClientConfigurationError) -> [KubeconfigEntry] {
    guard let value = member(key) else { return [] }
    guard let elements = value.array else { throw wrongType(key, "a list", value) }
    var entries: [KubeconfigEntry] = []
    for (index, element) in elements.enumerated() {
      let path = self.path + [.string(key), .int(index)]
      guard let object = element.object else {
        throw KubeconfigEntry(file: file, path: path, object: ObjectValue())
          .failure(nil, "an element of \(key) must be a map, but is \(element.typeName)")
      }
      entries.append(KubeconfigEntry(file: file, path: path, object: object))
    }
    return entries
  }

  func strings(_ key: String) throws(ClientConfigurationError) -> [String] {
    guard let value = member(key) else { return [] }
    guard let elements = value.array else { throw wrongType(key, "a list of strings", value) }
    var strings: [String] = []
    for element in elements {
      guard let string = element.string else { throw wrongType(key, "a list of strings", value) }
      strings.append(string)
    }
    return strings
  }

  /// A file by its path, or its contents in base64 under the key with `-data`, which goes first.
  func source(_ key: String) throws(ClientConfigurationError) -> ClientConfiguration.Source? {
    if let text = try string(key + "-data"), !text.isEmpty {
      guard let data = Data(base64Encoded: text) else { throw failure(key + "-data", "is not base64") }
      return .bytes([UInt8](data))
    }
    guard let path = try string(key), !path.isEmpty else { return nil }
    return .file(file.resolved(path))
  }
}
