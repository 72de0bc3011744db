import Rego

/// A query over labels: every requirement must hold (Kubernetes API reference, LabelSelector).
///
/// What an absent or null selector means depends on the field that it is missing from, so it is the caller's to say: in a
/// NetworkPolicy's `spec.podSelector` it is every pod, in a Service none. An empty selector is ``everything``.
public struct LabelSelector: Sendable, Hashable {
  public enum Operator: String, Sendable, Hashable, CaseIterable {
    case `in` = "In"
    /// Holds where the key is absent, too.
    case notIn = "NotIn"
    case exists = "Exists"
    case doesNotExist = "DoesNotExist"
  }

  /// One condition on the value under one key. An entry of `matchLabels` is an `In` with one value.
  public struct Requirement: Sendable, Hashable {
    public let key: RegoString
    public let operation: Operator
    /// Not empty for In and NotIn, empty for the others.
    public let values: [RegoString]

    init(key: RegoString, operation: Operator, values: [RegoString]) {
      self.key = key
      self.operation = operation
      self.values = values
    }

    /// Whether the requirement holds for labels whose values are strings.
    @inline(__always)
    public func matches(_ labels: ObjectValue) -> Bool {
      holds(for: labels[key])
    }

    @inline(__always)
    func holds(for label: Value?) -> Bool {
      switch operation {
      case .in: contains(label)
      case .notIn: !contains(label)
      case .exists: label != nil
      case .doesNotExist: label == nil
      }
    }

    @inline(__always)
    private func contains(_ label: Value?) -> Bool {
      guard case .string(let label)? = label else { return false }
      for value in values where value == label { return true }
      return false
    }
  }

  /// The conditions, all of which must hold: those of `matchLabels` in the order of their keys, then `matchExpressions`.
  public let requirements: [Requirement]

  /// The selector that matches all labels, as `{}` does.
  public static let everything = LabelSelector(requirements: [])

  init(requirements: [Requirement]) { self.requirements = requirements }

  /// Whether the selector is empty, and so matches whatever it is asked about.
  public var matchesAll: Bool { requirements.isEmpty }

  /// Whether all requirements hold for labels that are known to be strings, as ``ObjectMetadata/labels`` are.
  @inline(__always)
  public func matches(_ labels: ObjectValue) -> Bool {
    for requirement in requirements where !requirement.matches(labels) { return false }
    return true
  }

  /// Whether all requirements hold for labels of an object, where null or absent labels are none.
  ///
  /// - Throws: ``SelectorError/wrongType(path:expected:found:)`` where the labels are not a map of strings.
  public func matches(_ labels: Value?) throws(SelectorError) -> Bool {
    switch labels {
    case nil, .null?: return matches(ObjectValue())
    case .object(let labels)?:
      for (key, value) in labels {
        guard case .string = key, case .string = value else {
          throw .wrongType(
            path: "labels.\(key.string ?? "?")", expected: "a string", found: value.typeNameWithArticle)
        }
      }
      return matches(labels)
    case .some(let other):
      throw .wrongType(path: "labels", expected: "an object", found: other.typeNameWithArticle)
    }
  }
}
