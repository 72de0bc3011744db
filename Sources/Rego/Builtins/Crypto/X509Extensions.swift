import BigInt

/// The extensions of a certificate or request that Go's package x509 understands (RFC 5280, section 4.2).
struct X509Extensions {
  private var raw: [Value] = []
  private var unhandledCritical: [Value] = []

  private(set) var keyUsage = 0
  private(set) var extendedKeyUsages: [Int] = []
  private(set) var unknownExtendedKeyUsages: [ASN1ObjectIdentifier] = []
  private var basicConstraints: (isAuthority: Bool, maximumPathLength: Int)?
  private var subjectKeyIdentifier: Value = .null
  private var authorityKeyIdentifier: Value = .null
  private var responders: [Value] = []
  private var issuerLocations: [Value] = []
  private var distributionPoints: [Value] = []
  private var policies: [ASN1ObjectIdentifier] = []
  private var policyMappings: [Value] = []
  private var inhibitAnyPolicy: Int?
  private var inhibitPolicyMapping: Int?
  private var requireExplicitPolicy: Int?

  private(set) var names = GeneralNames()
  private var permitted = GeneralNames()
  private var excluded = GeneralNames()
  private var areConstraintsCritical = false

  /// Nothing: a certificate without extensions.
  init() {}

  /// Reads the content of a sequence of extensions.
  init(_ reader: DERReader) throws(X509Failure) {
    var reader = reader
    while !reader.isAtEnd {
      let (identifier, isCritical, content) = try X509Failure.reading("malformed extension") {
        () throws(DERReader.Failure) in
        var fields = try reader.sequence()
        let identifier = try fields.objectIdentifier()
        let isCritical = fields.nextTag == .boolean ? try fields.boolean() : false
        return (identifier, isCritical, try fields.element(.octetString).content)
      }
      raw.append(
        GoJSON.object(
          ("Id", identifier.value), ("Critical", .boolean(isCritical)), ("Value", GoJSON.bytes(content))))
      let isHandled = try read(identifier, DERReader(content), isCritical)
      if isCritical, !isHandled { unhandledCritical.append(identifier.value) }
    }
  }

  private mutating func read(
    _ identifier: ASN1ObjectIdentifier, _ reader: DERReader, _ isCritical: Bool
  ) throws(X509Failure) -> Bool {
    do {
      switch identifier.arcs {
      case [2, 5, 29, 14]: try readSubjectKeyIdentifier(reader)
      case [2, 5, 29, 15]: try readKeyUsage(reader)
      case [2, 5, 29, 17]:
        var reader = reader
        names = try GeneralNames(try reader.sequence())
        return !names.isEmpty
      case [2, 5, 29, 19]: try readBasicConstraints(reader)
      case [2, 5, 29, 30]: try readNameConstraints(reader, isCritical)
      case [2, 5, 29, 31]: try readDistributionPoints(reader)
      case [2, 5, 29, 32]: try readPolicies(reader)
      case [2, 5, 29, 33]: try readPolicyMappings(reader)
      case [2, 5, 29, 35]: try readAuthorityKeyIdentifier(reader)
      case [2, 5, 29, 36]: try readPolicyConstraints(reader)
      case [2, 5, 29, 37]: try readExtendedKeyUsage(reader)
      case [2, 5, 29, 54]:
        var reader = reader
        inhibitAnyPolicy = try reader.smallInteger()
      case [1, 3, 6, 1, 5, 5, 7, 1, 1]: try readAuthorityInformation(reader)
      default: return false
      }
      return true
    } catch {
      throw X509Failure("x509: invalid extension \(identifier)")
    }
  }
}

// MARK: Each extension

extension X509Extensions {
  private mutating func readSubjectKeyIdentifier(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    subjectKeyIdentifier = GoJSON.bytes(try reader.element(.octetString).content)
  }

  private mutating func readAuthorityKeyIdentifier(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    var fields = try reader.sequence()
    if let identifier = try fields.optional(.context(0)) {
      authorityKeyIdentifier = GoJSON.bytes(identifier.content)
    }
  }

