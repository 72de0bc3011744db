import Foundation
import Rego

/// How long parsing and compiling all modules of the suite takes, each case's with its query.
public struct CompileTime: Sendable {
  public private(set) var cases = 0
  public private(set) var modules = 0
  /// The cases that do not compile: none of the suite wants that, so they call functions that are missing.
  public private(set) var refused = 0
  public private(set) var duration = Duration.zero

  /// Parses and compiles every case below a folder, in turn; reading the files is not part of the time.
  public static func measure(_ folder: URL) throws -> CompileTime {
    let cases = try RegoCase.load(folder)
    var found = CompileTime()
    found.cases = cases.count
    found.modules = cases.reduce(0) { $0 + $1.modules.count }
    found.duration = ContinuousClock().measure {
      for element in cases where (try? element.program()) == nil { found.refused += 1 }
    }
    return found
  }

  public var json: String {
    let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    return #"{"cases":\#(cases),"modules":\#(modules),"refused":\#(refused),"seconds":\#(seconds)}"#
  }
}
