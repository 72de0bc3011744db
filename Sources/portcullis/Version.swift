/// What this binary is.
struct Version {
  /// As in semver.org.
  let number: String
  /// How it was built.
  let configuration: String

  static let current = Version(number: "0.1.0", configuration: builtConfiguration)

  private static var builtConfiguration: String {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }
}
