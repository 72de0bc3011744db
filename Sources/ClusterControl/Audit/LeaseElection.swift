import Foundation
import Kubernetes
import KubernetesClient
import Rego
import Synchronization

/// Finds out which of several replicas does what one alone should do (Kubernetes documentation, "Leases").
///
/// Whoever holds the Lease renews it. Others take it once it has not changed for as long as it is good for, by their own clocks, so
/// that clocks need not agree.
final class LeaseElection: Sendable {
  private let client: KubernetesClient
  private let namespace: RegoString
  private let name: RegoString
  private let identity: String
  /// How long a Lease is good for that is not renewed.
  private let duration: Duration
  private let now: @Sendable () -> ContinuousClock.Instant
  private let state = Mutex(State())

  private struct State {
    /// When this replica last renewed the Lease; nil where another holds it.
    var renewed: ContinuousClock.Instant?
    /// What another's Lease looked like, and since when.
    var seen: (version: RegoString, since: ContinuousClock.Instant)?
  }

  init(
    _ client: KubernetesClient, namespace: String, name: String, identity: String,
    duration: Duration = .seconds(60),
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.client = client
    self.namespace = RegoString(namespace)
    self.name = RegoString(name)
    self.identity = identity
    self.duration = duration
    self.now = now
  }

  /// Whether this replica holds the Lease now.
  var isHeld: Bool {
    state.withLock { $0.renewed.map { now() - $0 < duration } ?? false }
  }

  /// Takes or renews the Lease where that can be done; to be called several times in its duration.
  ///
  /// - Throws: `APIError`, but for conflicts: another was faster then.
  func attempt() async throws {
    let start = now()
    do {
      let lease: Value
      do {
        lease = try await client.get(.leases, namespace: namespace, name: name)
      } catch let error as APIError where error.isNotFound {
        _ = try await client.create(.leases, namespace: namespace, made(of: nil))
        state.withLock { $0.renewed = start }
        return
      }
      let holder = lease["spec"]?["holderIdentity"]?.string ?? ""
      if !holder.isEmpty, !holder.utf8.elementsEqual(identity.utf8), !hasExpired(lease, asked: start) {
        state.withLock { $0.renewed = nil }
        return
      }
      _ = try await client.replace(.leases, namespace: namespace, name: name, made(of: lease))
      state.withLock {
        $0.renewed = start
        $0.seen = nil
      }
    } catch let error as APIError where error.isConflict || error.isAlreadyExists {
      state.withLock { $0.renewed = nil }
    }
  }

  /// Gives the Lease up, so that another need not wait.
  func release() async {
    guard isHeld, let lease = try? await client.get(.leases, namespace: namespace, name: name),
      lease["spec"]?["holderIdentity"]?.string.map({ $0.utf8.elementsEqual(identity.utf8) }) == true,
      let members = lease.object, let spec = members["spec"]?.object
    else { return }
    let given = members.inserting("spec", .object(spec.inserting("holderIdentity", "")))
    _ = try? await client.replace(.leases, namespace: namespace, name: name, .object(given))
    state.withLock { $0.renewed = nil }
  }

  /// Whether another's Lease has not changed for as long as it is good for.
  ///
  /// - Parameter start: when it was asked for. What is seen for the first time is only as old as the answer.
  private func hasExpired(_ lease: Value, asked start: ContinuousClock.Instant) -> Bool {
    guard case .string(let version)? = lease["metadata"]?["resourceVersion"] else { return false }
    return state.withLock { state in
      if let seen = state.seen, seen.version == version { return start - seen.since > duration }
      state.seen = (version, now())
      return false
    }
  }

  private func made(of lease: Value?) -> Value {
    let now = Value.string(
      Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)).microseconds)
    let old = lease?["spec"]?.object ?? ObjectValue()
    let isMine = old["holderIdentity"]?.string.map { $0.utf8.elementsEqual(identity.utf8) } ?? false
    var spec = old.inserting("holderIdentity", .string(identity)).inserting("renewTime", now)
      .inserting("leaseDurationSeconds", .int(Int(duration.components.seconds)))
    if !isMine {
      spec = spec.inserting("acquireTime", now)
        .inserting("leaseTransitions", .int((old["leaseTransitions"]?.int ?? -1) + 1))
    }
    if let members = lease?.object { return .object(members.inserting("spec", .object(spec))) }
    return [
      "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
      "metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": .object(spec),
    ]
  }
}

extension String {
  /// A time with six digits of a second's fraction, as MicroTime of the API has it.
  fileprivate var microseconds: String {
    guard let dot = firstIndex(of: "."), let end = lastIndex(of: "Z") else {
      return hasSuffix("Z") ? dropLast() + ".000000Z" : self
    }
    let digits = self[index(after: dot)..<end].prefix(6)
    return self[...dot] + digits + String(repeating: "0", count: 6 - digits.count) + "Z"
  }
}
