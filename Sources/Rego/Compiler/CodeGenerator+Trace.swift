/// Instrumentation, for coverage, traces and tests' failures: programs that are not instrumented have none of it.
///
/// The events are those of OPA's tracer (OPA documentation, "Policy Reference", `--explain`): an expression is evaluated, fails where it
/// holds in no way, and is evaluated again (redo) where what comes after it asks for another way.
extension CodeGenerator {
  /// A body whose expressions tell of themselves.
  mutating func emitTraced(_ body: CoreBody, _ fail: inout Int32) {
    var rest = body.statements[...]
    while let first = rest.first {
      let run = rest.prefix { $0.expression === first.expression }
      rest = rest.dropFirst(run.count)
      guard let expression = first.expression else {
        for statement in run { emit(statement, &fail) }
        continue
      }
      emitTraced(run, of: expression, &fail)
    }
  }

  private mutating func emitTraced(
    _ statements: ArraySlice<CoreStatement>, of expression: CoreExpression, _ fail: inout Int32
  ) {
    // What is told of an expression with modifiers is told from under them, where its values are.
    if let with = statements.last, case .with = with.kind {
      if statements.count > 1 {
        let subject = subject(expression)
        let failed = makeLabel()
        var inner = failed
        for statement in statements.dropLast() { emit(statement, &inner) }
        finishTrace(failed: failed, subject: subject, flag: nil, fail)
        if inner != failed { fail = inner }
      }
      emit(with, &fail)
      return
    }
    location = expression.location
    let subject = subject(expression, isEvery: statements.last?.isEvery ?? false)
    let flag = makeSlot()
    emit(.move, a: flag, b: ~builder.constant(.boolean(false)), fail: fail)
    emit(.observe, a: TraceEvent.Operation.evaluate.rawValue, c: -1, d: subject, fail: fail)
    let failed = makeLabel()
    var inner = failed
    for statement in statements { emit(statement, &inner) }
    location = expression.location
    finishTrace(failed: failed, subject: subject, flag: flag, fail)
    emit(.move, a: flag, b: ~builder.constant(.boolean(true)), fail: fail)
    // From here on failing means another way of this expression, or of those before.
    let goOn = makeLabel()
    emit(.jump, fail: goOn)
    let redo = makeLabel()
    place(redo)
    emit(.observe, a: TraceEvent.Operation.redo.rawValue, c: -1, d: subject, fail: fail)
    emit(.jump, fail: inner == failed ? fail : inner)
    place(goOn)
    fail = redo
  }

  /// What happens at `failed`, around which those who succeeded go.
  private mutating func finishTrace(failed: Int32, subject: Int32, flag: Int32?, _ fail: Int32) {
    let succeeded = makeLabel()
    emit(.jump, fail: succeeded)
    place(failed)
    emit(.observe, a: TraceEvent.Operation.fail.rawValue, c: flag ?? -1, d: subject, fail: fail)
    emit(.jump, fail: fail)
    place(succeeded)
  }

  private mutating func subject(_ expression: CoreExpression, isEvery: Bool = false) -> Int32 {
    let mentions = expression.mentions.compactMap { mention -> TraceSubject.Mention? in
      let reference = mention.reference
      let head: TraceSubject.Mention.Head
      switch reference.head {
      case .input: head = .input
      case .data: head = .data
      case .local(let local):
        guard bound.contains(local) else { return nil }
        head = .slot(Int32(local))
      }
      var operands: [Int32] = []
      for operand in reference.operands {
        switch operand {
        case .constant(let value): operands.append(~builder.constant(value))
        case .local(let local) where bound.contains(local): operands.append(Int32(local))
        default: return nil
        }
      }
      return TraceSubject.Mention(location: mention.location, head: head, operands: operands)
    }
    builder.traceSubjects.append(
      TraceSubject(
        kind: isEvery ? .every : .expression, location: expression.location, mentions: mentions))
    return Int32(builder.traceSubjects.count - 1)
  }

  // MARK: Rules and queries

  /// Tells that a rule or query is entered; its subject, nil without instrumentation.
  mutating func emitEnter(_ fail: Int32) -> Int32? {
    guard builder.options.isInstrumented else { return nil }
    builder.traceSubjects.append(
      TraceSubject(kind: rulePath.map { .rule($0) } ?? .query, location: location, mentions: []))
    let subject = Int32(builder.traceSubjects.count - 1)
    emit(.observe, a: TraceEvent.Operation.enter.rawValue, c: -1, d: subject, fail: fail)
    return subject
  }

  /// Tells that a rule or query holds.
  mutating func emitExit(_ subject: Int32?, _ fail: Int32) {
    guard let subject else { return }
    emit(.observe, a: TraceEvent.Operation.exit.rawValue, c: -1, d: subject, fail: fail)
  }

  /// Tells that a rule or query is asked for another way to hold.
  mutating func emitRedo(_ subject: Int32?, _ fail: Int32) {
    guard let subject else { return }
    emit(.observe, a: TraceEvent.Operation.redo.rawValue, c: -1, d: subject, fail: fail)
  }

  /// Tells what `trace` notes, and which case a test is at.
  mutating func emitNote(_ builtin: String, _ list: (start: Int32, count: Int32), _ fail: Int32) {
    guard builder.options.isInstrumented, list.count == 1 else { return }
    let operation: TraceEvent.Operation
    switch builtin {
    case "trace": operation = .note
    case "internal.test_case": operation = .testCase
    default: return
    }
    builder.traceSubjects.append(TraceSubject(kind: .expression, location: location, mentions: []))
    emit(
      .observe, a: operation.rawValue, b: procedure.operands[Int(list.start)], c: -1,
      d: Int32(builder.traceSubjects.count - 1), fail: fail)
  }
}

extension CoreStatement {
  fileprivate var isEvery: Bool { if case .every = kind { true } else { false } }
}
