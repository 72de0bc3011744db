import Kubernetes
import Rego

/// One demand of a template on `data.inventory`: that objects of one of some kinds are there, which stand for each other
/// (Gatekeeper documentation, "Replicating Data", "requires-sync-data").
public struct SyncRequirement: Sendable, Hashable {
  /// One of them is enough.
  public let alternatives: [GroupVersionKind]

  static let annotation = "metadata.gatekeeper.sh/requires-sync-data"
  /// More kinds than this nobody can mean.
  private static let maximumCount = 1_000

  /// Reads the annotation of a template: JSON, a list of demands, each a list of groups, versions and kinds to choose from.
  ///
  /// - Returns: nothing where the object has no such annotation.
  /// - Throws: ``GatekeeperError/template(_:)`` where it is not well-formed.
  static func all(of object: Value) throws(GatekeeperError) -> [SyncRequirement] {
    guard let text = object["metadata"]?["annotations"]?[annotation]?.string else { return [] }
    // Gatekeeper's own library writes quotation marks around it, which are not JSON's.
    let json = text.utf8.drop(while: isMargin).reversed().drop(while: isMargin).reversed()
    let demands: Value
    do throws(JSONError) {
      demands = try JSONReader.value(Array(json))
    } catch {
      throw .template("\(annotation): \(error)")
    }
    guard let list = demands.array else { throw malformed }
    var requirements: [SyncRequirement] = []
    var count = 0
    for demand in list {
      guard let choices = demand.array else { throw malformed }
      var alternatives: [GroupVersionKind] = []
      for choice in choices {
        for group in try strings(choice["groups"]) {
          for version in try strings(choice["versions"]) {
            for kind in try strings(choice["kinds"]) {
              count += 1
              if count > maximumCount {
                throw .template("\(annotation): it names more than \(maximumCount) kinds")
              }
              alternatives.append(GroupVersionKind(group: group, version: version, kind: kind))
            }
          }
        }
      }
      if !alternatives.isEmpty { requirements.append(SyncRequirement(alternatives: alternatives)) }
    }
    return requirements
  }

  private static var malformed: GatekeeperError {
    .template("\(annotation): it must be a list of lists of objects with groups, versions and kinds")
  }

  private static func isMargin(_ byte: UInt8) -> Bool {
    byte <= UInt8(ascii: " ") || byte == UInt8(ascii: "\"")
  }

  private static func strings(_ value: Value?) throws(GatekeeperError) -> [RegoString] {
    guard let elements = value?.array else { throw malformed }
    var strings: [RegoString] = []
    for element in elements {
      guard case .string(let string) = element else { throw malformed }
      strings.append(string)
    }
    return strings
  }
}
