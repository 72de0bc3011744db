import BigInt

extension BinaryFloat {
  /// The decimal with the fewest digits that reads back as this number; nil where its order is out of bounds.
  ///
  /// Digits are those of Go's shortest formatting (math/big, `Float.Text` with precision -1): where one of the two candidates
  /// of a length lies between the neighbours it is taken, where both do the nearer.
  var shortestDecimal: Number? {
    if isZero { return .int(0) }
    // At this size every digit counts, and the integer is the shortest.
    if exponent <= 0, isInteger {
      let magnitude = mantissa >> UInt64(-exponent)
      if let int = Number.int(isNegative: isNegative, magnitude: magnitude) { return .int(int) }
      return Number(trimming: DecimalNumber.digits(of: magnitude), isNegative: isNegative, exponent: 0)
    }
    // 2^16,640 has an order just above the limit's.
    guard exponent.magnitude <= 16_700 else { return nil }
    // In units of half the last place, so that the neighbours' midpoints are integers too.
    let doubled = BigUInt(mantissa) << 1
    let lower = Expansion(doubled - 1, exponent: exponent - 1)
    let upper = Expansion(doubled + 1, exponent: exponent - 1)
    let exact = Expansion(doubled, exponent: exponent - 1)
    let result = exact.shortened(above: lower, below: upper, inclusive: mantissa & 1 == 0)
    let number = Number(
      trimming: result.digits, isNegative: isNegative, exponent: result.order - result.digits.count)
    return number.asDecimal.order.magnitude <= BinaryFloat.orderLimit ? number : nil
  }
}

extension Number {
  /// The number of digits that may end with zeros.
  fileprivate init(trimming digits: [UInt8], isNegative: Bool, exponent: Int) {
    let kept = digits.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    self.init(
      isNegative: isNegative, digits: Array(digits[..<kept]), exponent: exponent + digits.count - kept)
  }
}

/// All decimal digits of an integer times a power of two: `0.d1d2d3...` times ten to the power of `order`.
private struct Expansion {
  var digits: [UInt8]
  var order: Int

  init(_ value: BigUInt, exponent: Int) {
    // 2^-n is 5^n / 10^n.
    let integer = exponent >= 0 ? value << exponent : value * BigUInt(5).power(-exponent)
    digits = integer.description.utf8.map { $0 &- UInt8(ascii: "0") }
    order = digits.count + (exponent >= 0 ? 0 : exponent)
    while digits.last == 0 { digits.removeLast() }
  }

  private init(digits: [UInt8], order: Int) {
    self.digits = digits
    self.order = order
  }

  /// The digit at a position counted from the first digit of an expansion of the given order.
  func digit(_ position: Int, order other: Int) -> UInt8 {
    let index = position - (other - order)
    return index >= 0 && index < digits.count ? digits[index] : 0
  }

  /// Whether nothing but zeros follows a position counted from the first digit of an expansion of the given order.
  func ends(at position: Int, order other: Int) -> Bool {
    position - (other - order) >= digits.count
  }

  func shortened(above lower: Expansion, below upper: Expansion, inclusive: Bool) -> Expansion {
    // Where rounding up carries into another digit, the upper neighbour may have an order of its own.
    var lowerDiffers = false
    var upperDistance = 0
    for position in digits.indices {
      let digit = Int(digits[position])
      if !lowerDiffers { lowerDiffers = lower.digit(position, order: order) != digits[position] }
      let leading = position == 0 && upper.order > order ? 10 : 0
      upperDistance = min(
        upperDistance * 10 + leading + Int(upper.digit(position, order: order)) - digit, 1000)
      // Cutting here stays above the lower bound where that has another digit so far, or ends here and counts.
      let canCut = lowerDiffers || (inclusive && lower.ends(at: position + 1, order: order))
      // One more in this place stays below the upper bound where that is further away, or is just that and counts.
      let canRaise =
        upperDistance > 1
        || (upperDistance == 1 && (inclusive || !upper.ends(at: position + 1, order: order)))
      guard canCut || canRaise else { continue }
      return canCut && (!canRaise || isNearerCut(at: position + 1))
        ? cut(at: position + 1) : raised(at: position + 1)
    }
    return self
  }

  /// Whether the number cut to so many digits is nearer than raised to them; of equally near ones the even is.
  private func isNearerCut(at count: Int) -> Bool {
    guard count < digits.count else { return true }
    if digits[count] == 5, count + 1 == digits.count { return digits[count - 1] & 1 == 0 }
    return digits[count] < 5
  }

  private func cut(at count: Int) -> Expansion {
    Expansion(digits: Array(digits[..<count]), order: order)
  }

  private func raised(at count: Int) -> Expansion {
    var result = Array(digits[..<count])
    while let last = result.last, last == 9 { result.removeLast() }
    guard let last = result.last else { return Expansion(digits: [1], order: order + 1) }
    result[result.count - 1] = last + 1
    return Expansion(digits: result, order: order)
  }
}
