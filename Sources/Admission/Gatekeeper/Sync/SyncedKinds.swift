import Kubernetes
import Rego

/// What of the cluster goes into `data.inventory` by Gatekeeper's own configuration: a Config's `spec.sync.syncOnly` and a SyncSet's
/// `spec.gvks` (Gatekeeper documentation, "Replicating Data").
public enum SyncedKinds {
  /// The kinds that a Config (`config.gatekeeper.sh`) names; of those there are Gatekeeper reads the one called `config`.
  ///
  /// - Returns: nothing for an object that is no such Config, and none of the entries that lack version or kind.
  public static func kinds(ofConfig object: Value) -> [GroupVersionKind] {
    guard isOf(object, group: "config.gatekeeper.sh", kind: "Config"),
      object["metadata"]?["name"]?.string == "config"
    else { return [] }
    return kinds(object["spec"]?["sync"]?["syncOnly"])
  }

  /// The kinds that a SyncSet (`syncset.gatekeeper.sh`) names.
  ///
  /// - Returns: nothing for an object that is no SyncSet, and none of the entries that lack version or kind.
  public static func kinds(ofSyncSet object: Value) -> [GroupVersionKind] {
    guard isOf(object, group: "syncset.gatekeeper.sh", kind: "SyncSet") else { return [] }
    return kinds(object["spec"]?["gvks"])
  }

  private static func isOf(_ object: Value, group: String, kind: String) -> Bool {
    (object["apiVersion"]?.string ?? "").utf8.starts(with: "\(group)/".utf8) && object["kind"]?.string == kind
  }

  private static func kinds(_ entries: Value?) -> [GroupVersionKind] {
    var seen: Set<GroupVersionKind> = []
    return (entries?.array ?? []).compactMap { entry in
      guard case .string(let version)? = entry["version"], case .string(let kind)? = entry["kind"],
        version.utf8Count > 0, kind.utf8Count > 0
      else { return nil }
      var group: RegoString = ""
      if case .string(let given)? = entry["group"] { group = given }
      let synced = GroupVersionKind(group: group, version: version, kind: kind)
      return seen.insert(synced).inserted ? synced : nil
    }
  }
}
