import Foundation
import TLS
import Testing

@testable import WebhookServer

@Suite("Text")
struct TextTests {
  static let durations: [(String, Duration?)] = [
    ("10s", .seconds(10)), ("1m30s", .seconds(90)), ("1.5h", .seconds(5_400)), ("300ms", .milliseconds(300)),
    (".5s", .milliseconds(500)), ("5.s", .seconds(5)), ("0", .zero), ("+2s", .seconds(2)),
    ("1us", .microseconds(1)),
    ("1µs", .microseconds(1)), ("7ns", .nanoseconds(7)), ("", nil), ("10", nil), ("s", nil), ("-1s", nil),
    ("1x", nil), ("1s1", nil), (".s", nil), ("1..5s", nil), ("1e3s", nil), ("99999999999h", nil),
    ("9999999999999h", nil), ("2562048h", nil), ("878399h878399h", nil), ("+", nil),
    ("1 s", nil), (String(repeating: "9", count: 10_000), nil),
  ]

  @Test("Go's durations are read as Go reads them", arguments: durations)
  func readsDurations(text: String, duration: Duration?) {
    #expect(parseGoDuration(Substring(text).utf8) == duration)
  }

  static let addresses: [(String, ListenAddress?)] = [
    ("127.0.0.1:8443", ListenAddress(host: "127.0.0.1", port: 8443)),
    (":8443", ListenAddress(host: "", port: 8443)),
    ("[::1]:1", ListenAddress(host: "::1", port: 1)),
    ("localhost:0", ListenAddress(host: "localhost", port: 0)),
    ("::1:80", nil), ("8443", nil), ("a:", nil), ("a:70000", nil), ("a:-1", nil),
  ]

  @Test("addresses to listen on are read and written", arguments: addresses)
  func readsAddresses(text: String, address: ListenAddress?) {
    #expect(ListenAddress(text) == address)
    if let address { #expect(address.description == text) }
  }

  @Test("loopback is known from other addresses")
  func knowsLoopback() {
    for host in ["127.0.0.1", "127.1.2.3", "localhost", "::1"] {
      #expect(ListenAddress(host: host, port: 1).isLoopback)
    }
    for host in [
      "", "0.0.0.0", "::", "10.0.0.1", "127.evil.example", "127.0.0.1.evil.example", "example.com",
    ] {
      #expect(!ListenAddress(host: host, port: 1).isLoopback)
    }
  }

  @Test("dates agree with the calendar of Foundation")
  func writesDates() {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    // Foundation turns to the Julian calendar before 1582.
    var seconds = -12_000_000_000
    while seconds < 70_000_000_000 {
      var bytes: [UInt8] = []
      Timestamp(secondsSince1970: seconds).appendHTTPDate(to: &bytes)
      let calendar = Date(timeIntervalSince1970: TimeInterval(seconds))
      #expect(String(decoding: bytes, as: UTF8.self) == formatter.string(from: calendar))
      seconds += 123_456_789
    }
  }

  @Test("metrics are rendered in Prometheus' format, with labels escaped and their number bounded")
  func rendersMetrics() {
    let registry = MetricRegistry()
    let histogram = Histogram(bounds: [0.5, 1])
    for milliseconds in [100, 500, 600, 5_000] { histogram.observe(.milliseconds(milliseconds)) }
    let family = CounterFamily(labels: ["policy"], maximumCount: 2)
    for name in ["a\"\\\n", "b", "c", "d", "b"] { family.increment([name]) }
    registry.register("h", help: "A histogram.", histogram)
    registry.register("c", help: "A family.", family)
    registry.registerGauge("g", help: "A gauge.") { 1.5 }
    #expect(
      String(decoding: registry.render(), as: UTF8.self) == """
        # HELP h A histogram.
        # TYPE h histogram
        h_bucket{le="0.5"} 2
        h_bucket{le="1"} 3
        h_bucket{le="+Inf"} 4
        h_sum 6.2
        h_count 4
        # HELP c A family.
        # TYPE c counter
        c{policy="a\\"\\\\\\n"} 1
        c{policy="b"} 2
        c{policy="other"} 2
        # HELP g A gauge.
        # TYPE g gauge
        g 1.5

        """)
  }
}

@Suite("Certificates")
struct CertificateTests {
  @Test("made certificates satisfy OpenSSL's own strict verification")
  func verifies() async throws {
    let folder = TemporaryFolder()
    let made = try CertificateAuthority.make(
      names: ["portcullis.portcullis.svc", "10.1.2.3", "::1"], validDays: 7)
    try folder.write(made.caPEM, to: "ca.crt")
    try folder.write(made.certPEM, to: "tls.crt")
    let certificate = try Certificate.parse(pem: Array(made.certPEM.utf8), what: "it")[0]
    #expect(certificate.commonNames == ["portcullis.portcullis.svc"])
    #expect(certificate.dnsNames == ["portcullis.portcullis.svc"])
    for check in [
      ["-verify_hostname", "portcullis.portcullis.svc"], ["-verify_ip", "10.1.2.3"], ["-verify_ip", "::1"],
      ["-purpose", "sslserver"],
    ] {
      #expect(
        run(
          "openssl",
          ["verify", "-x509_strict", "-CAfile", folder.file("ca.crt")] + check + [folder.file("tls.crt")])
          == 0)
    }
    #expect(
      run(
        "openssl",
        ["verify", "-CAfile", folder.file("ca.crt"), "-verify_hostname", "other", folder.file("tls.crt")])
        != 0)
  }

  @Test("an authority can be used again, and only with its own key")
  func reusesAuthorities() throws {
    let first = try CertificateAuthority.make(names: ["a"], validDays: 1)
    let authority = try CertificateAuthority(certificatePEM: first.caPEM, privateKeyPEM: first.caKeyPEM)
    let second = try CertificateAuthority.make(names: ["b"], validDays: 1, ca: authority)
    #expect(second.caPEM == first.caPEM)
    #expect(throws: TLSError.self) {
      try CertificateAuthority(certificatePEM: first.caPEM, privateKeyPEM: first.keyPEM)
    }
    #expect(throws: TLSError.self) {
      try CertificateAuthority(certificatePEM: first.certPEM, privateKeyPEM: first.keyPEM)
    }
  }

  @Test(
    "names that are none are refused",
    arguments: ["", "a b", "ü.example", String(repeating: "a", count: 300)])
  func refusesNames(name: String) throws {
    #expect(throws: TLSError.self) {
      try TestAuthority.shared.issue(names: ["good.example", name], validDays: 1)
    }
    #expect(throws: TLSError.self) { try TestAuthority.shared.issue(names: [], validDays: 1) }
  }

  @Test("a name cannot bring extensions of its own")
  func refusesInjection() throws {
    let issued = try TestAuthority.shared.issue(names: ["a,DNS:evil.example", "b"], validDays: 1)
    let certificate = try Certificate.parse(pem: Array(issued.certificatePEM.utf8), what: "it")[0]
    #expect(certificate.dnsNames == ["b"])
  }
}

/// Runs a program and returns its exit status.
func run(_ program: String, _ arguments: [String]) -> Int32 {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [program] + arguments
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = FileHandle.nullDevice
  process.standardError = FileHandle.nullDevice
  do { try process.run() } catch { return -1 }
  process.waitUntilExit()
  return process.terminationStatus
}
