import Foundation
import Synchronization

/// Asks the system's resolver for the addresses of a host.
enum NameLookup {
  struct Failure: Error {
    let message: String
  }

  /// The addresses of a host name, or the address that the name itself is.
  ///
  /// The resolver cannot be interrupted: where there is a deadline, it works on a thread of its own, and an answer that comes
  /// too late is lost.
  static func addresses(of name: String, deadline: ContinuousClock.Instant?) throws(BuiltinError)
    -> [IPAddress]
  {
    if let address = IPAddress(name.utf8) { return [address] }
    guard let deadline else { return try result(resolve(name)) }
    let answer = Answer()
    Thread.detachNewThread { answer.give(resolve(name)) }
    let left = max(.zero, deadline - .now)
    let seconds = Double(left.components.seconds) + Double(left.components.attoseconds) / 1e18
    guard let outcome = answer.wait(seconds: seconds) else { throw .cancelled }
    return try result(outcome)
  }

  private static func result(_ outcome: Result<[IPAddress], Failure>) throws(BuiltinError) -> [IPAddress] {
    switch outcome {
    case .success(let addresses): return addresses
    case .failure(let failure): throw .failed(failure.message)
    }
  }

  private final class Answer: Sendable {
    private let value = Mutex<Result<[IPAddress], Failure>?>(nil)
    private let given = DispatchSemaphore(value: 0)

    func give(_ outcome: Result<[IPAddress], Failure>) {
      value.withLock { $0 = outcome }
      given.signal()
    }

    func wait(seconds: Double) -> Result<[IPAddress], Failure>? {
      guard given.wait(timeout: .now() + seconds) == .success else { return nil }
      return value.withLock { $0 }
    }
  }

  private static func resolve(_ name: String) -> Result<[IPAddress], Failure> {
    let failure = Result<[IPAddress], Failure>.failure(Failure(message: "lookup \(name): no such host"))
    // A zero character would cut the name short.
    if name.isEmpty || name.utf8.contains(0) { return failure }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(name, nil, &hints, &found)
    defer { if let found { freeaddrinfo(found) } }
    guard status == 0 else {
      if status == EAI_NONAME { return failure }
      return .failure(Failure(message: "lookup \(name): \(String(cString: gai_strerror(status)))"))
    }
    var addresses: [IPAddress] = []
    var next = found
    while let entry = next?.pointee {
      if let address = entry.ai_addr {
        addresses += IPAddress(address, family: entry.ai_family).map { [$0] } ?? []
      }
      next = entry.ai_next
    }
    return .success(addresses)
  }
}

extension IPAddress {
  fileprivate init?(_ address: UnsafePointer<sockaddr>, family: Int32) {
    switch family {
    case AF_INET:
      let bits = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
      self.init(v4: UInt32(bigEndian: bits))
    case AF_INET6:
      let bytes = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { $0.pointee.sin6_addr }
      self.init(bits: withUnsafeBytes(of: bytes) { $0.reduce(0) { $0 << 8 | UInt128($1) } })
    default: return nil
    }
  }
}
