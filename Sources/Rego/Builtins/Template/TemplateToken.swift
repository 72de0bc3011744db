/// The smallest parts of a template (Go's documentation of package text/template).
struct TemplateToken {
  enum Kind: Equatable {
    case text
    case leftDelimiter
    case rightDelimiter
    case space
    case identifier
    case field
    case variable
    case keyword(Keyword)
    case bool
    case number
    case complex
    case character
    case string
    case rawString
    case assign
    case declare
    case pipe
    case leftParenthesis
    case rightParenthesis
    /// Another printable ASCII character, such as a comma.
    case punctuation
    case end
    /// The text is the message.
    case error
  }

  enum Keyword: String {
    case dot = "."
    case block, `break`, `continue`, define, `else`, end, `if`, `nil`, range, template, with
  }

  let kind: Kind
  /// Where it begins, in bytes.
  let position: Int
  let line: Int
  let text: String
}

/// As error messages show it.
extension TemplateToken: CustomStringConvertible {
  var description: String {
    switch kind {
    case .end: "EOF"
    case .error: text
    case .keyword: "<\(text)>"
    case _ where text.utf8.count > 10:
      GoQuote.quote(String(String.UnicodeScalarView(text.unicodeScalars.prefix(10)))) + "..."
    default: GoQuote.quote(text)
    }
  }
}
