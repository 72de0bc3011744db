import Kubernetes
import KubernetesClient
import Rego

extension KubernetesClient {
  /// The kinds of some names that groups have and that may be followed, each in one version of its group. What cannot be asked for is
  /// as it was.
  ///
  /// - Parameter surroundings: which kinds are allowed, and what had been found before, which stays in its version.
  func kinds(
    named names: Set<RegoString>, of groups: [APIGroup], _ surroundings: WatchPlan.Surroundings
  ) async -> [RegoString: Set<GroupVersionKind>] {
    var found: [RegoString: Set<GroupVersionKind>] = [:]
    for group in groups {
      var open = names.filter { surroundings.allowed.allows(group: group.name, kind: $0) }
      let old = open.flatMap { surroundings.offered[$0] ?? [] }.filter { $0.group == group.name }
      let current = group.versions.filter { version in old.contains { $0.version == version } }
      for version in current + group.versions.filter({ !current.contains($0) }) where !open.isEmpty {
        let resources: [APIResource]
        do {
          // A group that does not answer keeps nobody waiting for the others.
          let deadline = ContinuousClock.now + .seconds(10)
          resources =
            try await self.resources(group: group.name, version: version, deadline: deadline) ?? []
        } catch {
          for kind in old where kind.version == version { found[kind.kind, default: []].insert(kind) }
          continue
        }
        for resource in resources where open.contains(resource.kind) {
          found[resource.kind, default: []].insert(resource.groupVersionKind)
          open.remove(resource.kind)
        }
      }
    }
    return found
  }
}
