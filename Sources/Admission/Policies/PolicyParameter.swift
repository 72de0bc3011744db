import Rego

/// A parameter that a policy declares, with what it may be.
public struct PolicyParameter: Sendable, Hashable {
  public var name: String
  public var summary: String
  public var type: ParameterType
  /// The default, or what the configuration file sets; nil where there is neither.
  public var value: Value?
}

/// What a parameter may be: a small part of JSON Schema.
public struct ParameterType: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case any
    case boolean
    case string
    case number
    case integer
    case array
    case object
  }

  public var kind: Kind = .any
  /// The only values there are, where they are listed (`enum`).
  public var choices: [Value]?
  /// The type of an array's elements (`items`) or of an object's values (`additionalProperties`); at most one element, a box.
  var members: [ParameterType] = []

  public init(_ kind: Kind = .any, of members: ParameterType? = nil) {
    self.kind = kind
    self.members = members.map { [$0] } ?? []
  }

  /// Throws where a value is not of this type.
  func check(_ setting: SettingReader) throws(SettingError) {
    switch (kind, setting.value) {
    case (.any, _), (.boolean, .boolean), (.string, .string), (.number, .number): break
    case (.integer, .number(let number)):
      guard number.isInteger else { throw setting.error("must be a whole number, but is \(number)") }
    case (.array, .array):
      if let type = members.first { for element in try setting.elements() { try type.check(element) } }
    case (.object, .object):
      if let type = members.first { for (_, member) in try setting.members() { try type.check(member) } }
    default: throw setting.wrongType(description)
    }
    if let choices, !choices.contains(setting.value) {
      throw setting.error("must be one of \(Self.list(choices)), but is \(Self.text(setting.value))")
    }
  }

  private var description: String {
    switch kind {
    case .any: "any value"
    case .boolean: "true or false"
    case .string: "a string"
    case .number: "a number"
    case .integer: "a whole number"
    case .array: "a list"
    case .object: "a map"
    }
  }

  private static func list(_ values: [Value]) -> String { values.map(text).joined(separator: ", ") }
  private static func text(_ value: Value) -> String { value.string ?? "\(value)" }
}

extension ParameterType {
  private static let keys = ["type", "enum", "items", "additionalProperties"]

  /// Reads a type: its name, or a map with `type`, `enum`, `items` and `additionalProperties`.
  init(_ setting: SettingReader) throws(SettingError) {
    if setting.value.string != nil {
      self.init(try setting.oneOf(Kind.self))
      return
    }
    self.init()
    for (name, setting) in try setting.members(known: Self.keys) { try read(name, setting) }
  }

  fileprivate mutating func read(_ name: String, _ setting: SettingReader) throws(SettingError) {
    switch name {
    case "type": kind = try setting.oneOf(Kind.self)
    case "enum": choices = try setting.elements().map(\.value)
    default: members = [try ParameterType(setting)]
    }
  }
}

extension PolicyParameter {
  private static let keys = ["description", "type", "enum", "items", "additionalProperties", "default"]

  init(name: String, _ setting: SettingReader) throws(SettingError) {
    self.init(name: name, summary: "", type: ParameterType())
    var defaultSetting: SettingReader?
    for (name, setting) in try setting.members(known: Self.keys) {
      switch name {
      case "description": summary = try setting.string()
      case "default":
        defaultSetting = setting
        value = setting.value
      default: try type.read(name, setting)
      }
    }
    if let defaultSetting { try type.check(defaultSetting) }
  }
}
