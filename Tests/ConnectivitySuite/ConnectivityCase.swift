import ConformanceSuite
import Connectivity
import Foundation
import Kubernetes

/// One expectation of the suite of connectivity, or one folder that has none.
public struct ConnectivityCase: Sendable {
  public enum Category: String, Sendable, CaseIterable {
    case connections
    case exposure
    case diff
    /// Folders of which nothing is expected but to be refused or warned about.
    case unexpected
  }

  public let category: Category
  public let name: String
  /// The folders of manifests: one, or the old and the new one.
  let folders: [URL]
  /// The text that is expected; nil for none.
  let expected: URL?

  /// All cases below `conformance/connectivity`, in the order of their names.
  public static func load(_ suite: URL) throws -> [ConnectivityCase] {
    let manifests = suite.appendingPathComponent("manifests")
    var mentioned: Set<String> = []
    var cases: [ConnectivityCase] = []
    for category in [Category.connections, .exposure, .diff] {
      let texts = suite.appendingPathComponent("expected/\(category.rawValue)")
      for file in try FileManager.default.contentsOfDirectory(atPath: texts.path).sorted() {
        let name = String(file.dropLast(".txt".count))
        let names =
          category == .diff ? name.components(separatedBy: "__vs__").reversed().map { $0 } : [name]
        mentioned.formUnion(names)
        cases.append(
          ConnectivityCase(
            category: category, name: name, folders: names.map(manifests.appendingPathComponent),
            expected: texts.appendingPathComponent(file)))
      }
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: manifests.path).sorted()
    where !mentioned.contains(name) {
      let folder = manifests.appendingPathComponent(name)
      // A folder of folders is as many cases.
      let parts = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        .map(folder.appendingPathComponent).filter(\.hasDirectoryPath)
      for part in parts.isEmpty ? [folder] : parts {
        cases.append(
          ConnectivityCase(
            category: .unexpected, name: parts.isEmpty ? name : "\(name)/\(part.lastPathComponent)",
            folders: [part], expected: nil))
      }
    }
    return cases
  }

  /// What of the case is not as it should be; nil where all is.
  public func failure() throws -> String? {
    let models = folders.map { ManifestModel(paths: [$0.path]) }
    guard let expected else { return complaint(models[0]) }
    for model in models where !model.isMeaningful {
      return "refused: \(model.errors.map(\.description).joined(separator: "; "))"
    }
    let wanted = Self.lines(try String(contentsOf: expected, encoding: .utf8))
    let found = Set(lines(models).filter { !$0.isEmpty })
    if found == wanted { return nil }
    let differences =
      wanted.subtracting(found).sorted().map { "- \($0)" }
      + found.subtracting(wanted).sorted().map { "+ \($0)" }
    return differences.prefix(20).joined(separator: "\n")
  }

  /// Whether the objects of a folder without an expectation are refused, and not only warned about.
  func isRefused() -> Bool {
    let model = ManifestModel(paths: [folders[0].path])
    return !model.isMeaningful || model.unread.contains { !$0.isForeign }
  }

  private static func lines(_ text: String) -> Set<String> {
    Set(text.split(whereSeparator: \.isNewline).map(String.init))
  }

  private func lines(_ models: [ManifestModel]) -> [String] {
    let lists = models.map { $0.analysis.connections() }
    switch category {
    case .connections, .unexpected: return lists[0].lines
    case .exposure: return lists[0].lines + models[0].analysis.exposure(lists[0]).lines
    case .diff:
      let workloads = models.map { Set($0.analysis.workloadNames) }
      return ConnectivityDifference(
        from: lists[0], to: lists[1], oldWorkloads: workloads[0], newWorkloads: workloads[1]
      ).lines
    }
  }

  /// Why a folder without an expectation counts as failed: something must be said about it, and name what it is about.
  private func complaint(_ model: ManifestModel) -> String? {
    if model.errors.contains(where: { $0.object != nil }) || !model.unread.isEmpty { return nil }
    // A warning names objects, be it in its sentence.
    if !model.warnings.isEmpty { return nil }
    return "nothing is wrong with it: \(model.analysis.connections().count) connections"
  }
}
