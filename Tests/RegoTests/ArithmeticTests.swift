import BigInt
import Testing

@testable import Rego

@Suite("Arithmetic")
struct ArithmeticTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let left: String
    let sign: String
    let right: String
    let result: String
    init(_ left: String, _ sign: String, _ right: String, _ result: String) {
      (self.left, self.sign, self.right, self.result) = (left, sign, right, result)
    }
    var testDescription: String { "\(left) \(sign) \(right) = \(result)" }
  }

  // The fractions are what exact rational arithmetic, rounded to 64 bits, gives.
  @Test(
    "results are those of a 64-bit mantissa",
    arguments: [
      Case("1", "/", "3", "0.33333333333333333334"), Case("2", "/", "3", "0.6666666666666666667"),
      Case("10", "/", "4", "2.5"), Case("-7", "/", "2", "-3.5"), Case("6", "/", "-3", "-2"),
      Case("1", "/", "10", "0.1"), Case("1", "/", "7", "0.14285714285714285714"),
      Case("0.1", "+", "0.2", "0.3"), Case("0.3", "-", "0.1", "0.20000000000000000002"),
      Case("0.1", "*", "3", "0.3"),
      Case("1.5", "+", "1.5", "3"), Case("0.5", "-", "0.5", "0"), Case("1.1", "*", "1.1", "1.21"),
      Case("9223372036854775807", "+", "1", "9223372036854775808"),
      Case("-9223372036854775808", "-", "1", "-9223372036854775809"),
      Case("18446744073709551615", "+", "1", "18446744073709551616"),
      Case("18446744073709551616", "+", "1", "18446744073709551616"),
      Case("18446744073709551616", "+", "3", "18446744073709551620"),
      Case("4294967296", "*", "4294967296", "18446744073709551616"),
      Case("100000000000000000000", "+", "1", "100000000000000000000"),
      Case("100000000000000000000", "-", "100000000000000000000", "0"),
      Case("1e4000", "*", "1e-4000", "1"), Case("1e30", "+", "-1", "1e30"),
      Case("1e30", "/", "1e29", "10.000000000000000001"),
      Case("-9223372036854775808", "/", "-1", "9223372036854775808"),
      Case("7", "%", "4", "3"), Case("-7", "%", "4", "-3"), Case("7", "%", "-4", "3"),
      Case("-9223372036854775808", "%", "-1", "0"),
      Case("18446744073709551616", "%", "10", "6"), Case("10", "%", "18446744073709551616", "10"),
    ])
  func results(_ test: Case) throws {
    let left = try #require(Number(json: test.left))
    let right = try #require(Number(json: test.right))
    let result =
      switch test.sign {
      case "+": try left.adding(right)
      case "-": try left.subtracting(right)
      case "*": try left.multiplying(by: right)
      case "/": try left.dividing(by: right)
      default: try left.remainder(dividingBy: right)
      }
    #expect(result == Number(json: test.result), "got \(result)")
  }

  @Test("what has no result says why")
  func errors() throws {
    let half = try #require(Number(json: "0.5"))
    let huge = try #require(Number(json: "1e999999"))
    let tiny = try #require(Number(json: "1e-999999999"))
    let large = try #require(Number(json: "1e4000"))
    #expect(throws: ArithmeticError.divideByZero) { try Number(1).dividing(by: Number(0)) }
    #expect(throws: ArithmeticError.divideByZero) { try half.dividing(by: Number(0)) }
    #expect(throws: ArithmeticError.moduloByZero) { try Number(1).remainder(dividingBy: Number(0)) }
    #expect(throws: ArithmeticError.moduloOnFloatingPoint) { try half.remainder(dividingBy: Number(2)) }
    #expect(throws: ArithmeticError.outOfRange) { try huge.adding(Number(1)) }
    #expect(throws: ArithmeticError.outOfRange) { try Number(1).multiplying(by: tiny) }
    #expect(throws: ArithmeticError.outOfRange) { try large.multiplying(by: large) }
    #expect(throws: ArithmeticError.outOfRange) { try huge.remainder(dividingBy: Number(7)) }
    #expect(throws: ArithmeticError.outOfRange) { try tiny.rounded() }
  }

  @Test(
    "rounding",
    arguments: [
      ("1.01", "1", "2", "1"), ("1.5", "2", "2", "1"), ("-1.5", "-2", "-1", "-2"),
      ("-1.99999", "-2", "-1", "-2"),
      ("2.5", "3", "3", "2"), ("0.4", "0", "1", "0"), ("-0.4", "0", "0", "-1"), ("-0.5", "-1", "0", "-1"),
      ("7", "7", "7", "7"),
      ("2222.2222222222", "2222", "2223", "2222"), ("1e30", "1e30", "1e30", "1e30"),
      ("1e-4000", "0", "1", "0"),
      ("0.49999999999999999999999999", "1", "1", "0"),
      ("100000000000000000000000000000.5", "1e29", "1e29", "1e29"),
    ])
  func rounding(_ text: String, _ rounded: String, _ ceiling: String, _ floor: String) throws {
    let number = try #require(Number(json: text))
    #expect(try number.rounded() == Number(json: rounded))
    #expect(try number.ceiling() == Number(json: ceiling))
    #expect(try number.floor() == Number(json: floor))
  }

  @Test("absolute values")
  func absolute() throws {
    #expect(Number(-5).absolute == Number(5))
    #expect(Number(.min).absolute == Number(json: "9223372036854775808"))
    #expect(try #require(Number(json: "-1.25")).absolute == Number(json: "1.25"))
    #expect(
      try #require(Number(json: "-9223372036854775809")).absolute == Number(json: "9223372036854775809"))
  }

  /// An independent model: rational arithmetic on big integers, compared by the distance of the neighbours.
  @Test("sums, products and quotients are the nearest 64-bit floats, and print the fewest digits")
  func againstRationals() throws {
    var generator = SystemRandomNumberGenerator()
    func random() -> (Number, numerator: BigInt, scale: Int) {
      let digits = BigInt(Int.random(in: -999_999_999_999...999_999_999_999, using: &generator))
      let scale = Int.random(in: 0...24, using: &generator)
      let number = Number(json: "\(digits)e-\(scale)") ?? .int(0)
      return (number, digits, scale)
    }
    for _ in 0..<300 {
      let (a, aDigits, aScale) = random()
      let (b, bDigits, bScale) = random()
      let left = try #require(BinaryFloat(a))
      let right = try #require(BinaryFloat(b))
      // Reading: within half a unit of the last place of the exact decimal.
      try expectNearest(left, aDigits, BigInt(10).power(aScale))
      try expectNearest(right, bDigits, BigInt(10).power(bScale))
      // Arithmetic: on the rounded operands as exact fractions.
      let (ln, ld) = fraction(left)
      let (rn, rd) = fraction(right)
      try expectNearest(left + right, ln * rd + rn * ld, ld * rd)
      try expectNearest(left - right, ln * rd - rn * ld, ld * rd)
      try expectNearest(left * right, ln * rn, ld * rd)
      if !right.isZero {
        let sign: BigInt = rn.sign == .minus ? -1 : 1
        try expectNearest(left / right, ln * rd * sign, ld * rn * sign)
      }
      // Printing reads back, and one digit less does not.
      for value in [left, right, left * right] where !value.isZero {
        let printed = try #require(value.shortestDecimal)
        let back = try #require(BinaryFloat(printed))
        #expect(back.mantissa == value.mantissa && back.exponent == value.exponent)
        let digits = printed.asDecimal.digits
        guard digits.count > 1, !value.isInteger else { continue }
        let shorter = digits.dropLast().reduce(BigInt(0)) { $0 * 10 + BigInt($1) }
        for candidate in [shorter, shorter + 1] {
          let text = "\(value.isNegative ? "-" : "")\(candidate)e\(printed.asDecimal.exponent + 1)"
          let read = try #require(Number(json: text))
          let other = try #require(BinaryFloat(read))
          #expect(
            other.mantissa != value.mantissa || other.exponent != value.exponent,
            "\(text) is shorter than \(printed)")
        }
      }
    }
  }

  private func fraction(_ value: BinaryFloat) -> (BigInt, BigInt) {
    let mantissa = BigInt(value.mantissa) * (value.isNegative ? -1 : 1)
    return value.exponent >= 0 ? (mantissa << value.exponent, 1) : (mantissa, BigInt(1) << -value.exponent)
  }

  private func expectNearest(
    _ value: BinaryFloat, _ numerator: BigInt, _ denominator: BigInt,
    location: SourceLocation = #_sourceLocation
  ) throws {
    if numerator.isZero || value.isZero {
      #expect(numerator.isZero && value.isZero, sourceLocation: location)
      return
    }
    #expect(value.mantissa >> 63 == 1, sourceLocation: location)
    let (n, d) = fraction(value)
    // |n/d - numerator/denominator| <= 2^exponent / 2, both sides times d * denominator.
    let distance = (n * denominator - numerator * d).magnitude << 1
    let unit = BigUInt(d.magnitude) * denominator.magnitude
    let bound = value.exponent >= 0 ? unit << value.exponent : unit >> -value.exponent
    #expect(distance <= bound, sourceLocation: location)
    if distance == bound { #expect(value.mantissa & 1 == 0, sourceLocation: location) }
  }
}
