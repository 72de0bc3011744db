// Runs the Rego cases of the suites beside the checkout and prints the table of what passes, by category.
//
//     swift run conformance-table [--failures] [--record FILE] [CATEGORY ...]
//     swift run conformance-table --compile
//
// With --compile nothing is evaluated: what is printed is how long parsing and compiling takes, as JSON.
import ConformanceSuite
import Foundation

var arguments = Array(CommandLine.arguments.dropFirst())
var record: URL?
if let option = arguments.firstIndex(of: "--record"), option + 1 < arguments.count {
  record = URL(fileURLWithPath: arguments[option + 1])
  arguments.removeSubrange(option...(option + 1))
}
let showsFailures = arguments.contains("--failures")
arguments.removeAll { $0 == "--failures" }
guard let folder = SharedSuites.path("conformance/rego") else {
  FileHandle.standardError.write(Data("no conformance/rego beside the checkout\n".utf8))
  exit(2)
}
if arguments == ["--compile"] {
  print(try CompileTime.measure(folder).json)
  exit(0)
}
let table = try ConformanceTable.run(folder, categories: Set(arguments)) { line in
  if showsFailures { print(line) }
}
print(table.markdown)
if let record {
  let lines = table.rows.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.passed)\n" }
  try lines.joined().write(to: record, atomically: true, encoding: .utf8)
}
