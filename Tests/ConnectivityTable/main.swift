// Runs the suite of connectivity beside the checkout and prints the table of what passes, by category.
//
//     swift run connectivity-table [--failures]
import ConformanceSuite
import ConnectivitySuite
import Foundation

let showsFailures = CommandLine.arguments.contains("--failures")
guard let suite = SharedSuites.path("conformance/connectivity") else {
  FileHandle.standardError.write(Data("no conformance/connectivity beside the checkout\n".utf8))
  exit(2)
}
let table = try ConnectivityTable.run(suite) { failure in
  if showsFailures { print(failure) }
}
print(table.markdown)
