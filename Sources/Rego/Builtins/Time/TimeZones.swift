import Foundation
import Synchronization

/// The time zones of the system's time zone database, by name.
enum TimeZones {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let folders = [
    "/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo",
  ]
  /// Files are small; what is larger is no time zone.
  private static let sizeLimit = 1 << 20

  /// The zones that were asked for: no more than the database has files.
  private static let known = Mutex<[String: ZoneRules]>([:])

  /// The zone with a name such as `Europe/Berlin`; empty and `UTC` are UTC, `Local` the system's own.
  static func zone(_ name: RegoString) throws(Failure) -> ZoneRules {
    switch name.string {
    case "", "UTC": return .utc
    case "Local": return local
    default: break
    }
    if let zone = known.withLock({ $0[name.string] }) { return zone }
    // No zone's name begins with a slash or has two dots in a row, and nothing may lead out of the folder.
    if name.string.hasPrefix("/") || name.string.hasPrefix("\\") || name.string.contains("..") {
      throw Failure(description: "time: invalid location name")
    }
    let isPlain = name.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || "+-_/.".utf8.contains(byte)
    }
    for folder in folders where isPlain && name.utf8Count < 256 {
      guard let zone = read("\(folder)/\(name.string)") else { continue }
      known.withLock { $0[name.string] = zone }
      return zone
    }
    throw Failure(description: "unknown time zone \(name.string)")
  }

  private static func read(_ path: String) -> ZoneRules? {
    guard let handle = FileHandle(forReadingAtPath: path),
      let data = try? handle.read(upToCount: sizeLimit)
    else { return nil }
    return ZoneRules(Array(data))
  }

  private static let local: ZoneRules = {
    if let name = ProcessInfo.processInfo.environment["TZ"] {
      let file = name.hasPrefix(":") ? String(name.dropFirst()) : name
      if file.hasPrefix("/") { return read(file) ?? .utc }
      return (try? zone(RegoString(file == "Local" ? "" : file))) ?? .utc
    }
    return read("/etc/localtime") ?? .utc
  }()
}