  private mutating func readKeyUsage(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    let bits = try reader.bitString().bytes
    // The first bit of the string is the lowest of the number.
    for bit in 0..<9 where bit / 8 < bits.count {
      if bits[bits.startIndex + bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 { keyUsage |= 1 << bit }
    }
  }

  private mutating func readBasicConstraints(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    var fields = try reader.sequence()
    let isAuthority = fields.nextTag == .boolean ? try fields.boolean() : false
    basicConstraints = (isAuthority, fields.isAtEnd ? -1 : try fields.smallInteger())
  }

  private mutating func readExtendedKeyUsage(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    var usages = try reader.sequence()
    while !usages.isAtEnd {
      let identifier = try usages.objectIdentifier()
      if let usage = ExtendedKeyUsage.number(of: identifier) {
        extendedKeyUsages.append(usage)
      } else {
        unknownExtendedKeyUsages.append(identifier)
      }
    }
  }

  private mutating func readNameConstraints(_ reader: DERReader, _ isCritical: Bool) throws(DERReader.Failure)
  {
    var reader = reader
    var fields = try reader.sequence()
    areConstraintsCritical = isCritical
    if let subtrees = try fields.optional(.context(0, isConstructed: true)) {
      permitted = try GeneralNames(subtrees: subtrees.reader)
    }
    if let subtrees = try fields.optional(.context(1, isConstructed: true)) {
      excluded = try GeneralNames(subtrees: subtrees.reader)
    }
  }

  private mutating func readDistributionPoints(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    var points = try reader.sequence()
    while !points.isAtEnd {
      var point = try points.sequence()
      guard var name = try point.optional(.context(0, isConstructed: true))?.reader,
        var full = try name.optional(.context(0, isConstructed: true))?.reader
      else { continue }
      while !full.isAtEnd {
        let element = try full.element()
        if element.tag == .context(6), let text = ASN1String.ascii(element.content) {
          distributionPoints.append(.string(text))
        }
      }
    }
  }

  private mutating func readPolicies(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    var entries = try reader.sequence()
    while !entries.isAtEnd {
      var entry = try entries.sequence()
      policies.append(try entry.objectIdentifier())
    }
  }

  private mutating func readPolicyMappings(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    var entries = try reader.sequence()
    while !entries.isAtEnd {
      var entry = try entries.sequence()
      let issuer = try entry.objectIdentifier()
      policyMappings.append(
        GoJSON.object(
          ("IssuerDomainPolicy", .string(issuer.description)),
          ("SubjectDomainPolicy", .string(try entry.objectIdentifier().description))))
    }
  }

  private mutating func readPolicyConstraints(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    var fields = try reader.sequence()
    if let number = try fields.optional(.context(0)) {
      requireExplicitPolicy = try DERReader.smallInteger(number.content)
    }
    if let number = try fields.optional(.context(1)) {
      inhibitPolicyMapping = try DERReader.smallInteger(number.content)
    }
  }

  private mutating func readAuthorityInformation(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    var entries = try reader.sequence()
    while !entries.isAtEnd {
      var entry = try entries.sequence()
      let method = try entry.objectIdentifier()
      let location = try entry.element()
      guard location.tag == .context(6), let text = ASN1String.ascii(location.content) else { continue }
      switch method.arcs {
      case [1, 3, 6, 1, 5, 5, 7, 48, 1]: responders.append(.string(text))
      case [1, 3, 6, 1, 5, 5, 7, 48, 2]: issuerLocations.append(.string(text))
      default: continue
      }
    }
  }
}

// MARK: JSON

extension X509Extensions {
  /// The extensions themselves and the names of the subject, which requests have too.
  var requestMembers: [(String, Value)] {
    [
      ("Extensions", GoJSON.list(raw)), ("ExtraExtensions", .null), ("DNSNames", GoJSON.list(names.hosts)),
      ("EmailAddresses", GoJSON.list(names.mailboxes)), ("IPAddresses", GoJSON.list(names.addresses)),
      ("URIs", GoJSON.list(names.locations.map { GoURL($0)?.value ?? .null })),
    ]
  }

