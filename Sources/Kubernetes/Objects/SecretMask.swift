import Foundation
import Rego

/// Keeps the contents of Secrets out of everything that is printed.
///
/// Besides `data` and `stringData` a Secret holds its contents in the annotation in which `kubectl apply` remembers what was
/// applied.
public struct SecretMask: Sendable {
  /// What stands in the place of something masked.
  public static let placeholder: Value = "<masked>"
  private static let lastApplied: RegoString = "kubectl.kubernetes.io/last-applied-configuration"
  private static let secret: Value = "Secret"
  private static let secretList: Value = "SecretList"

  /// A copy of an object, a list or an AdmissionReview in which nothing of a Secret's contents is left, at any depth. Keys stay.
  public static func masked(_ value: Value) -> Value {
    masked(value, isSecret: false)
  }

  private static func masked(_ value: Value, isSecret: Bool) -> Value {
    switch value {
    case .object(let object): .object(masked(object, isSecret: isSecret))
    case .array(let elements): .array(elements.map { masked($0, isSecret: isSecret) })
    default: value
    }
  }

  private static func masked(_ object: ObjectValue, isSecret: Bool) -> ObjectValue {
    let kind = object[FieldName.kind]
    let isSecret = isSecret || kind == secret
    // An item of a SecretList has no kind of its own, nor must the object of a Secret's review.
    let isSecretList = kind == secretList
    let isSecretRequest = kind?[FieldName.kind.string] == secret
    var builder = ObjectBuilder(reservingCapacity: object.count)
    for (key, member) in object {
      guard case .string(let name) = key else {
        builder.append(key, masked(member, isSecret: false))
        continue
      }
      if isSecret, name == FieldName.data || name == FieldName.stringData {
        builder.append(key, blank(member))
      } else if isSecret, name == FieldName.metadata {
        builder.append(key, maskedMetadata(member))
      } else {
        let holdsSecrets =
          (isSecretList && name == FieldName.items)
          || (isSecretRequest && (name == FieldName.object || name == FieldName.oldObject))
        builder.append(key, masked(member, isSecret: holdsSecrets))
      }
    }
    return builder.build()
  }

  private static func maskedMetadata(_ metadata: Value) -> Value {
    guard case .object(let members) = metadata,
      case .object(let annotations)? = members[FieldName.annotations],
      annotations[lastApplied] != nil
    else { return metadata }
    return .object(
      members.inserting(
        .string(FieldName.annotations), .object(annotations.inserting(.string(lastApplied), placeholder))))
  }

  /// Masks a Secret's `data`: each value of an object, anything else as a whole.
  private static func blank(_ data: Value) -> Value {
    guard case .object(let object) = data else { return data == .null ? .null : placeholder }
    return .object(ObjectValue(object.keys.map { ($0, placeholder) }))
  }

  private let contents: [String]

  /// Whether a request is about a Secret, so that a mask may have something to mask.
  public static func concerns(_ request: AdmissionRequest) -> Bool {
    if case .string(let secret) = secret, request.kind.kind == secret { return true }
    for case .object(let object)? in [request.object, request.oldObject]
    where object[FieldName.kind] == secret { return true }
    return false
  }

  /// What must not appear in texts about a review; nil where the review's objects are no Secrets.
  public init?(of review: Value) {
    var found: Set<RegoString> = []
    var isSecret = false
    guard let request = review[FieldName.request.string] else { return nil }
    for member in [FieldName.object, FieldName.oldObject] {
      guard case .object(let object)? = request[member.string],
        object[FieldName.kind] == Self.secret
          || request[FieldName.kind.string]?[FieldName.kind.string] == Self.secret
      else { continue }
      isSecret = true
      for name in [FieldName.data, FieldName.stringData] {
        Self.collect(object[name], into: &found)
      }
      if case .string(let applied)? = object[FieldName.metadata]?[FieldName.annotations.string]?[
        Self.lastApplied.string]
      {
        found.insert(applied)
      }
    }
    guard isSecret else { return nil }
    // Longest first, so that a value that is part of another leaves nothing of it.
    contents = found.reduce(into: Set<RegoString>()) { $0.formUnion(Self.spellings(of: $1)) }
      .map(\.string).sorted { $0.utf8.count > $1.utf8.count }
  }

  /// A text without the contents of the review's Secrets, as they stand there or decoded from base64, plain or within JSON.
  public func masking(_ text: String) -> String {
    var text = text
    for content in contents {
      text = text.replacingOccurrences(of: content, with: "<masked>", options: .literal)
    }
    return text
  }

  /// A string as it is, and as JSON writes it.
  private static func spellings(of content: RegoString) -> [RegoString] {
    guard content.utf8Count > 0 else { return [] }
    let quoted = [true, false].map { JSONWriter(escapesHTML: $0).string(.string(content)) }
    return [content] + quoted.map { RegoString(String($0.dropFirst().dropLast())) }
  }

  private static func collect(_ value: Value?, into found: inout Set<RegoString>) {
    switch value {
    case .object(let object)?: for member in object.values { collect(member, into: &found) }
    case .array(let elements)?: for element in elements { collect(element, into: &found) }
    case .string(let string)?:
      found.insert(string)
      if let data = Data(base64Encoded: string.string), let text = String(data: data, encoding: .utf8) {
        found.insert(RegoString(text))
      }
    default: break
    }
  }
}
