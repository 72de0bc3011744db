import Rego
import TLS
import Testing

@testable import ClusterControl

/// Certificates over the years.
@Suite struct CertificateRotationTests {
  static let rotation = CertificateRotation(names: ["portcullis.portcullis.svc", "127.0.0.1"])
  static let day: Int64 = 86_400
  static let start: Int64 = 1_800_000_000

  typealias Webhook = CertificateRotation.State.Webhook

  static func made(at time: Int64 = start) throws -> ServingCertificates {
    try #require(try rotation.applying(.makeAll, to: nil, now: time))
  }

  static func step(
    _ certificates: ServingCertificates?, webhooks: [[Certificate]]?, served: Certificate? = nil,
    isReady: Bool = true, canCreate: Bool = true, now: Int64
  ) -> CertificateRotation.Step {
    rotation.step(
      for: .init(
        certificates: certificates, webhooks: webhooks?.map { Webhook(bundle: $0) }, canCreate: canCreate,
        served: served,
        isReady: isReady), now: now)
  }

  @Test("an install: certificates, then serving, then the webhook, which only a ready replica puts to use")
  func install() throws {
    #expect(Self.step(nil, webhooks: nil, now: Self.start) == .makeAll)
    let made = try Self.made()
    let now = Self.start + 1
    // Nobody asks yet, so nobody is turned away.
    #expect(Self.step(made, webhooks: nil, now: now) == .serve)
    #expect(Self.step(made, webhooks: [[], []], now: now) == .serve)
    #expect(Self.step(made, webhooks: nil, served: made.leaf, isReady: false, now: now) == .wait)
    #expect(Self.step(made, webhooks: nil, served: made.leaf, now: now) == .createConfiguration)
    #expect(Self.step(made, webhooks: nil, served: made.leaf, canCreate: false, now: now) == .wait)
    #expect(Self.step(made, webhooks: [[]], served: made.leaf, isReady: false, now: now) == .wait)
    #expect(Self.step(made, webhooks: [[]], served: made.leaf, now: now) == .writeBundle)
    #expect(Self.step(made, webhooks: [made.authorities], served: made.leaf, now: now) == .wait)
    // One of two was forgotten, or taken away.
    #expect(Self.step(made, webhooks: [made.authorities, []], served: made.leaf, now: now) == .writeBundle)
  }

  @Test("nothing is refused for want of an answer before a replica that is ready serves")
  func failClosed() throws {
    let made = try Self.made()
    func step(served: Certificate?, isReady: Bool) -> CertificateRotation.Step {
      Self.rotation.step(
        for: .init(
          certificates: made, webhooks: [Webhook(bundle: made.authorities, isEnforced: false)],
          served: served,
          isReady: isReady), now: Self.start + 1)
    }
    #expect(step(served: nil, isReady: true) == .serve)
    #expect(step(served: made.leaf, isReady: false) == .wait)
    #expect(step(served: made.leaf, isReady: true) == .writeBundle)
  }