  /// What Go's `x509.Certificate` has of extensions.
  var members: [(String, Value)] {
    func number(_ value: Int?) -> Value { .int(value ?? 0) }
    func isZero(_ value: Int?) -> Value { .boolean(value == 0) }
    return requestMembers + [
      ("KeyUsage", .int(keyUsage)), ("UnhandledCriticalExtensions", GoJSON.list(unhandledCritical)),
      ("ExtKeyUsage", GoJSON.list(extendedKeyUsages.map { .int($0) })),
      ("UnknownExtKeyUsage", GoJSON.list(unknownExtendedKeyUsages.map(\.value))),
      ("BasicConstraintsValid", .boolean(basicConstraints != nil)),
      ("IsCA", .boolean(basicConstraints?.isAuthority ?? false)),
      ("MaxPathLen", number(basicConstraints?.maximumPathLength)),
      ("MaxPathLenZero", isZero(basicConstraints?.maximumPathLength)),
      ("SubjectKeyId", subjectKeyIdentifier), ("AuthorityKeyId", authorityKeyIdentifier),
      ("OCSPServer", GoJSON.list(responders)), ("IssuingCertificateURL", GoJSON.list(issuerLocations)),
      ("PermittedDNSDomainsCritical", .boolean(areConstraintsCritical)),
      ("PermittedDNSDomains", GoJSON.list(permitted.hosts)),
      ("ExcludedDNSDomains", GoJSON.list(excluded.hosts)),
      ("PermittedIPRanges", GoJSON.list(permitted.addresses)),
      ("ExcludedIPRanges", GoJSON.list(excluded.addresses)),
      ("PermittedEmailAddresses", GoJSON.list(permitted.mailboxes)),
      ("ExcludedEmailAddresses", GoJSON.list(excluded.mailboxes)),
      ("PermittedURIDomains", GoJSON.list(permitted.locations.map { .string($0) })),
      ("ExcludedURIDomains", GoJSON.list(excluded.locations.map { .string($0) })),
      ("CRLDistributionPoints", GoJSON.list(distributionPoints)),
      ("PolicyIdentifiers", GoJSON.list(policies.map(\.value))),
      ("Policies", GoJSON.list(policies.map { .string($0.description) })),
      ("PolicyMappings", GoJSON.list(policyMappings)),
      ("InhibitAnyPolicy", number(inhibitAnyPolicy)), ("InhibitAnyPolicyZero", isZero(inhibitAnyPolicy)),
      ("InhibitPolicyMapping", number(inhibitPolicyMapping)),
      ("InhibitPolicyMappingZero", isZero(inhibitPolicyMapping)),
      ("RequireExplicitPolicy", number(requireExplicitPolicy)),
      ("RequireExplicitPolicyZero", isZero(requireExplicitPolicy)),
    ]
  }
}

/// What a key may be used for, by the numbers that Go's package x509 gives the purposes.
enum ExtendedKeyUsage {
  /// Any purpose at all.
  static let any = 0
  static let serverAuthentication = 1

  /// Names as `crypto.x509.parse_and_verify_certificates_with_options` takes them, in the order of the numbers.
  static let names = [
    "KeyUsageAny", "KeyUsageServerAuth", "KeyUsageClientAuth", "KeyUsageCodeSigning",
    "KeyUsageEmailProtection",
    "KeyUsageIPSECEndSystem", "KeyUsageIPSECTunnel", "KeyUsageIPSECUser", "KeyUsageTimeStamping",
    "KeyUsageOCSPSigning", "KeyUsageMicrosoftServerGatedCrypto", "KeyUsageNetscapeServerGatedCrypto",
    "KeyUsageMicrosoftCommercialCodeSigning", "KeyUsageMicrosoftKernelCodeSigning",
  ]

  static func number(of identifier: ASN1ObjectIdentifier) -> Int? {
    switch identifier.arcs {
    case [2, 5, 29, 37, 0]: any
    case let arcs
    where arcs.count == 9 && arcs.starts(with: [1, 3, 6, 1, 5, 5, 7, 3]) && (1...9).contains(arcs[8]):
      Int(arcs[8])
    case [1, 3, 6, 1, 4, 1, 311, 10, 3, 3]: 10
    case [2, 16, 840, 1, 113730, 4, 1]: 11
    case [1, 3, 6, 1, 4, 1, 311, 2, 1, 22]: 12
    case [1, 3, 6, 1, 4, 1, 311, 61, 1, 1]: 13
    default: nil
    }
  }
}
