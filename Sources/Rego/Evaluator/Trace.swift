/// A step of an evaluation, as traces tell of it.
public struct TraceEvent: Sendable {
  public enum Operation: Int32, Sendable {
    /// A rule or a query is begun.
    case enter
    /// An expression is about to be evaluated.
    case evaluate
    /// An expression holds in no way.
    case fail
    /// A rule, query or expression is asked for another way to hold.
    case redo
    /// A rule or a query holds.
    case exit
    /// A policy calls `trace`.
    case note
    /// A test comes to one of its cases.
    case testCase
  }

  /// What the step is about.
  public enum Subject: Sendable {
    case query
    /// The rule at a path below `data`.
    case rule([RegoString])
    case expression
    /// An `every`, which fails where an expression within it does.
    case every
  }

  /// A variable or reference that a failing expression mentions, with its value.
  public struct Mention: Sendable {
    public var location: Location
    /// nil where it is undefined.
    public var value: Value?
  }

  public var operation: Operation
  public var subject: Subject
  /// The text of the expression, query or rule.
  public var location: Location
  /// How many rules are under way.
  public var depth: Int
  /// The operand of `trace`, or the keys of a test's case.
  public var note: Value?
  /// Where values are asked for and an expression fails: what it mentions.
  public var mentions: [Mention] = []
}

/// What instrumentation tells of, as the compiler knows it.
struct TraceSubject: Sendable {
  struct Mention: Sendable {
    enum Head: Sendable {
      case input
      case data
      case slot(Int32)
    }

    var location: Location
    var head: Head
    /// Slots, or constants as negative numbers.
    var operands: [Int32]
  }

  var kind: TraceEvent.Subject
  var location: Location
  var mentions: [Mention]
}

/// Who is told of an evaluation's steps.
struct Tracer {
  var withValues: Bool
  var observer: (TraceEvent) -> Void
}

extension Machine {
  /// Tells of a step.
  func observe(_ instruction: Instruction, _ frame: Frame, _ tracer: Tracer) {
    guard let operation = TraceEvent.Operation(rawValue: instruction.a) else { return }
    // The flag of an expression: whether it has held.
    if instruction.c >= 0, frame.read(instruction.c).pointee == .boolean(true) { return }
    let subject = program.traceSubjects[Int(instruction.d)]
    var event = TraceEvent(
      operation: operation, subject: subject.kind, location: subject.location, depth: depth)
    switch operation {
    case .note, .testCase: event.note = frame.read(instruction.b).pointee
    case .fail where tracer.withValues: event.mentions = subject.mentions.compactMap { value($0, frame) }
    default: break
    }
    tracer.observer(event)
  }

  /// A mention with its value; nil where that is not known.
  private func value(_ mention: TraceSubject.Mention, _ frame: Frame) -> TraceEvent.Mention? {
    var place: Place?
    var operands = mention.operands[...]
    switch mention.head {
    case .slot(let slot): place = frame.read(slot)
    case .input: place = input
    case .data:
      var node = 0
      while let operand = operands.first, case .string(let key) = frame.read(operand).pointee,
        let child = program.nodes[node].children[key]
      {
        node = child
        operands.removeFirst()
        if program.nodes[node].group != nil { break }
      }
      if let group = program.nodes[node].group {
        switch states[group] {
        case .defined: place = Place(documents + group)
        case .undefined: place = nil
        case .unknown, .running: return nil
        }
      } else if node == 0 || program.nodes[node].children.isEmpty {
        place = data
        operands = mention.operands[...]
      } else {
        return nil
      }
    }
    for operand in operands { place = place?.lookup(frame.read(operand)) }
    return TraceEvent.Mention(location: mention.location, value: place?.pointee)
  }
}
