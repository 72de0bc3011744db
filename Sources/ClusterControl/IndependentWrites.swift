import KubernetesClient

/// Writes of which each is tried whatever became of the ones before, as long as the API server can be reached.
struct IndependentWrites {
  /// What went wrong first.
  private(set) var problem: (any Error)?

  /// Writes something.
  ///
  /// - Returns: whether it is written.
  /// - Throws: `CancellationError`, and `APIError` where the server could not be asked at all.
  @discardableResult
  mutating func attempt(_ write: () async throws -> Void) async throws -> Bool {
    do {
      try await write()
      return true
    } catch let error as APIError where !error.isUnreachable {
      try Task.checkCancellation()
      problem = problem ?? error
      return false
    }
  }

  /// Throws what went wrong first, if anything did.
  func finish() throws {
    if let problem { throw problem }
  }
}

extension String {
  /// The text where it has no more bytes than that, else its beginning with three dots: objects must stay below etcd's 1.5 MiB.
  func cut(toBytes bytes: Int) -> String {
    if utf8.count <= bytes { return self }
    var cut = ""
    var count = 0
    for character in self {
      count += character.utf8.count
      if count > bytes - 3 { break }
      cut.append(character)
    }
    return cut + "..."
  }
}
