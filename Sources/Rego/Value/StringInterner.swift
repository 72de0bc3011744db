import Synchronization

/// Holds one storage for each distinct string that passes through it.
///
/// For strings that repeat and whose number the cluster's owner controls: constants of compiled policies, keys and labels of
/// the inventory. Strings of a request must not go through it, since they would be kept for good.
public final class StringInterner: Sendable {
  private let table = Mutex<Set<RegoString>>([])

  public init() {}

  /// The string equal to `string` that was seen first.
  public func intern(_ string: RegoString) -> RegoString {
    table.withLock { $0.insert(string).memberAfterInsert }
  }

  /// The string with the code points of `string` that was seen first.
  public func intern(_ string: String) -> RegoString {
    intern(RegoString(string))
  }

  /// The string equal to `string` that was seen before; nil where there was none, and then it is not kept either.
  public func known(_ string: RegoString) -> RegoString? {
    table.withLock { strings in strings.firstIndex(of: string).map { strings[$0] } }
  }
}
