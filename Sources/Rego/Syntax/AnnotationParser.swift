/// Finds the `# METADATA` blocks among a file's comments and reads them (OPA documentation, "Annotations").
enum AnnotationParser {
  /// A statement that a block may stand before.
  struct Statement {
    enum Subject {
      case package
      /// A rule, by its place in the module.
      case rule(Int)
      case other(String)
    }

    var line: Int
    var subject: Subject
  }

  /// The blocks of a file, each bound to the statement after it. `statements` are in the order of the source.
  static func annotations(
    in comments: [Comment], before statements: [Statement]
  ) throws(RegoErrors) -> [Annotations] {
    var result: [Annotations] = []
    var errors: [RegoError] = []
    var next = statements[...]
    for block in blocks(in: comments) {
      next = next.drop { $0.line < block.location.line }
      do throws(RegoError) {
        result.append(try annotations(of: block, before: next.first?.subject))
      } catch {
        errors.append(error)
      }
    }
    if !errors.isEmpty { throw RegoErrors(errors) }
    return result
  }

  private struct Block {
    var location: Location
    var yaml = ""
  }

  /// A block begins with a comment `METADATA` and goes on with comments that start the lines below it.
  private static func blocks(in comments: [Comment]) -> [Block] {
    var blocks: [Block] = []
    var lastLine: Int?
    for comment in comments {
      let place = comment.location
      if let last = lastLine, place.line == last + 1, place.column == 1 {
        let text = comment.text.utf8
        let line = text.first == UInt8(ascii: " ") ? text.dropFirst() : text[...]
        blocks[blocks.count - 1].yaml += String(Substring(line)) + "\n"
        blocks[blocks.count - 1].location.length =
          place.offset + place.length - blocks[blocks.count - 1].location.offset
        lastLine = place.line
      } else if comment.text.utf8.drop(while: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
        .starts(with: "METADATA".utf8)
      {
        blocks.append(Block(location: place))
        lastLine = place.line
      } else {
        lastLine = nil
      }
    }
    return blocks
  }

  private static func annotations(
    of block: Block, before subject: Statement.Subject?
  ) throws(RegoError) -> Annotations {
    func fail(_ message: String) -> RegoError { RegoError(.parse, message, at: block.location) }
    guard block.yaml.utf8.contains(where: { $0 > UInt8(ascii: " ") }) else {
      throw fail("expected METADATA block, found whitespace")
    }
    let value: Value
    do throws(YAMLError) {
      value = try YAMLReader.value(block.yaml)
    } catch {
      // The first line of the YAML is the one below the block's first.
      var place = block.location
      place.line += error.line
      place.column = 1
      throw RegoError(.parse, "yaml: \(error.problem)", at: place)
    }
    guard case .object = value else { throw fail("METADATA block must be a YAML mapping") }
    do throws(AnnotationFields.Problem) {
      return try bind(value, of: block, before: subject)
    } catch {
      throw fail(error.text)
    }
  }

  private static func bind(
    _ value: Value, of block: Block, before subject: Statement.Subject?
  ) throws(AnnotationFields.Problem) -> Annotations {
    let isEntrypoint = try AnnotationFields.isEntrypoint(value)
    var rule: Int?
    var defaultScope = ""
    var sort: String?
    switch subject {
    case .package:
      defaultScope = "package"
      sort = "package"
    case .rule(let index):
      defaultScope = isEntrypoint ? "document" : "rule"
      sort = "rule"
      rule = index
    case .other(let name):
      defaultScope = name
      sort = name
    case nil: break
    }
    func fail(_ text: String) -> AnnotationFields.Problem { AnnotationFields.Problem(text: text) }
    let scope = try AnnotationFields.scope(value) ?? defaultScope
    let wanted: String
    switch scope {
    case "rule", "document": wanted = "rule"
    case "package", "subpackages": wanted = "package"
    default: throw fail("invalid annotation scope '\(scope)'")
    }
    guard wanted.utf8.elementsEqual((sort ?? "").utf8) else {
      let found = sort.map { " (have \($0))" } ?? ""
      throw fail("annotation scope '\(scope)' must be applied to \(wanted)\(found)")
    }
    if isEntrypoint, scope != "document", scope != "package" {
      throw fail("annotation entrypoint applied to non-document or package scope '\(scope)'")
    }
    let fields = try AnnotationFields.normalized(value, scope: scope)
    return Annotations(scope: scope, value: fields, location: block.location, rule: rule)
  }
}
