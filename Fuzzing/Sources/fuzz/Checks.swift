import Rego

/// What must hold for any bytes.
enum Checks {
  /// The ways of reading JSON accept and refuse alike, and what is read is written and read again.
  static func json(_ bytes: UnsafeRawBufferPointer) {
    let shape = PathShape.path([.key("a"), .any], leaf: .shallow).union(.path([.key("c"), .any, .any]))
    let value = try? JSONReader.value(bytes)
    precondition((try? JSONReader.validate(bytes)) != nil || value == nil, "built, but not skipped")
    precondition(
      (try? JSONReader.project(bytes, shape: shape)) != nil || value == nil, "built, but not projected")
    if let value {
      precondition((try? JSONReader.value(value.json)) == value, "written and read is something else")
    } else {
      precondition((try? JSONReader.validate(bytes)) == nil, "skipped, but not built")
    }
  }

  /// YAML's documents are values, or errors with a place.
  static func yaml(_ bytes: UnsafeRawBufferPointer) {
    for result in YAMLReader.documents(bytes, file: "fuzz") {
      switch result {
      case .success(let document): _ = document.value.json.utf8.count
      case .failure(let error): precondition(error.line > 0, "an error without a place")
      }
    }
  }

  /// A module that parses is formatted; formatting again changes nothing.
  static func rego(_ bytes: UnsafeRawBufferPointer) {
    guard let source = String(validating: bytes, as: UTF8.self) else { return }
    _ = try? RegoParser.query(source)
    guard (try? RegoParser.module(source, file: "fuzz")) != nil else { return }
    // What a module means is checked elsewhere. Comments in odd places may make annotations of others, which is refused.
    guard let once = try? RegoFormatter().format(source, file: "fuzz") else { return }
    guard let twice = try? RegoFormatter().format(once, file: "fuzz") else {
      preconditionFailure("what was formatted cannot be formatted")
    }
    precondition(once.utf8.elementsEqual(twice.utf8), "formatting twice is not formatting once")
  }

  private static let builtins = BuiltinRegistry(
    BuiltinRegistry.standard.builtins.values.filter { !$0.isRestricted })

  /// A module that compiles is evaluated within its budget.
  static func eval(_ bytes: UnsafeRawBufferPointer) {
    guard let source = String(validating: bytes, as: UTF8.self),
      let module = try? RegoParser.module(source, file: "fuzz"), let query = try? RegoParser.query("data")
    else { return }
    var options = RegoCompiler.Options()
    options.builtins = builtins
    guard let program = try? RegoCompiler(options).compile([module], queries: [query]) else { return }
    let deadline = ContinuousClock.now + .milliseconds(200)
    let evaluation = Evaluation(
      program, input: input, context: BuiltinContext(nowNanoseconds: 0, deadline: deadline),
      limits: EvaluationLimits(deadline: deadline, steps: 100_000, memory: 64 << 20))
    _ = try? evaluation.results()
  }

  private static let input = try? JSONReader.value(
    #"{"a": [1, {"b": "c"}], "request": {"kind": {"kind": "Pod"}, "object": {"spec": {"x": [true, null]}}}}"#)
}
