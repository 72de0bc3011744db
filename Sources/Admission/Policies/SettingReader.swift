import Rego

/// A setting that is missing, unknown, or not what it must be.
public struct SettingError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The keys and indexes that lead to the setting.
  public var path: [Value]
  /// Whether what is wrong is the last key itself rather than the value under it.
  public var isAboutKey: Bool
  public var message: String

  public init(path: [Value], isAboutKey: Bool = false, message: String) {
    self.path = path
    self.isAboutKey = isAboutKey
    self.message = message
  }

  public var description: String {
    path.isEmpty ? message : "\(Self.name(of: path)): \(message)"
  }

  /// Such as `match.kinds[0]`.
  static func name(of path: [Value]) -> String {
    path.enumerated().map { index, step in
      step.string.map { index == 0 ? $0 : ".\($0)" } ?? "[\(step)]"
    }.joined()
  }
}

/// Reads typed settings out of values that people write: a policy's metadata and the configuration file.
struct SettingReader {
  let value: Value
  let path: [Value]

  init(_ value: Value, path: [Value] = []) {
    self.value = value
    self.path = path
  }

  func error(_ message: String) -> SettingError { SettingError(path: path, message: message) }

  func wrongType(_ expected: String) -> SettingError {
    error("must be \(expected), but is \(value.article)")
  }

  /// The members of an object, in Rego's order.
  func members() throws(SettingError) -> [(name: String, setting: SettingReader)] {
    guard case .object(let object) = value else { throw wrongType("a map") }
    var members: [(name: String, setting: SettingReader)] = []
    for (key, member) in object {
      guard let name = key.string else { throw error("has a key that is no string: \(key)") }
      members.append((name, SettingReader(member, path: path + [key])))
    }
    return members
  }

  /// As ``members()``, refusing keys that are not among `known`.
  func members(known: [String]) throws(SettingError) -> [(name: String, setting: SettingReader)] {
    let members = try members()
    for (name, setting) in members where !known.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
      throw setting.unknownKey(among: known)
    }
    return members
  }

  /// The error for a key that is not one of `known`.
  func unknownKey(among known: [String]) -> SettingError {
    SettingError(
      path: path, isAboutKey: true,
      message: known.isEmpty
        ? "unknown key; none is known here" : "unknown key; known are \(known.joined(separator: ", "))")
  }

  func string() throws(SettingError) -> String {
    guard let string = value.string else { throw wrongType("a string") }
    return string
  }

  func boolean() throws(SettingError) -> Bool {
    guard let boolean = value.boolean else { throw wrongType("true or false") }
    return boolean
  }

  /// A whole number that is not negative.
  func count() throws(SettingError) -> Int {
    guard let count = value.int, count >= 0 else { throw wrongType("a whole number, not negative") }
    return count
  }

  func elements() throws(SettingError) -> [SettingReader] {
    guard let elements = value.array else { throw wrongType("a list") }
    return elements.enumerated().map { SettingReader($1, path: path + [.int($0)]) }
  }

  /// A list of strings.
  func strings() throws(SettingError) -> [String] {
    var strings: [String] = []
    for element in try elements() { strings.append(try element.string()) }
    return strings
  }

  /// A list of strings, or a single one.
  func stringOrStrings() throws(SettingError) -> [String] {
    if let string = value.string { return [string] }
    guard value.array != nil else { throw wrongType("a string or a list of strings") }
    return try strings()
  }

  /// One of the cases of an enumeration, by its raw value.
  func oneOf<Choice: RawRepresentable & CaseIterable>(
    _: Choice.Type
  ) throws(SettingError) -> Choice where Choice.RawValue == String {
    let name = try string()
    for choice in Choice.allCases where choice.rawValue.utf8.elementsEqual(name.utf8) { return choice }
    let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    throw error("must be one of \(choices), but is \"\(name)\"")
  }
}

extension Value {
  /// The type's name as a sentence has it: `a number`, `null`.
  var article: String {
    switch self {
    case .null: "null"
    case .object: "a map"
    case .array: "a list"
    default: "a \(typeName)"
    }
  }
}
