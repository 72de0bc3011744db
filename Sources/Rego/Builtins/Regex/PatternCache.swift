import Synchronization

/// Keeps what was compiled from patterns, up to a number of them: those used least recently go first, about.
///
/// Two generations make that cheap: what is used moves to the young one, and when that is full it becomes the old one, whose
/// entries are dropped unless they were used in between.
final class PatternCache<Key: Hashable & Sendable, Compiled: Sendable>: Sendable {
  private struct Generations {
    var young: [Key: Compiled] = [:]
    var old: [Key: Compiled] = [:]
  }

  private let generations = Mutex(Generations())
  private let generationSize: Int

  init(limit: Int) { generationSize = max(1, limit / 2) }

  /// What was compiled from a key, compiled now if it is not known. Failures are not kept.
  func value<Failure: Error>(
    for key: Key, compile: () throws(Failure) -> Compiled
  ) throws(Failure) -> Compiled {
    if let known = find(key) { return known }
    // Compiled outside the lock: two threads may do the same work, but none waits for another's.
    let compiled = try compile()
    generations.withLock { insert(key, compiled, into: &$0) }
    return compiled
  }

  private func find(_ key: Key) -> Compiled? {
    generations.withLock { generations in
      if let known = generations.young[key] { return known }
      guard let known = generations.old.removeValue(forKey: key) else { return nil }
      insert(key, known, into: &generations)
      return known
    }
  }

  private func insert(_ key: Key, _ compiled: Compiled, into generations: inout Generations) {
    if generations.young.count >= generationSize {
      generations.old = generations.young
      generations.young = [:]
    }
    generations.young[key] = compiled
  }

  /// How many are kept.
  var count: Int { generations.withLock { $0.young.count + $0.old.count } }
}
