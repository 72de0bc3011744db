import Foundation
import Rego
import Testing

@testable import Kubernetes

@Suite("AdmissionReview responses")
struct AdmissionResponseTests {
  static func text(_ response: AdmissionResponse) -> String {
    String(decoding: response.json(), as: UTF8.self)
  }

  /// The response's member of that name, as another JSON reader sees it.
  static func member<T>(_ name: String, of response: AdmissionResponse, as: T.Type) throws -> T {
    let review = try JSONSerialization.jsonObject(with: Data(response.json())) as? [String: Any]
    return try #require((review?["response"] as? [String: Any])?[name] as? T)
  }

  @Test("an allowed request is answered with uid and version of the request")
  func allowed() {
    #expect(
      Self.text(AdmissionResponse(version: .v1, uid: "u-1", allowed: true))
        == #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true}}"#
    )
    #expect(
      Self.text(AdmissionResponse(version: .v1beta1, uid: "u-1", allowed: true))
        == #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","response":{"uid":"u-1","allowed":true}}"#
    )
  }

  @Test("a refusal has a status, warnings and audit annotations")
  func denied() {
    let response = AdmissionResponse(
      version: .v1, uid: "u\"1", allowed: false, status: .init(code: 403, message: "no\nway \\ \u{1}é"),
      warnings: ["careful"], auditAnnotations: ["b": "2", "a": "1"])
    #expect(
      Self.text(response)
        == #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u\"1","allowed":false,"#
        + #""status":{"code":403,"reason":"Forbidden","message":"no\nway \\ \u0001é"},"warnings":["careful"],"#
        + #""auditAnnotations":{"a":"1","b":"2"}}}"#)
  }

  @Test(
    "every text survives JSON",
    arguments: ["", "\u{0}\u{7f}\u{80}\u{2028}\u{10FFFF}", "\"\\/\u{8}\u{c}\n\r\t", "🦊é"])
  func escaping(_ text: String) throws {
    let response = AdmissionResponse(version: .v1, uid: RegoString(text), allowed: true)
    #expect(
      Array(try Self.member("uid", of: response, as: String.self).unicodeScalars)
        == Array(text.unicodeScalars))
  }

  @Test(
    "codes have the API's reasons",
    arguments: [(403, "Forbidden"), (500, "InternalError"), (503, "ServiceUnavailable")])
  func reasons(_ code: Int, reason: String) throws {
    let response = AdmissionResponse(
      version: .v1, uid: "u", allowed: false, status: .init(code: code, message: "m"))
    #expect(try Self.member("status", of: response, as: [String: Any].self)["reason"] as? String == reason)
  }

  @Test("a message stays under 4 KiB and is cut between code points", arguments: 0..<5)
  func longMessage(_ offset: Int) throws {
    let message = String(repeating: "x", count: offset) + String(repeating: "🦊", count: 2000)
    let response = AdmissionResponse(
      version: .v1, uid: "u", allowed: false, status: .init(code: 403, message: message))
    let status = try Self.member("status", of: response, as: [String: Any].self)
    let cut = try #require(status["message"] as? String)
    #expect(cut.utf8.count < 4096)
    #expect(cut.utf8.count > 4088)
    #expect(cut.hasSuffix("🦊…"))
  }

  @Test("a message that fits is left whole")
  func exactMessage() {
    let message = String(repeating: "x", count: 4095)
    #expect(ResponseLimits.cut(message, toBytes: 4095) == message)
    #expect(ResponseLimits.cut(message + "x", toBytes: 4095) == String(message.dropLast(3)) + "…")
  }

  @Test("violations are listed as long as they fit, and the rest counted", arguments: [1, 2, 3, 10, 50, 500])
  func listing(_ count: Int) throws {
    let items = (1...count).map { "violation \($0): " + String(repeating: "é", count: 40) }
    let message = ResponseLimits.message(listing: items)
    #expect(message.utf8.count < 4096)
    let parts = message.components(separatedBy: "; ")
    if count <= 10 {
      #expect(parts == items)
    } else {
      let last = try #require(parts.last)
      let rest = try #require(Int(last.dropFirst("and ".count).dropLast(" more".count)), "\(last)")
      #expect(Array(parts.dropLast()) == Array(items.prefix(count - rest)))
      #expect(rest > 0)
      #expect(message.utf8.count > 4096 - 200)
    }
  }

  @Test("of violations that are too long one at a time, the first is cut")
  func listingLongItems() {
    let items = [String](repeating: String(repeating: "y", count: 5000), count: 3)
    let message = ResponseLimits.message(listing: items)
    #expect(message.utf8.count <= 4095)
    #expect(message.hasPrefix("yyy"))
    #expect(message.hasSuffix("…; and 2 more"))
    #expect(ResponseLimits.message(listing: []) == "")
  }

  @Test("a warning stays under 256 characters and on one line")
  func warnings() throws {
    let long = String(repeating: "é", count: 300)
    let response = AdmissionResponse(
      version: .v1, uid: "u", allowed: true,
      warnings: [long, "two\nlines\r\n\tof text\n", "e\u{301} \u{9b}x"])
    let warnings = try Self.member("warnings", of: response, as: [String].self)
    #expect(warnings.map(\.unicodeScalars.count) == [255, 17, 4])
    #expect(warnings[0].hasSuffix("é…"))
    #expect(warnings[1] == "two lines of text")
  }

  @Test("all warnings together stay under 4,096 bytes", arguments: [16, 17, 40, 4000])
  func manyWarnings(_ count: Int) throws {
    let response = AdmissionResponse(
      version: .v1, uid: "u", allowed: true,
      warnings: (0..<count).map { _ in String(repeating: "w", count: 255) })
    let warnings = try Self.member("warnings", of: response, as: [String].self)
    #expect(warnings.reduce(0) { $0 + $1.utf8.count } < 4096)
    if count == 16 {
      #expect(warnings.count == 16)
    } else {
      #expect(warnings.count == 16)
      #expect(warnings.last == "and \(count - 15) more warnings")
    }
  }

  @Test(
    "keys of audit annotations become names that the API server takes",
    arguments: [
      ("policy", "policy"), ("example.com/policy", "example.com_policy"), ("-a b-", "a_b"), ("é", ""),
      ("", ""),
      (String(repeating: "k", count: 80), String(repeating: "k", count: 63)),
    ])
  func auditKeys(_ key: String, becomes expected: String) {
    #expect(ResponseLimits.auditKey(key) == expected)
  }

  @Test("audit annotations whose keys become one are written once")
  func equalAuditKeys() throws {
    let response = AdmissionResponse(
      version: .v1, uid: "u", allowed: true, auditAnnotations: ["a/b": "1", "a_b": "2", "c": "3", "/": "4"])
    let text = Self.text(response)
    #expect(text.components(separatedBy: "\"a_b\":").count == 2)
    #expect(try Self.member("auditAnnotations", of: response, as: [String: String].self).count == 2)
  }
}
