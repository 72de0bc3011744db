import Kubernetes
import KubernetesClient
import Rego

/// The objects of one kind as a ``Reflector`` tells of them.
struct FollowedObjects {
  private var objects: [ObjectName: Value] = [:]
  /// A list that is not whole yet.
  private var listed: [ObjectName: Value]?
  /// Whether it is known what there is.
  private(set) var isKnown = false
  /// Why they cannot be followed for now.
  private(set) var failure: APIError?

  private struct ObjectName: Hashable {
    var namespace: RegoString
    var name: RegoString

    init(_ object: Value) {
      func string(_ key: String) -> RegoString {
        if case .string(let text)? = object["metadata"]?[key] { text } else { "" }
      }
      namespace = string("namespace")
      name = string("name")
    }
  }

  var values: [Value] { Array(objects.values) }

  /// Takes what there is to tell.
  ///
  /// - Returns: whether the objects are others now, or it is known for the first time which they are.
  mutating func take(_ change: Reflector.Change) -> Bool {
    switch change {
    case .listing: return false
    case .listed(let page, let isFirst):
      if isFirst || listed == nil { listed = [:] }
      for object in page { listed?[ObjectName(object)] = object }
      return false
    case .synced:
      defer { listed = nil }
      failure = nil
      return set(listed ?? [:])
    case .events(let events):
      failure = nil
      var next = objects
      for event in events { next[ObjectName(event.object)] = event.kind == .deleted ? nil : event.object }
      return set(next)
    case .connected:
      failure = nil
      return false
    case .absent:
      failure = nil
      return set([:])
    case .failed(let error):
      failure = error
      // Whoever may not read them is told the same whenever it asks: as if there were none.
      return error.isForbidden && !isKnown ? set([:]) : false
    }
  }

  private mutating func set(_ next: [ObjectName: Value]) -> Bool {
    defer {
      objects = next
      isKnown = true
    }
    return !isKnown || next != objects
  }
}
