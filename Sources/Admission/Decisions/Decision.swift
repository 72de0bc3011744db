import Rego

/// What was decided of one request: made in one place, rendered as HTTP response, log line, metrics and report.
public struct Decision: Sendable {
  /// A group, version and kind; or a group, version and resource.
  public struct GroupVersion: Sendable, Hashable {
    public var group: String
    public var version: String
    /// The kind, or the resource in its plural.
    public var name: String

    public init(group: String, version: String, name: String) {
      self.group = group
      self.version = version
      self.name = name
    }
  }

  /// What one policy says of the request.
  public struct Finding: Sendable, Hashable {
    /// The policy's name: the last part of its package; `KIND/NAME` of a constraint.
    public var policy: String
    public var message: String
    /// The constraint's name, where the policy is one of Gatekeeper's.
    public var constraint: String?

    public init(policy: String, message: String, constraint: String? = nil) {
      self.policy = policy
      self.message = message
      self.constraint = constraint
    }
  }

  /// How a request ended, as metrics count it.
  public enum Outcome: String, Sendable, CaseIterable {
    case allowed
    case denied
    /// A policy failed or ran out of budget.
    case failed
  }

  // What was asked.
  public var uid = ""
  /// `admission.k8s.io/v1` or `admission.k8s.io/v1beta1`.
  public var apiVersion = "admission.k8s.io/v1"
  public var kind = GroupVersion(group: "", version: "", name: "")
  public var subresource = ""
  public var namespace = ""
  public var name = ""
  public var operation = ""
  public var user = ""
  public var isDryRun = false

  // What was answered.
  public var allowed = true
  /// 200, 403 for a violation, 500 where a policy failed.
  public var code = 200
  /// What denies the request.
  public var violations: [Finding] = []
  public var warnings: [Finding] = []
  /// Violations of policies whose enforcement is `dryrun`: logged and counted, with no effect.
  public var dryRunViolations: [Finding] = []
  /// Policies that failed or ran out of budget.
  public var failures: [Finding] = []
  /// Whether one of these stands in the way of the request.
  var isFailed = false
  /// Whether some constraint could not be matched for want of the request's Namespace.
  var missesNamespace = false
  /// Builtin errors that made an expression undefined: logged and counted.
  public var builtinErrors: [Finding] = []
  /// The names of the policies that were evaluated.
  public var evaluatedPolicies: [String] = []
  public var auditAnnotations: [String: String] = [:]
  public var duration: Duration = .zero

  public init() {}

  public var outcome: Outcome { allowed ? .allowed : code == 500 ? .failed : .denied }
}
