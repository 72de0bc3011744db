import Rego

/// What `--explain`, `--metrics`, `--coverage` and `--profile` add to the results of a query.
extension QueryOutput {
  struct Details {
    var explanation: [TraceEvent] = []
    var metrics: [(name: String, nanoseconds: Int)]?
    var coverage: CoverageReport?
    var profile: [EvaluationProfile.Entry]?
    var sources = SourceText([:])

    var isEmpty: Bool { explanation.isEmpty && metrics == nil && coverage == nil && profile == nil }
  }

  /// The members that details add to the output.
  var detailMembers: [(String, OrderedJSON)] {
    var members: [(String, OrderedJSON)] = []
    if let metrics = details.metrics {
      members.append(("metrics", .object(metrics.map { ($0.name, .int($0.nanoseconds)) })))
    }
    if let coverage = details.coverage { members.append(("coverage", coverage.json)) }
    if !details.explanation.isEmpty {
      members.append(("explanation", .array(details.explanation.map(json))))
    }
    if let profile = details.profile { members.append(("profile", .array(profile.map(json)))) }
    return members
  }

  private func json(_ event: TraceEvent) -> OrderedJSON {
    let trace = TraceText(sources: details.sources)
    return .object([
      ("Op", .string(trace.word(event.operation))), ("Node", .string(trace.subject(event))),
      ("Location", json(event.location)), ("Depth", .int(event.depth)),
      ("Message", .string(event.note.map { $0.string ?? "\($0)" } ?? "")),
    ])
  }

  private func json(_ entry: EvaluationProfile.Entry) -> OrderedJSON {
    .object([
      ("total_time_ns", .int(entry.nanoseconds)), ("num_eval", .int(entry.evaluations)),
      ("num_redo", .int(entry.redos)), ("location", json(entry.location)),
    ])
  }

  private func json(_ location: Location) -> OrderedJSON {
    .object([
      ("file", .string(location.file)), ("row", .int(location.line)), ("col", .int(location.column)),
    ])
  }

  /// Below the results: tables of times, and which lines were reached.
  var detailText: String {
    var text = ""
    if let metrics = details.metrics {
      let rows = metrics.sorted { $0.name < $1.name }.map { [$0.name, "\($0.nanoseconds)"] }
      text += TextTable(header: ["METRIC", "VALUE"], rows: rows).text
    }
    if let profile = details.profile {
      let rows = profile.map { entry in
        let file = entry.location.file.isEmpty ? "query" : entry.location.file
        return [
          GoDurationText.text(nanoseconds: entry.nanoseconds), "\(entry.evaluations)", "\(entry.redos)",
          "\(file):\(entry.location.line)",
        ]
      }
      text += TextTable(header: ["TIME", "NUM EVAL", "NUM REDO", "LOCATION"], rows: rows).text
    }
    if let coverage = details.coverage { text += coverage.json.text + "\n" }
    return text
  }
}
