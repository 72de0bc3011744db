/// One of the conditions under which the server is ready, as `/readyz` answers.
public struct ReadinessCheck: Sendable {
  public var name: String
  /// Called on an event loop for each probe: must be quick.
  public var check: @Sendable () -> CheckResult

  public init(_ name: String, check: @escaping @Sendable () -> CheckResult) {
    self.name = name
    self.check = check
  }
}

/// What a ``ReadinessCheck`` found.
public struct CheckResult: Sendable, Hashable {
  public var isReady: Bool
  /// What `?verbose` says of it: a reason, or what is worth knowing though all is well (a quarantined policy).
  public var detail: String

  public init(isReady: Bool, detail: String = "") {
    self.isReady = isReady
    self.detail = detail
  }

  public static func ready(_ detail: String = "") -> CheckResult {
    CheckResult(isReady: true, detail: detail)
  }
  public static func notReady(_ reason: String) -> CheckResult { CheckResult(isReady: false, detail: reason) }
}
