import Foundation

/// What is fuzzed: the environment's `FUZZ_TARGET` names it.
enum Target: String, CaseIterable {
  case json
  case yaml
  case rego
  case eval

  static let chosen = Target(rawValue: ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? "")

  /// Tries an input, and traps where that shows a mistake.
  func test(_ bytes: UnsafeRawBufferPointer) {
    switch self {
    case .json: Checks.json(bytes)
    case .yaml: Checks.yaml(bytes)
    case .rego: Checks.rego(bytes)
    case .eval: Checks.eval(bytes)
    }
  }
}

/// Before the first input. `fuzz seeds SUITES FOLDER` writes a corpus to begin with and ends.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeRawPointer) -> Int32 {
  guard let target = Target.chosen else {
    let names = Target.allCases.map(\.rawValue).joined(separator: ", ")
    FileHandle.standardError.write(Data("FUZZ_TARGET must be one of \(names)\n".utf8))
    exit(2)
  }
  let arguments = CommandLine.arguments
  guard arguments.count == 4, arguments[1] == "seeds" else { return 0 }
  do {
    try SeedCorpus(target).write(
      from: URL(fileURLWithPath: arguments[2]), to: URL(fileURLWithPath: arguments[3]))
    exit(0)
  } catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(2)
  }
}

/// What libFuzzer calls with each input (LLVM documentation, "libFuzzer").
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  Target.chosen?.test(UnsafeRawBufferPointer(start: start, count: count))
  return 0
}
