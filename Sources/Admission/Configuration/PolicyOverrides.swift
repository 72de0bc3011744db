import Rego

/// What the configuration file says of policies, by name: `policies: {NAME: {enforcement, parameters, match}}`.
public struct PolicyOverrides: Sendable {
  /// The settings as they are written.
  private let settings: [(name: String, setting: SettingReader)]
  /// Finds the place of a setting in the file.
  private let problem: @Sendable (SettingError) -> PolicyProblem

  /// No overrides.
  public init() {
    settings = []
    problem = { PolicyProblem(file: "", message: $0.description) }
  }

  init(
    _ setting: SettingReader, problem: @escaping @Sendable (SettingError) -> PolicyProblem
  ) throws(SettingError) {
    settings = try setting.members()
    self.problem = problem
  }

  /// Overrides that come from no file, for a host that has them as a value.
  ///
  /// - Throws: ``SettingError`` where the value is no map.
  public init(_ value: Value) throws(SettingError) {
    try self.init(SettingReader(value)) { PolicyProblem(file: "", message: $0.description) }
  }

  /// The settings as a value.
  var value: Value {
    .object(ObjectValue(settings.map { (.string($0.name), $0.setting.value) }))
  }

  public var isEmpty: Bool { settings.isEmpty }

  /// The settings of a policy, overridden where the file says so.
  func applied(to settings: PolicySettings, named name: String) throws(PolicyProblems) -> PolicySettings {
    var result = settings
    for (candidate, setting) in self.settings where candidate.utf8.elementsEqual(name.utf8) {
      do throws(SettingError) {
        try result.override(with: setting)
      } catch {
        throw PolicyProblems([problem(error)])
      }
    }
    return result
  }

  private static func isOff(_ name: String) -> Bool {
    BuiltinPolicies.optional.contains { $0.builtinName.utf8.elementsEqual(name.utf8) }
  }

  /// Complaints about overrides of policies that are not among `names`.
  func unknown(among names: [String]) -> [PolicyProblem] {
    settings.filter { candidate in !names.contains { $0.utf8.elementsEqual(candidate.name.utf8) } }.map {
      problem(
        SettingError(
          path: $0.setting.path, isAboutKey: true,
          message: Self.isOff($0.name)
            ? "this built-in policy is off: name it under builtin, beside all for those that everyone gets"
            : names.isEmpty
              ? "there is no policy of this name; none is loaded"
              : "there is no policy of this name; there are \(names.joined(separator: ", "))"))
    }
  }
}
