import TLS

/// Says what is to be done next about the certificates of a cluster, from what there is and the time alone: replicas that see the
/// same do the same, and whoever comes second finds it done.
///
/// A new authority is trusted before anything that it signed is served, and an old one for as long as something that it signed may
/// be.
struct CertificateRotation: Sendable {
  /// The names by which the API server calls the webhook.
  var names: [String]
  var authorityDays = 1_825
  var leafDays = 90
  /// How long a new authority is trusted before the server's certificate is its: API servers learn of a change one after the other.
  var settleSeconds: Int64 = 120
  /// How long an old authority is trusted after the server's certificate is the new one's.
  var retireSeconds: Int64 = 86_400

  /// Certificates are valid from this long before they are made, for clocks that are behind.
  static let backdated: Int64 = 300
  private static let day: Int64 = 86_400

  /// What of the cluster matters.
  struct State: Sendable {
    /// What the Secret holds; nil where it is not there, or nothing of use is in it.
    var certificates: ServingCertificates?
    /// What of the webhook configuration matters; nil where there is none.
    var webhooks: [Webhook]?
    /// Whether there is a webhook configuration to make where there is none.
    var canCreate = false
    /// The server's certificate that this replica serves.
    var served: Certificate?
    /// Whether this replica can decide reviews, so that the API server may be told to ask.
    var isReady = false

    struct Webhook: Sendable {
      /// The authorities by which the API server judges the server's certificate; empty for those of its system.
      var bundle: [Certificate]
      /// Whether requests are refused where nobody answers, if that is wanted once somebody does.
      var isEnforced = true
    }
  }

  enum Step: Sendable, Hashable {
    /// Make an authority and a certificate of its own.
    case makeAll
    /// Make a new authority, to be trusted beside the old one.
    case addAuthority
    /// Make a new server's certificate.
    case issueLeaf
    /// Trust the newest authority alone.
    case retireAuthorities
    /// Have the API server trust the authorities that there are, and refuse what nobody answers where that is wanted.
    case writeBundle
    /// Make the webhook configuration, with the authorities in it.
    case createConfiguration
    /// Serve the server's certificate.
    case serve
    /// Nothing for now.
    case wait
  }

  func step(for state: State, now: Int64) -> Step {
    guard let certificates = state.certificates, certificates.authorities[0].expiry > now else {
      return .makeAll
    }
    if let step = renewal(of: certificates, state, now) { return step }
    let isServed = state.served.map { $0.isIdentical(to: certificates.leaf) } ?? false
    if !isServed, canServe(certificates, state) { return .serve }
    guard let webhooks = state.webhooks else {
      return state.canCreate && isServed && state.isReady ? .createConfiguration : .wait
    }
    let isCurrent = webhooks.allSatisfy { certificates.isBundle($0.bundle) }
    // Where nothing is trusted yet the webhook is not in use, and begins to be with this.
    let isInUse = webhooks.contains { !$0.bundle.isEmpty }
    if !isCurrent, isInUse || isServed && state.isReady { return .writeBundle }
    // An install must not stand in its own way, nor in anyone's: nothing is refused for want of an answer before there is one.
    if webhooks.contains(where: { !$0.isEnforced }), isServed, state.isReady { return .writeBundle }
    return .wait
  }

  private func renewal(of certificates: ServingCertificates, _ state: State, _ now: Int64) -> Step? {
    let (newest, leaf) = (certificates.authorities[0], certificates.leaf)
    let leafRest = leaf.expiry - now
    let leafLife = Int64(leafDays) * Self.day
    // An authority must outlive whatever it signs.
    if newest.expiry - now < leafLife + 30 * Self.day, certificates.isLeafOfNewest { return .addAuthority }
    guard certificates.isLeafOfNewest else {
      let isTrusted = (state.webhooks ?? []).allSatisfy { webhook in
        webhook.bundle.isEmpty || webhook.bundle.contains { $0.isIdentical(to: newest) }
      }
      let isSettled = now >= newest.start + Self.backdated + settleSeconds
      // One that has expired convinces nobody: no reason to wait.
      return leafRest <= 0 || isTrusted && isSettled
        || !certificates.isLeafTrusted(by: certificates.authorities)
        ? .issueLeaf : nil
    }
    if leafRest < leafLife / 3 || Set(leaf.dnsNames) != Set(dnsNames) { return .issueLeaf }
    if certificates.authorities.count > 1, now >= leaf.start + Self.backdated + retireSeconds {
      return .retireAuthorities
    }
    return nil
  }

  /// The names that are no addresses, which a certificate lists elsewhere.
  private var dnsNames: [String] {
    names.filter { name in
      !name.utf8.contains(UInt8(ascii: ":"))
        && !name.utf8.allSatisfy {
          $0 == UInt8(ascii: ".") || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
        }
    }
  }

  /// Whether the API server would accept the server's certificate, or is not told to ask yet.
  private func canServe(_ certificates: ServingCertificates, _ state: State) -> Bool {
    (state.webhooks ?? []).allSatisfy { $0.bundle.isEmpty || certificates.isLeafTrusted(by: $0.bundle) }
  }

  /// The certificates that a step makes.
  ///
  /// - Throws: `TLSError`.
  func applying(
    _ step: Step, to certificates: ServingCertificates?, now: Int64
  ) throws -> ServingCertificates? {
    switch step {
    case .makeAll:
      let authority = try newAuthority(now)
      return try with(authority, older: [], leaf: try issue(by: authority, now))
    case .addAuthority:
      guard let old = certificates else { return nil }
      let leaf = CertificateAuthority.Issued(
        certificatePEM: try old.leaf.pem(), privateKeyPEM: old.leafKeyPEM)
      return try with(
        try newAuthority(now), older: old.authorities.prefix(1).filter { $0.expiry > now }, leaf: leaf)
    case .issueLeaf:
      guard let old = certificates else { return nil }
      return try with(
        old.authority, older: old.authorities.dropFirst(), leaf: try issue(by: old.authority, now))
    case .retireAuthorities:
      guard let old = certificates else { return nil }
      let leaf = CertificateAuthority.Issued(
        certificatePEM: try old.leaf.pem(), privateKeyPEM: old.leafKeyPEM)
      return try with(old.authority, older: [], leaf: leaf)
    case .writeBundle, .createConfiguration, .serve, .wait: return certificates
    }
  }

  private func newAuthority(_ now: Int64) throws -> CertificateAuthority {
    // A name of its own, by which clients find it among others.
    try CertificateAuthority(name: "Portcullis CA \(now)", validDays: authorityDays, now: now)
  }

  private func issue(by authority: CertificateAuthority, _ now: Int64) throws -> CertificateAuthority.Issued {
    try authority.issue(names: names, validDays: leafDays, now: now)
  }

  private func with(
    _ authority: CertificateAuthority, older: some Sequence<Certificate>, leaf: CertificateAuthority.Issued
  ) throws -> ServingCertificates {
    let exported = try authority.export()
    return try ServingCertificates(
      authoritiesPEM: exported.certificatePEM + older.map { try $0.pem() }.joined(),
      authorityKeyPEM: exported.privateKeyPEM, leafPEM: leaf.certificatePEM, leafKeyPEM: leaf.privateKeyPEM)
  }
}
