/// Aggregates over collections (OPA documentation, "Aggregates").
enum AggregateBuiltins {
  private typealias Parameter = Builtin.Parameter

  // The order of the types is that of the error messages.
  private static let numbers = RegoType.union([.set(of: .number), .array(of: .number)])
  private static let setOrArray = RegoType.union([.anySet, .anyArray])
  private static let arrayOrSet = RegoType.union([.anyArray, .anySet])

  static let all: [Builtin] = [
    Builtin(
      "count", category: "aggregates",
      "How many elements a collection has, members an object, or code points a string.",
      [
        Parameter(
          "collection", .union([.anyArray, .anyObject, .anySet, .string]), "the collection, object or string")
      ],
      returns: Parameter("n", .number, "the number"), .unary(count)),
    declare("sum", "Adds the numbers of a collection.", numbers, .number) {
      (elements, whole) throws(BuiltinError) in
      try fold(elements, of: whole, from: .int(0)) { (sum, next) throws(ArithmeticError) in
        try sum.adding(next)
      }
    },
    declare("product", "Multiplies the numbers of a collection.", numbers, .number) {
      (elements, whole) throws(BuiltinError) in
      try fold(elements, of: whole, from: .int(1)) { (product, next) throws(ArithmeticError) in
        try product.multiplying(by: next)
      }
    },
    declare("max", "The value of a collection that sorts last; undefined for an empty one.", setOrArray, .any)
    {
      (elements, _) throws(BuiltinError) in elements.max()
    },
    declare(
      "min", "The value of a collection that sorts first; undefined for an empty one.", setOrArray, .any
    ) {
      (elements, _) throws(BuiltinError) in elements.min()
    },
    declare("sort", "The values of a collection in Rego's order.", setOrArray, .anyArray) {
      (elements, whole) throws(BuiltinError) in
      if case .set = whole { return .array(elements) }
      return .array(elements.sorted())
    },
    declare("all", "Whether every element is true.", arrayOrSet, .boolean) {
      (elements, _) throws(BuiltinError) in .boolean(elements.allSatisfy { $0 == true })
    }.deprecated(use: "every"),
    declare("any", "Whether an element is true.", arrayOrSet, .boolean) {
      (elements, _) throws(BuiltinError) in .boolean(elements.contains(true))
    }.deprecated(use: "in"),
  ]

  private static func declare(
    _ name: String, _ summary: String, _ type: RegoType, _ result: RegoType,
    _ compute: @escaping @Sendable (_ elements: [Value], _ whole: Value) throws(BuiltinError) -> Value?
  ) -> Builtin {
    Builtin(
      name, category: "aggregates", summary, [Parameter("collection", type, "the collection")],
      returns: Parameter("n", result, "the result"),
      .unary { (collection) throws(BuiltinError) in
        switch collection {
        case .array(let elements): try compute(elements, collection)
        case .set(let set): try compute(set.elements, collection)
        default: throw .wrongType(1, expected: "set", "array", got: collection)
        }
      })
  }

  private static func count(_ collection: Value) throws(BuiltinError) -> Value? {
    switch collection {
    case .array(let elements): return .int(elements.count)
    case .object(let object): return .int(object.count)
    case .set(let set): return .int(set.count)
    case .string(let string):
      // Code points are the bytes that do not continue one.
      return .int(string.withUTF8 { $0.reduce(0) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) } })
    default: throw .wrongType(1, expected: "array", "object", "set", "string", got: collection)
    }
  }

  private static func fold(
    _ elements: [Value], of whole: Value, from start: Number,
    _ combine: (Number, Number) throws(ArithmeticError) -> Number
  ) throws(BuiltinError) -> Value? {
    var result = start
    for element in elements {
      guard case .number(let number) = element else {
        throw .wrongElement(1, of: whole, expected: "number", got: element)
      }
      result = try BuiltinError.wrap { () throws(ArithmeticError) in try combine(result, number) }
    }
    return .number(result)
  }
}
