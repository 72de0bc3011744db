import CWorkBudget
import CYAML

/// Writes values as YAML through libyaml's emitter, in the layout that sigs.k8s.io/yaml gives them: block style, keys in natural
/// order, text plain where it reads back as text.
package enum YAMLWriter {
  /// The YAML text of a value; nil where libyaml runs out of memory.
  package static func string(_ value: Value) -> String? {
    let emitter = YAMLEmitter()
    guard emitter.emit(value) else { return nil }
    return String(decoding: emitter.output.bytes, as: UTF8.self)
  }

  /// The order of go-yaml's keys: digits by the number they make, letters after anything else.
  static func keyPrecedes(_ left: RegoString, _ right: RegoString) -> Bool {
    let a = Array(left.string.unicodeScalars)
    let b = Array(right.string.unicodeScalars)
    func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
    guard let first = zip(a, b).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset else {
      return a.count < b.count
    }
    switch (a[first].properties.isAlphabetic, b[first].properties.isAlphabetic) {
    case (true, true): return a[first] < b[first]
    case (true, false): return false
    case (false, true): return true
    case (false, false): break
    }
    // Zeros count as digits of a number that began before.
    let continues =
      (a[first] == "0" || b[first] == "0")
      && a[..<first].reversed().prefix(while: isDigit).contains { $0 != "0" }
    func number(_ text: [Unicode.Scalar]) -> (value: Int, end: Int) {
      var value = continues ? 1 : 0
      var end = first
      while end < text.count, isDigit(text[end]) {
        value = value &* 10 &+ Int(text[end].value - 48)
        end += 1
      }
      return (value, end)
    }
    let (x, y) = (number(a), number(b))
    if x.value != y.value { return x.value < y.value }
    if x.end != y.end { return x.end < y.end }
    return a[first] < b[first]
  }

  static func style(of text: RegoString) -> yaml_scalar_style_t {
    if text.utf8.contains(UInt8(ascii: "\n")) { return YAML_LITERAL_SCALAR_STYLE }
    // As a key a plain `<<` would merge.
    guard case .value(.string) = YAMLScalar.resolve(text), !looksLikeTime(Array(text.utf8)), text != "<<"
    else {
      return YAML_DOUBLE_QUOTED_SCALAR_STYLE
    }
    return YAML_PLAIN_SCALAR_STYLE
  }

  /// Whether text looks like a date, or like a number of base 60, to readers of YAML 1.1.
  private static func looksLikeTime(_ text: [UInt8]) -> Bool {
    guard let first = text.first else { return false }
    let digits = text.prefix { $0 &- 0x30 <= 9 }.count
    if digits == 4, text.count > digits, text[digits] == UInt8(ascii: "-") {
      let parts = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
      return parts.count >= 3 && (1...2).contains(parts[1].count)
        && parts[2].prefix { $0 &- 0x30 <= 9 }.count >= 1
    }
    let isNumeric = first &- 0x30 <= 9 || first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
    guard isNumeric, text.contains(UInt8(ascii: ":")) else { return false }
    return text.dropFirst().allSatisfy {
      $0 &- 0x30 <= 9 || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
    }
  }
}

/// libyaml's emitter, writing to memory.
private final class YAMLEmitter {
  final class Output {
    var bytes: [UInt8] = []
  }

  let output = Output()
  private let emitter: UnsafeMutablePointer<yaml_emitter_t>

  init() {
    emitter = .allocate(capacity: 1)
    emitter.initialize(to: yaml_emitter_t())
    yaml_emitter_initialize(emitter)
    yaml_emitter_set_unicode(emitter, 1)
    yaml_emitter_set_width(emitter, -1)
    // The emitter does not outlive `output`: both are this object's.
    yaml_emitter_set_output(
      emitter,
      { context, buffer, size in
        guard let context, let buffer else { return 0 }
        Unmanaged<Output>.fromOpaque(context).takeUnretainedValue().bytes
          .append(contentsOf: UnsafeBufferPointer(start: buffer, count: size))
        return 1
      }, Unmanaged.passUnretained(output).toOpaque())
  }

  deinit {
    yaml_emitter_delete(emitter)
    emitter.deallocate()
  }

  func emit(_ value: Value) -> Bool {
    emit { yaml_stream_start_event_initialize($0, YAML_UTF8_ENCODING) }
      && emit { yaml_document_start_event_initialize($0, nil, nil, nil, 1) }
      && node(value)
      && emit { yaml_document_end_event_initialize($0, 1) }
      && emit { yaml_stream_end_event_initialize($0) }
  }

  private func emit(_ make: (UnsafeMutablePointer<yaml_event_t>) -> Int32) -> Bool {
    var event = yaml_event_t()
    return make(&event) == 1 && yaml_emitter_emit(emitter, &event) == 1
  }

  private func node(_ value: Value) -> Bool {
    guard work_budget_take(1), output.bytes.count <= BuiltinLimits.stringBytes || !work_budget_spend() else {
      return false
    }
    switch value {
    case .null: return scalar("null", YAML_PLAIN_SCALAR_STYLE)
    case .boolean(let flag): return scalar(flag ? "true" : "false", YAML_PLAIN_SCALAR_STYLE)
    case .number(.int(let int)): return scalar(RegoString(String(int)), YAML_PLAIN_SCALAR_STYLE)
    case .number(.decimal(let decimal)):
      // A double, as which it would be read back.
      let nearest = Number(decimal.double)?.asDecimal ?? decimal
      return scalar(RegoString(nearest.shortForm), YAML_PLAIN_SCALAR_STYLE)
    case .string(let text): return scalar(text, YAMLWriter.style(of: text))
    case .array(let elements): return sequence(elements)
    case .set(let set): return sequence(set.elements)
    case .object(let object): return mapping(JSONWriter.withStringKeys(object))
    }
  }

  private func scalar(_ text: RegoString, _ style: yaml_scalar_style_t) -> Bool {
    text.withUTF8 { bytes in
      emit {
        yaml_scalar_event_initialize(
          $0, nil, nil, bytes.baseAddress, Int32(clamping: bytes.count), 1, 1, style)
      }
    }
  }

  private func sequence(_ elements: [Value]) -> Bool {
    emit { yaml_sequence_start_event_initialize($0, nil, nil, 1, YAML_BLOCK_SEQUENCE_STYLE) }
      && elements.allSatisfy(node)
      && emit { yaml_sequence_end_event_initialize($0) }
  }

  private func mapping(_ object: ObjectValue) -> Bool {
    let members = object.compactMap { key, value -> (RegoString, Value)? in
      if case .string(let name) = key { (name, value) } else { nil }
    }
    return emit { yaml_mapping_start_event_initialize($0, nil, nil, 1, YAML_BLOCK_MAPPING_STYLE) }
      && members.sorted { YAMLWriter.keyPrecedes($0.0, $1.0) }.allSatisfy { name, value in
        scalar(name, YAMLWriter.style(of: name)) && node(value)
      }
      && emit { yaml_mapping_end_event_initialize($0) }
  }
}
