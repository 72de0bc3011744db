import Rego

/// Traces in the shape in which OPA prints them: a line an event, indented by how deep it lies, behind the place in the source.
struct TraceText {
  let sources: SourceText

  /// The lines, each with its end.
  func text(_ events: [TraceEvent]) -> String {
    let places = events.map { event in
      "\(event.location.file.isEmpty ? "query" : event.location.file):\(event.location.line)"
    }
    let width = (places.map(\.utf8.count).max() ?? 0) + 4
    return zip(events, places).map { event, place in
      "\(place)\(String(repeating: " ", count: width - place.utf8.count)) \(line(event))\n"
    }.joined()
  }

  private func line(_ event: TraceEvent) -> String {
    var bars = event.depth
    switch (event.operation, event.subject) {
    // What begins and ends stands one to the left of what is within.
    case (.enter, _), (.redo, .rule), (.redo, .query): bars -= 1
    default: break
    }
    return String(repeating: "| ", count: max(bars, 0)) + "\(word(event.operation)) \(details(event))"
  }

  func word(_ operation: TraceEvent.Operation) -> String {
    switch operation {
    case .enter: "Enter"
    case .evaluate: "Eval"
    case .fail: "Fail"
    case .redo: "Redo"
    case .exit: "Exit"
    case .note: "Note"
    case .testCase: "TestCase"
    }
  }

  private func details(_ event: TraceEvent) -> String { event.note.map { "\($0)" } ?? subject(event) }

  /// The rule, query or expression.
  func subject(_ event: TraceEvent) -> String {
    if case .rule(let path) = event.subject { return DataPath.text(path) }
    let text = sources.line(at: event.location)
    // A query that is a reference alone is taken for the question which values it has.
    let isReference = text.hasPrefix("data.") && !text.contains { " =;:(".contains($0) }
    return event.location.file.isEmpty && isReference ? "\(text) = _" : text
  }
}

extension TraceText {
  /// How much of a trace is shown.
  enum Mode: String, CaseIterable {
    case notes
    case fails
    case full
    case off

    fileprivate func isWanted(_ event: TraceEvent) -> Bool {
      switch self {
      case .notes: event.operation == .note
      case .fails: event.operation == .fail
      case .full: true
      case .off: false
      }
    }
  }

  /// The events that a mode shows: those it is about, and what led to them.
  static func events(_ events: [TraceEvent], _ mode: Mode) -> [TraceEvent] {
    mode == .full ? events : lineage(of: events, mode.isWanted)
  }

  /// The wanted events, with the rules and queries that were entered on the way to them.
  static func lineage(of events: [TraceEvent], _ isWanted: (TraceEvent) -> Bool) -> [TraceEvent] {
    var result: [TraceEvent] = []
    // The entrances that are open, and how many of them are in the result.
    var open: [TraceEvent] = []
    var shown = 0
    for event in events {
      if event.operation == .enter {
        while let last = open.last, last.depth >= event.depth { open.removeLast() }
        shown = min(shown, open.count)
        open.append(event)
      } else {
        while let last = open.last, last.depth > event.depth { open.removeLast() }
        shown = min(shown, open.count)
      }
      guard isWanted(event) else { continue }
      if event.operation != .enter { result += open[shown...] }
      shown = open.count
      result.append(event)
    }
    return result
  }
}
