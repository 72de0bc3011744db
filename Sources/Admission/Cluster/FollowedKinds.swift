import Kubernetes
import Rego

/// The kinds that may be taken into the inventory: an allow-list, on which Secrets never are.
public struct FollowedKinds: Sendable, Hashable {
  /// Nil stands for any.
  private struct Entry: Sendable, Hashable {
    var group: RegoString?
    var kind: RegoString?
  }

  private let entries: [Entry]

  /// What is followed where the configuration does not say: workloads, what connects them, and what the policies that people know
  /// refer to. RBAC decides besides.
  public static let standard = FollowedKinds(
    entries: [
      Entry(group: "", kind: "Namespace"), Entry(group: "", kind: "Pod"), Entry(group: "", kind: "Service"),
      Entry(group: "", kind: "ServiceAccount"), Entry(group: "", kind: "ReplicationController"),
      Entry(group: "", kind: "ResourceQuota"), Entry(group: "", kind: "LimitRange"),
      Entry(group: "", kind: "PersistentVolumeClaim"), Entry(group: "", kind: "Node"),
      Entry(group: "apps", kind: nil), Entry(group: "autoscaling", kind: nil),
      Entry(group: "batch", kind: nil), Entry(group: "cilium.io", kind: nil),
      Entry(group: "crd.projectcalico.org", kind: nil),
      Entry(group: "extensions", kind: nil), Entry(group: "gateway.networking.k8s.io", kind: nil),
      Entry(group: "networking.k8s.io", kind: nil), Entry(group: "policy", kind: nil),
      Entry(group: "policy.networking.k8s.io", kind: nil), Entry(group: "projectcalico.org", kind: nil),
      Entry(group: "route.openshift.io", kind: nil), Entry(group: "storage.k8s.io", kind: nil),
    ])

  private init(entries: [Entry]) { self.entries = entries }

  /// Reads entries such as `Pod`, `apps/Deployment`, `networking.k8s.io/*` and `*`, which is every kind but Secrets.
  ///
  /// - Returns: nil where one is of another form, or names Secrets.
  public init?(_ texts: [String]) {
    var entries: [Entry] = []
    for text in texts {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      guard
        parts.allSatisfy({ part in
          !part.isEmpty && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        })
      else { return nil }
      switch parts.count {
      case 1 where parts[0] == "*": entries.append(Entry(group: nil, kind: nil))
      case 1: entries.append(Entry(group: "", kind: RegoString(parts[0])))
      case 2 where parts[0] != "*":
        entries.append(Entry(group: RegoString(parts[0]), kind: parts[1] == "*" ? nil : RegoString(parts[1])))
      default: return nil
      }
      if parts == ["Secret"] { return nil }
    }
    self.entries = entries
  }

  func allows(group: RegoString, kind: RegoString) -> Bool {
    if group.utf8Count == 0, kind == "Secret" { return false }
    return entries.contains { ($0.group ?? group) == group && ($0.kind ?? kind) == kind }
  }
}
