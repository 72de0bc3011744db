/// The type of a builtin's operand or result, as OPA's capabilities describe types.
public indirect enum RegoType: Sendable, Hashable {
  case any
  case null
  case boolean
  case number
  case string
  /// An array: the types of its first elements, then that of all others (nil where there are no others).
  case array(leading: [RegoType], rest: RegoType?)
  /// An object: the types under known keys, then those of all other keys and values.
  case object(known: [String: RegoType], rest: KeyValue?)
  case set(of: RegoType)
  case union([RegoType])

  public struct KeyValue: Sendable, Hashable {
    public let key: RegoType
    public let value: RegoType
    public init(_ key: RegoType, _ value: RegoType) {
      self.key = key
      self.value = value
    }
  }

  public static func array(of element: RegoType) -> RegoType { .array(leading: [], rest: element) }
  public static func object(_ key: RegoType, _ value: RegoType) -> RegoType {
    .object(known: [:], rest: KeyValue(key, value))
  }
  public static let anyArray = RegoType.array(of: .any)
  public static let anyObject = RegoType.object(.any, .any)
  public static let anySet = RegoType.set(of: .any)
}