  @Test("a certificate is served only once the bundle that was read back holds its authority")
  func trust() throws {
    let old = try Self.made()
    let new = try Self.made(at: Self.start + 5)
    let now = Self.start + 10
    #expect(
      Self.step(new, webhooks: [old.authorities], served: old.leaf, isReady: false, now: now) == .writeBundle)
    #expect(Self.step(new, webhooks: [new.authorities], served: old.leaf, now: now) == .serve)
    #expect(
      Self.step(new, webhooks: [new.authorities, old.authorities], served: old.leaf, now: now) == .writeBundle
    )
  }

  @Test("the server's certificate is renewed with a third of its life left, and when it gets other names")
  func leaf() throws {
    let made = try Self.made()
    let bundle = [made.authorities]
    #expect(Self.step(made, webhooks: bundle, served: made.leaf, now: Self.start + 59 * Self.day) == .wait)
    let due = Self.start + 61 * Self.day
    #expect(Self.step(made, webhooks: bundle, served: made.leaf, now: due) == .issueLeaf)
    let renewed = try #require(try Self.rotation.applying(.issueLeaf, to: made, now: due))
    #expect(renewed.isBundle(made.authorities) && renewed.isLeafTrusted(by: made.authorities))
    #expect(Self.step(renewed, webhooks: bundle, served: made.leaf, now: due) == .serve)
    var other = Self.rotation
    other.names = ["elsewhere.svc"]
    let state = CertificateRotation.State(
      certificates: made, webhooks: [Webhook(bundle: made.authorities)], served: made.leaf, isReady: true)
    #expect(other.step(for: state, now: Self.start + 1) == .issueLeaf)
  }

  @Test("a new authority is trusted for a while before it is used, and the old one for a while after")
  func authority() throws {
    let rotation = Self.rotation
    let made = try Self.made()
    // The leaf has been renewed again and again.
    let soon = Self.start + (1_825 - 119) * Self.day
    let late = try #require(try rotation.applying(.issueLeaf, to: made, now: soon))
    let bundle = [made.authorities]
    #expect(Self.step(late, webhooks: bundle, served: late.leaf, now: soon) == .addAuthority)
    let both = try #require(try rotation.applying(.addAuthority, to: late, now: soon))
    #expect(both.authorities.count == 2 && both.leaf.isIdentical(to: late.leaf) && !both.isLeafOfNewest)
    #expect(Self.step(both, webhooks: bundle, served: late.leaf, now: soon + 1_000) == .writeBundle)
    let overlap = [both.authorities]
    #expect(Self.step(both, webhooks: overlap, served: late.leaf, now: soon + 1) == .wait)
    let settled = soon + rotation.settleSeconds
    #expect(Self.step(both, webhooks: overlap, served: late.leaf, now: settled) == .issueLeaf)
    let next = try #require(try rotation.applying(.issueLeaf, to: both, now: settled))
    #expect(next.isLeafOfNewest && next.authorities.count == 2)
    #expect(Self.step(next, webhooks: overlap, served: late.leaf, now: settled) == .serve)
    #expect(Self.step(next, webhooks: overlap, served: next.leaf, now: settled + Self.day - 1) == .wait)
    let done = settled + Self.day
    #expect(Self.step(next, webhooks: overlap, served: next.leaf, now: done) == .retireAuthorities)
    let alone = try #require(try rotation.applying(.retireAuthorities, to: next, now: done))
    #expect(alone.authorities.count == 1)
    #expect(Self.step(alone, webhooks: overlap, served: next.leaf, now: done) == .writeBundle)
    #expect(Self.step(alone, webhooks: [alone.authorities], served: next.leaf, now: done) == .wait)
  }

  @Test("a Secret is written and read; one with something missing or wrong is told from an empty one")
  func secret() throws {
    let made = try Self.made()
    let data = try made.secretData
    let read = try #require(try ServingCertificates(secret: ["data": data]))
    #expect(read.leaf.isIdentical(to: made.leaf) && read.isBundle(made.authorities))
    #expect(try ServingCertificates(secret: ["data": [:]]) == nil)
    #expect(try ServingCertificates(secret: [:]) == nil)
    let members = try #require(data.object)
    let other = try #require(try Self.made().secretData.object)
    let wrong: [ObjectValue] = [
      members.removing("tls.key"), members.inserting("ca.crt", "bm9uZQ=="), members.inserting("tls.crt", "%"),
      members.inserting("tls.key", other["tls.key"] ?? .null),
      members.inserting("ca.key", other["ca.key"] ?? .null),
    ]
    for data in wrong {
      #expect(throws: TLSError.self) { try ServingCertificates(secret: ["data": .object(data)]) }
    }
  }

  /// A cluster as replicas see it: a Secret and a webhook configuration, each with a version.
  private struct Cluster {
    var secret: (version: Int, value: ServingCertificates?) = (0, nil)
    var webhooks: (version: Int, value: [[Certificate]]?) = (0, nil)
    var steps: [CertificateRotation.Step: Int] = [:]
  }

  private struct Replica {
    var served: Certificate?
    var seen: Cluster?
  }

  @Test("replicas that act on what they saw a while ago never turn the API server away, over six years")
  func simulation() throws {
    let rotation = Self.rotation
    var random = Random(seed: 7)
    var cluster = Cluster()
    var replicas = [Replica(), Replica()]
    var now = Self.start
    let end = Self.start + 6 * 365 * Self.day
    while now < end {
      let index = Int.random(in: 0..<replicas.count, using: &random)
      // It looks, and some time passes before it does something.
      if Bool.random(using: &random) || replicas[index].seen == nil { replicas[index].seen = cluster }
      let seen = try #require(replicas[index].seen)
      let state = CertificateRotation.State(
        certificates: seen.secret.value, webhooks: seen.webhooks.value.map { $0.map { Webhook(bundle: $0) } },
        canCreate: true, served: replicas[index].served, isReady: true)
      let step = rotation.step(for: state, now: now)
      switch step {
      case .makeAll, .addAuthority, .issueLeaf, .retireAuthorities:
        if cluster.secret.version == seen.secret.version {
          let next = try rotation.applying(step, to: seen.secret.value, now: now)
          cluster.secret = (seen.secret.version + 1, next)
          cluster.steps[step, default: 0] += 1
        }
        replicas[index].seen = nil
      case .writeBundle, .createConfiguration:
        if cluster.webhooks.version == seen.webhooks.version {
          cluster.webhooks = (seen.webhooks.version + 1, [seen.secret.value?.authorities ?? []])
          cluster.steps[step, default: 0] += 1
        }
        replicas[index].seen = nil
      case .serve:
        replicas[index].served = seen.secret.value?.leaf
        replicas[index].seen = nil
      case .wait:
        replicas[index].seen = nil
        // Every replica looks several times a day.
        now += Int64.random(in: 1...30_000, using: &random)
      }
      now += 1
      // What is asked must be answered by a certificate that the API server accepts.
      if let bundle = cluster.webhooks.value?.first {
        for replica in replicas {
          guard let served = replica.served else { continue }
          #expect(served.expiry > now)
          #expect(bundle.contains { served.isIssued(by: $0) && $0.expiry > now })
        }
      }
    }
    #expect(cluster.steps[.makeAll] == 1 && cluster.steps[.createConfiguration] == 1)
    #expect((1...2).contains(cluster.steps[.addAuthority] ?? 0))
    #expect((34...40).contains(cluster.steps[.issueLeaf] ?? 0), "\(cluster.steps)")
  }
}

/// Numbers that are the same in every run.
struct Random: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    // SplitMix64 (Steele, Lea, Flood 2014).
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
