/// Where the API server is: what a kubeconfig's `server` says.
public struct ServerAddress: Sendable, Hashable {
  public var isSecure: Bool
  /// A name or an IP address, without brackets.
  public var host: String
  public var port: Int
  /// What stands before every path, as where a proxy serves several clusters; empty or starting with a slash, not ending with one.
  public var basePath: String

  public init(isSecure: Bool, host: String, port: Int, basePath: String = "") {
    self.isSecure = isSecure
    self.host = host
    self.port = port
    self.basePath = basePath
  }

  /// Reads a URL such as `https://10.0.0.1:6443`; without a scheme `https` is meant. Nil where it is none.
  public init?(url: String) {
    var rest = Substring(url)
    isSecure = true
    if rest.hasPrefix("https://") {
      rest = rest.dropFirst(8)
    } else if rest.hasPrefix("http://") {
      rest = rest.dropFirst(7)
      isSecure = false
    } else if rest.contains("://") {
      return nil
    }
    let authority = rest.prefix { $0 != "/" }
    var path = rest.dropFirst(authority.count)
    while path.hasSuffix("/") { path.removeLast() }
    guard !authority.contains("@"), !path.contains("?"), !path.contains("#"),
      url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    basePath = String(path)
    var host = authority
    var port: Substring?
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      host = authority[authority.index(after: authority.startIndex)..<end]
      let after = authority[authority.index(after: end)...]
      if !after.isEmpty {
        guard after.hasPrefix(":") else { return nil }
        port = after.dropFirst()
      }
    } else if let colon = authority.lastIndex(of: ":") {
      host = authority[..<colon]
      port = authority[authority.index(after: colon)...]
      if host.contains(":") { return nil }
    }
    guard !host.isEmpty else { return nil }
    self.host = String(host)
    if let port {
      guard let number = Int(port), (1...65_535).contains(number) else { return nil }
      self.port = number
    } else {
      self.port = isSecure ? 443 : 80
    }
  }

  /// Host and port as a `Host` header has them.
  var authority: String {
    let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }
}

extension ServerAddress: CustomStringConvertible {
  public var description: String { "\(isSecure ? "https" : "http")://\(authority)\(basePath)" }
}
