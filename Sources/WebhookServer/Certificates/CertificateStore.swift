import Glibc
import Logging
import Synchronization
import TLS

/// The server's TLS context, made anew when the files it comes from change. Connections that exist keep the one they were
/// made with; files that cannot be used change nothing.
final class CertificateStore: Sendable {
  private struct State {
    var context: TLSContext
    var expiry: Int64
    /// What the files looked like when they were last read.
    var signature: [FileSignature?]
  }

  /// Nil where certificates are handed over instead.
  private let files: CertificateFiles?
  private let clientAuthorities: [UInt8]?
  private let metrics: ServerMetrics
  private let logger: Logger
  private let state: Mutex<State>

  /// - Throws: ``TLSError/unusable(what:reason:)``, naming the file.
  init(files: CertificateFiles, metrics: ServerMetrics, logger: Logger) throws {
    self.files = files
    clientAuthorities = nil
    self.metrics = metrics
    self.logger = logger
    state = Mutex(try Self.load(files))
    warnOfExpiry()
  }

  /// A store of certificates that are handed over.
  ///
  /// - Parameter clientAuthorities: the file of those who vouch for clients.
  /// - Throws: ``TLSError/unusable(what:reason:)``.
  init(identity: TLSIdentity, clientAuthorities: String?, metrics: ServerMetrics, logger: Logger) throws {
    files = nil
    self.metrics = metrics
    self.logger = logger
    self.clientAuthorities = try clientAuthorities.map { path in
      let pem = try Self.read(path)
      try Self.naming(path) { _ = try Certificate.parse(pem: pem, what: path) }
      return pem
    }
    state = Mutex(try Self.state(identity, clientAuthorities: self.clientAuthorities))
  }

  /// Has new connections use another certificate.
  ///
  /// - Throws: ``TLSError/unusable(what:reason:)``; nothing changes then.
  func replace(with identity: TLSIdentity) throws {
    let loaded = try Self.state(identity, clientAuthorities: clientAuthorities)
    state.withLock { $0 = loaded }
    metrics.certificateReloads.increment()
  }

  private static func state(_ identity: TLSIdentity, clientAuthorities: [UInt8]?) throws -> State {
    let certificates = try Certificate.parse(pem: identity.certificateChain, what: "the certificate")
    return State(
      context: try TLSContext.server(identity: identity, clientAuthorities: clientAuthorities),
      expiry: certificates.map(\.expiry).min() ?? 0, signature: [])
  }

  /// What new connections use.
  var context: TLSContext { state.withLock { $0.context } }

  /// Days until the certificate expires; negative once it has.
  var daysToExpiry: Double {
    let expiry = state.withLock { $0.expiry }
    return Double(expiry - Int64(Timestamp.now().secondsSince1970)) / 86_400
  }

  /// Reads the files again where they have changed. Replacing by rename and Kubernetes' exchange of symbolic links both
  /// change what a path leads to.
  func reloadIfChanged() {
    guard let files else { return }
    let signature = Self.signatures(files)
    guard state.withLock({ $0.signature != signature }) else { return }
    do {
      let loaded = try Self.load(files)
      state.withLock { $0 = loaded }
      metrics.certificateReloads.increment()
      logger.info("the certificate files have changed and are in use")
      warnOfExpiry()
    } catch {
      // Once for each change, not once for each look.
      state.withLock { $0.signature = signature }
      metrics.certificateReloadFailures.increment()
      logger.error(
        "the certificate files have changed but cannot be used; the old ones stay",
        metadata: ["error": "\(error)"])
    }
  }

  /// An expired certificate is still served: whether to accept it is the client's to decide.
  func warnOfExpiry() {
    let file = files?.certificateChain ?? "the Secret"
    let days = daysToExpiry
    if days < 0 {
      logger.error("the server's certificate has expired", metadata: ["file": "\(file)"])
    } else if days < 14 {
      logger.warning(
        "the server's certificate expires soon",
        metadata: ["file": "\(file)", "days": "\(Int(days))"])
    }
  }

  private static func load(_ files: CertificateFiles) throws -> State {
    // Looked at before they are read: a change in between is then seen at the next look.
    let signature = signatures(files)
    let identity = TLSIdentity(
      certificateChain: try read(files.certificateChain), privateKey: try read(files.privateKey))
    let authorities = try files.clientAuthorities.map { path in
      let pem = try read(path)
      try naming(path) { _ = try Certificate.parse(pem: pem, what: path) }
      return pem
    }
    let certificates = try naming(files.certificateChain) {
      try Certificate.parse(pem: identity.certificateChain, what: files.certificateChain)
    }
    // What is left to go wrong is the key: that it is none, or another certificate's.
    let context = try naming(files.privateKey) {
      try TLSContext.server(identity: identity, clientAuthorities: authorities)
    }
    return State(context: context, expiry: certificates.map(\.expiry).min() ?? 0, signature: signature)
  }

  private static func read(_ path: String) throws -> [UInt8] {
    do {
      return try readFile(path, maximumBytes: 1 << 20)
    } catch {
      throw TLSError.unusable(what: path, reason: error.description)
    }
  }

  /// Puts the file's path into errors about what it holds.
  private static func naming<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch TLSError.unusable(_, let reason) {
      throw TLSError.unusable(what: path, reason: reason)
    }
  }

  private static func signatures(_ files: CertificateFiles) -> [FileSignature?] {
    [files.certificateChain, files.privateKey, files.clientAuthorities ?? ""].map(FileSignature.init(path:))
  }
}

/// What tells one state of a file from another without reading it.
struct FileSignature: Equatable {
  var device: UInt
  var inode: UInt
  var size: Int
  var seconds: Int
  var nanoseconds: Int

  /// Follows symbolic links; nil where there is no file.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
    size = status.st_size
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }
}

struct FileError: Error, CustomStringConvertible {
  var description: String
}

/// Reads a small file whole.
func readFile(_ path: String, maximumBytes: Int) throws(FileError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw FileError(description: String(cString: strerror(errno))) }
  defer { Glibc.close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 16 << 10)
  while true {
    let count = Glibc.read(descriptor, &chunk, chunk.count)
    if count < 0 {
      if errno == EINTR { continue }
      throw FileError(description: String(cString: strerror(errno)))
    }
    if count == 0 { return bytes }
    bytes.append(contentsOf: chunk[..<count])
    guard bytes.count <= maximumBytes else {
      throw FileError(description: "it is larger than \(maximumBytes) bytes")
    }
  }
}
