import Testing

@testable import Rego

private func number(_ text: String) throws -> Number {
  try #require(Number(json: text), "\(text) is a JSON number")
}

@Suite("Numbers")
struct NumberTests {
  @Test(
    "one value has one form, however it is written",
    arguments: [
      ["0", "-0", "0.0", "0e999999", "-0.000e-5"],
      ["1", "1.0", "1e0", "10e-1", "0.1e1", "1.000000000000000000000000", "1E+0"],
      ["-25", "-2.5e1", "-250e-1"],
      ["0.5", "5e-1", "0.50", "50E-2"],
      ["9223372036854775807", "9223372036854775807.0", "922337203685477580700e-2"],
      ["-9223372036854775808", "-9.223372036854775808e18"],
      ["9223372036854775808", "9223372036854775808.000", "0.9223372036854775808e19"],
      [
        "123456789012345678901234567890", "12345678901234567890123456789e1",
        "1.2345678901234567890123456789e29",
      ],
      ["1e999999", "10e999998", "0.1e1000000"],
      ["1e-99999999999999999999", "1e-88888888888888888888"],
    ])
  func oneForm(_ texts: [String]) throws {
    let numbers = try texts.map(number)
    for other in numbers {
      #expect(other == numbers[0])
      #expect(other.hash64 == numbers[0].hash64)
      #expect(other.description == numbers[0].description)
    }
  }

  @Test("whole numbers that fit an Int are Ints")
  func ints() throws {
    #expect(try number("9223372036854775807").int == .max)
    #expect(try number("-9223372036854775808").int == .min)
    #expect(try number("9223372036854775808").int == nil)
    #expect(try number("-9223372036854775809").int == nil)
    #expect(try number("1e18").int == 1_000_000_000_000_000_000)
    #expect(try number("1e19").int == nil)
    #expect(try number("120e-1").int == 12)
    #expect(try number("1.5").int == nil)
  }

  @Test(
    "what JSON does not allow is no number",
    arguments: [
      "", "-", "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "1e-", "0x10", "1 ", " 1", "1_000", "NaN",
      "Infinity", "1.5.5", "--1", "1e5.5", "00", "١",
    ])
  func notNumbers(_ text: String) {
    #expect(Number(json: text) == nil)
  }

  @Test("numbers are ordered by value")
  func order() throws {
    let ordered = try [
      "-1e999999", "-1e400", "-9223372036854775809", "-9223372036854775808", "-2", "-1.5", "-1.25", "-1",
      "-0.1",
      "-1e-999999999", "0", "1e-999999999", "1e-400", "0.09999", "0.1", "0.10000000000000000000000000000001",
      "0.5",
      "1", "1.0000000000000000000000000001", "1.5", "2", "9007199254740992", "9007199254740993",
      "9007199254740993.5", "9223372036854775807", "9223372036854775807.5", "9223372036854775808",
      "18446744073709551615", "18446744073709551616", "18446744073709551616.1", "18446744073709551617",
      "1e20",
      "100000000000000000001", "1e400", "1.1e400", "1e999999", "1e99999999999",
    ].map(number)
    for (i, left) in ordered.enumerated() {
      for (j, right) in ordered.enumerated() {
        #expect((left < right) == (i < j), "\(left) < \(right)")
        #expect((left == right) == (i == j), "\(left) == \(right)")
      }
    }
  }

  @Test(
    "numbers print as JSON",
    arguments: [
      ("0.5", "0.5"), ("-1.50", "-1.5"), ("1e2", "100"), ("1e20", "100000000000000000000"),
      ("0.0001", "0.0001"),
      ("1e-30", "1e-30"), ("-12345e-40", "-1.2345e-36"), ("1234567.25", "1234567.25"),
      ("1e999999", "1e+999999"),
      ("1.5e400", "1.5e+400"), ("100000000000000000000.5", "100000000000000000000.5"),
      ("18446744073709551616", "18446744073709551616"), ("0.00001234", "0.00001234"), ("0.000001", "1e-06"),
    ])
  func printing(_ text: String, _ printed: String) throws {
    #expect(try number(text).description == printed)
    #expect(Number(json: printed) == Number(json: text))
  }

  @Test(
    "exponents beyond any use are one number, however it is written",
    arguments: [
      "92e19723372036854776580", "-92.5e1972337203685477", "1.55e-99999999999999999999",
      "0.01e-72057594037927936",
    ])
  func exponents(_ text: String) throws {
    let number = try #require(Number(json: text))
    #expect(Number(json: number.description) == number)
  }

  @Test("a million digits are read, compared and printed at once")
  func manyDigits() throws {
    let start = ContinuousClock.now
    let long = String(repeating: "7", count: 1_000_000)
    let one = try number(long)
    #expect(one == (try number("0.\(long)e1000000")))
    #expect(one < (try number("\(long)0")))
    #expect(one.description.utf8.count == 1_000_009)
    #expect(one.double == .infinity)
    #expect(throws: ArithmeticError.outOfRange) { try one.adding(.int(1)) }
    #expect(try number("0.\(long)").multiplying(by: .int(1)).description == "0.77777777777777777775")
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test("doubles become the decimals that print them")
  func doubles() throws {
    #expect(Number(0.1) == Number(json: "0.1"))
    #expect(Number(1e300) == Number(json: "1e300"))
    #expect(Number(-3.0)?.int == -3)
    #expect(Number(.nan) == nil)
    #expect(Number(-Double.infinity) == nil)
    #expect(try number("0.1").double == 0.1)
    #expect(try number("-1e400").double == -.infinity)
    #expect(try number("18446744073709551616").double == 0x1p64)
  }
}
