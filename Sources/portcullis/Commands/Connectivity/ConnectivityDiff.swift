import ArgumentParser
import Connectivity

struct ConnectivityDiff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Tell which connections differ between two sets of manifests.",
    discussion: """
      Exits with 1 where there is a difference of a kind that --fail-on names, and with 2 and without an answer where something \
      could not be read. IPv6 is compared where either side names any, or with --ipv6.

      EXAMPLES
        portcullis connectivity diff main/deploy deploy --fail-on added
        portcullis connectivity diff main/deploy deploy --format md
      """)

  enum FailOn: String, ExpressibleByArgument, CaseIterable {
    /// More is allowed than before, between ends that could not connect or could connect otherwise.
    case added
    case removed
    case any
  }

  @Argument(help: "The manifests as they were: a file or a folder.")
  var old: String

  @Argument(help: "The manifests as they are.")
  var new: String

  @OptionGroup var options: ConnectivityOptions

  @Option(
    name: .shortAndLong, help: "How to print: \(ListFormat.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var format = ListFormat.text

  @Option(
    name: .customLong("fail-on"),
    help: ArgumentHelp(
      "Exit with 1 where connections are added (or removed, or either). Changed ones count as what they gain and lose.",
      valueName: "change"))
  var failOn: FailOn?

  @Flag(name: .customLong("ipv6"), help: "Compare IPv6 addresses even where no policy names any.")
  var hasV6 = false

  func validate() throws {
    if old == InputFile.standardInput && new == InputFile.standardInput {
      throw ValidationError("only one of the two can be standard input")
    }
  }

  func run() throws {
    let before = try options.model([old], needsAll: true)
    let after = try options.model([new], needsAll: true)
    // What one list leaves out would count as added or removed.
    let includesV6 = hasV6 || before.analysis.listsV6 || after.analysis.listsV6
    let difference = ConnectivityDifference(
      from: before.analysis.connections(includesV6: includesV6),
      to: after.analysis.connections(includesV6: includesV6),
      oldWorkloads: Set(before.analysis.workloadNames), newWorkloads: Set(after.analysis.workloadNames))
    let records = Records(
      fields: ["change", "source", "destination", "old", "new", "workloads"],
      rows: difference.changes.map { change in
        [
          change.change.rawValue, change.source.description, change.destination.description,
          change.old.description, change.new.description,
          change.newOrGone.map { "\($0) \(change.change.rawValue)" }.joined(separator: "; "),
        ]
      })
    if format == .md {
      Console.output.write(markdown(difference))
    } else {
      records.write(as: format, text: difference.lines)
    }
    if fails(difference) { throw ExitCode.violations }
  }

  private func fails(_ difference: ConnectivityDifference) -> Bool {
    switch failOn {
    case nil: false
    case .any?: !difference.changes.isEmpty
    case .added?: difference.changes.contains { !$0.new.isSubset(of: $0.old) }
    case .removed?: difference.changes.contains { !$0.old.isSubset(of: $0.new) }
    }
  }

  /// A comment on a pull request.
  private func markdown(_ difference: ConnectivityDifference) -> String {
    if difference.changes.isEmpty { return "**Connectivity**: no connection changes.\n" }
    func count(_ change: ChangedConnections.Change) -> Int {
      difference.changes.count { $0.change == change }
    }
    let summary = [ChangedConnections.Change.added, .removed, .changed].filter { count($0) > 0 }
      .map { "\(count($0)) \($0.rawValue)" }.joined(separator: ", ")
    var text = "**Connectivity**: \(summary)\n"
    for (change, title, sign) in [
      (ChangedConnections.Change.added, "Added", "➕"), (.changed, "Changed", "✏️"), (.removed, "Removed", "➖"),
    ] {
      let changes = difference.changes.filter { $0.change == change }
      if changes.isEmpty { continue }
      let rows = changes.map { element in
        var row = ["`\(element.source)`", "`\(element.destination)`"]
        switch change {
        case .added: row.append("\(element.new)")
        case .removed: row.append("\(element.old)")
        case .changed: row.append("\(element.old) → \(element.new)")
        }
        let word = change == .added ? "new" : "gone"
        row.append(element.newOrGone.map { "`\($0)` is \(word)" }.joined(separator: ", "))
        return row
      }
      text += "\n#### \(sign) \(title)\n\n"
      var records = Records(fields: ["from", "to", "connections", "workloads"], rows: rows)
      if changes.allSatisfy(\.newOrGone.isEmpty) {
        records = Records(fields: Array(records.fields.dropLast()), rows: rows.map { Array($0.dropLast()) })
      }
      text += records.markdown
    }
    return text
  }
}
