import Connectivity
import Rego

extension Configuration {
  /// Reads a configuration file: a YAML map whose keys are the flags of `serve`, such as `tlsCert` or `tls-cert`.
  ///
  /// `policies` is a map of policies' names and what is said of them, or the list of paths that the flag takes; `policyPaths`
  /// is that list too, for files that need both.
  ///
  /// - Throws: everything that is wrong, each with line and column.
  public static func read(_ text: String, file: String) throws(PolicyProblems) -> Configuration {
    var documents: [YAMLDocument] = []
    for result in YAMLReader.documents(text, file: file) {
      do {
        documents.append(try result.get())
      } catch {
        throw PolicyProblems([
          PolicyProblem(file: error.file, line: error.line, column: error.column, message: error.problem)
        ])
      }
    }
    guard let document = documents.first else { return Configuration() }
    if documents.count > 1 {
      throw PolicyProblems([
        PolicyProblem(
          file: file, line: documents[1].line, column: 1,
          message: "a configuration file holds a single document")
      ])
    }
    if case .null = document.value { return Configuration() }
    return try Configuration(SettingReader(document.value)) { error in
      let position = document.positions.nearestPosition(to: error.path)
      let name = SettingError.name(of: error.path)
      return PolicyProblem(
        file: file, line: position.line, column: position.column,
        message: name.isEmpty ? error.message : "\(name): \(error.message)")
    }
  }

  /// Reads the configuration file at a path.
  public static func read(path: String) throws(PolicyProblems) -> Configuration {
    let text: String
    do throws(PolicyProblem) {
      text = try FileText.utf8(path)
    } catch {
      throw PolicyProblems([error])
    }
    return try read(text, file: path)
  }

  private init(
    _ reader: SettingReader, problem: @escaping @Sendable (SettingError) -> PolicyProblem
  ) throws(PolicyProblems) {
    self.init()
    var problems: [PolicyProblem] = []
    var seen: [String: String] = [:]
    let settings: [(name: String, setting: SettingReader)]
    do throws(SettingError) {
      settings = try reader.members()
    } catch {
      throw PolicyProblems([problem(error)])
    }
    for (name, setting) in settings {
      do throws(SettingError) {
        let key = Self.camelCase(name)
        if let other = seen.updateValue(name, forKey: key) {
          throw SettingError(path: setting.path, isAboutKey: true, message: "is the same setting as \(other)")
        }
        if key == "policies", setting.value.array == nil {
          overrides = try PolicyOverrides(setting, problem: problem)
        } else if let read = Self.readers[key] {
          try read(&self, setting)
        } else {
          throw setting.unknownKey(among: (Self.readers.keys + ["policies"]).sorted())
        }
      } catch {
        problems.append(problem(error))
      }
    }
    if policyPaths != nil, seen["policyPaths"] != nil, seen["policies"] != nil, overrides.isEmpty {
      problems.append(
        problem(SettingError(path: [.string("policyPaths")], message: "is the same setting as policies")))
    }
    if !problems.isEmpty { throw PolicyProblems(problems) }
  }

  /// `tls-cert` as `tlsCert`: a file may write keys as flags are written.
  static func camelCase(_ name: String) -> String {
    if name == "clientCA" { return "clientCa" }
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    return parts.enumerated().map { index, part in
      index == 0 ? String(part) : part.prefix(1).uppercased() + part.dropFirst()
    }.joined()
  }
}

// MARK: - The settings

extension Configuration {
  private typealias Reader = @Sendable (inout Configuration, SettingReader) throws(SettingError) -> Void

  private static func setting<Setting>(
    _ path: any WritableKeyPath<Configuration, Setting?> & Sendable,
    _ read: @escaping @Sendable (SettingReader) throws(SettingError) -> Setting
  ) -> Reader {
    { (configuration, setting) throws(SettingError) in configuration[keyPath: path] = try read(setting) }
  }

  /// By key, in camel case.
  private static let readers: [String: Reader] = [
    "listen": setting(\.listen) { (setting) throws(SettingError) in try setting.string() },
    "healthListen": setting(\.healthListen) { (setting) throws(SettingError) in try setting.string() },
    "tlsCert": setting(\.tlsCert) { (setting) throws(SettingError) in try setting.string() },
    "tlsKey": setting(\.tlsKey) { (setting) throws(SettingError) in try setting.string() },
    "clientCa": setting(\.clientCA) { (setting) throws(SettingError) in try setting.string() },
    "clientName": setting(\.clientNames) { (setting) throws(SettingError) in try setting.stringOrStrings() },
    "policies": setting(\.policyPaths) { (setting) throws(SettingError) in try setting.strings() },
    "policyPaths": setting(\.policyPaths) { (setting) throws(SettingError) in try setting.stringOrStrings() },
    "builtin": setting(\.builtin) { (setting) throws(SettingError) in try setting.builtinSelection() },
    "inventory": setting(\.inventoryPaths) { (setting) throws(SettingError) in try setting.stringOrStrings()
    },
    "kubeconfig": setting(\.kubeconfig) { (setting) throws(SettingError) in try setting.string() },
    "context": setting(\.context) { (setting) throws(SettingError) in try setting.string() },
    "inCluster": setting(\.inCluster) { (setting) throws(SettingError) in try setting.boolean() },
    "inventoryKinds": setting(\.inventoryKinds) { (setting) throws(SettingError) in
      try setting.followedKinds()
    },
    "namespace": setting(\.namespace) { (setting) throws(SettingError) in try setting.string() },
    "service": setting(\.serviceName) { (setting) throws(SettingError) in try setting.string() },
    "webhookConfiguration": setting(\.webhookConfiguration) { (setting) throws(SettingError) in
      try setting.string()
    },
    "webhookManifest": setting(\.webhookManifest) { (setting) throws(SettingError) in try setting.string() },
    "manageCertificates": setting(\.manageCertificates) { (setting) throws(SettingError) in
      try setting.boolean()
    },
    "auditInterval": setting(\.auditInterval) { (setting) throws(SettingError) in try setting.duration() },
    "enforcingNetworks": setting(\.enforcingNetworks) { (setting) throws(SettingError) in
      try setting.stringOrStrings()
    },
    "regoVersion": setting(\.regoVersion) { (setting) throws(SettingError) in try setting.dialect() },
    "allowedBuiltins": setting(\.allowedBuiltins) { (setting) throws(SettingError) in
      try setting.stringOrStrings()
    },
    "enforcedKinds": setting(\.enforcedKinds) { (setting) throws(SettingError) in
      try setting.policyKinds()
    },
    "maxBodySize": setting(\.maxBodySize) { (setting) throws(SettingError) in try setting.size() },
    "maxHeaderSize": setting(\.maxHeaderSize) { (setting) throws(SettingError) in try setting.size() },
    "maxConnections": setting(\.maxConnections) { (setting) throws(SettingError) in try setting.count() },
    "maxConcurrentEvaluations": setting(\.maxConcurrentEvaluations) { (setting) throws(SettingError) in
      try setting.count()
    },
    "headerTimeout": setting(\.headerTimeout) { (setting) throws(SettingError) in try setting.duration() },
    "bodyTimeout": setting(\.bodyTimeout) { (setting) throws(SettingError) in try setting.duration() },
    "idleTimeout": setting(\.idleTimeout) { (setting) throws(SettingError) in try setting.duration() },
    "writeTimeout": setting(\.writeTimeout) { (setting) throws(SettingError) in try setting.duration() },
    "evaluationBudget": setting(\.evaluationBudget) { (setting) throws(SettingError) in
      try setting.duration()
    },
    "evaluationMargin": setting(\.evaluationMargin) { (setting) throws(SettingError) in
      try setting.duration()
    },
    "shutdownDelay": setting(\.shutdownDelay) { (setting) throws(SettingError) in try setting.duration() },
    "shutdownDrain": setting(\.shutdownDrain) { (setting) throws(SettingError) in try setting.duration() },
  ]

  private static func fill<Setting>(
    _ path: any WritableKeyPath<Configuration, Setting?> & Sendable
  ) -> @Sendable (inout Configuration, Configuration) -> Void {
    { configuration, other in
      if configuration[keyPath: path] == nil { configuration[keyPath: path] = other[keyPath: path] }
    }
  }

  static let fills: [@Sendable (inout Configuration, Configuration) -> Void] = [
    fill(\.listen), fill(\.healthListen), fill(\.tlsCert), fill(\.tlsKey), fill(\.clientCA),
    fill(\.clientNames),
    fill(\.policyPaths), fill(\.builtin), fill(\.inventoryPaths), fill(\.kubeconfig),
    fill(\.context), fill(\.inCluster), fill(\.inventoryKinds),
    fill(\.namespace), fill(\.serviceName), fill(\.webhookConfiguration), fill(\.webhookManifest),
    fill(\.manageCertificates),
    fill(\.auditInterval), fill(\.enforcingNetworks), fill(\.regoVersion),
    fill(\.allowedBuiltins), fill(\.enforcedKinds),
    fill(\.maxBodySize), fill(\.maxHeaderSize), fill(\.maxConnections), fill(\.maxConcurrentEvaluations),
    fill(\.headerTimeout), fill(\.bodyTimeout), fill(\.idleTimeout), fill(\.writeTimeout),
    fill(\.evaluationBudget), fill(\.evaluationMargin), fill(\.shutdownDelay), fill(\.shutdownDrain),
  ]
}

extension SettingReader {
  fileprivate func followedKinds() throws(SettingError) -> [String] {
    let kinds = try stringOrStrings()
    guard FollowedKinds(kinds) != nil else {
      throw error(
        "must name kinds, such as Pod, apps/Deployment, networking.k8s.io/* or * for all; Secrets are never among them"
      )
    }
    return kinds
  }

  /// Kinds of policies. NetworkPolicy is always among them: what enforces others enforces it, and every rule here rests on it.
  fileprivate func policyKinds() throws(SettingError) -> [String] {
    let kinds = try stringOrStrings()
    let known = ClusterModelBuilder.policyKinds
    for kind in kinds where !known.contains(RegoString(kind)) {
      throw error(
        "\"\(kind)\" is no kind of policy that is known; there are "
          + known.map(\.string).sorted().joined(separator: ", "))
    }
    if !kinds.contains(where: { $0.utf8.elementsEqual("NetworkPolicy".utf8) }) {
      throw error("must name NetworkPolicy, without which no rule has anything to judge by")
    }
    return kinds
  }

  fileprivate func builtinSelection() throws(SettingError) -> Configuration.BuiltinSelection {
    if value.array != nil { return .named(try strings()) }
    return Configuration.BuiltinSelection(try string())
  }

  fileprivate func dialect() throws(SettingError) -> Dialect {
    switch try string() {
    case "v0": return .v0
    case "v1": return .v1
    case let other: throw error("must be v0 or v1, but is \"\(other)\"")
    }
  }

  /// A number of seconds, or text such as `500ms`, `5s`, `1m30s`.
  fileprivate func duration() throws(SettingError) -> Duration {
    if let seconds = value.int, seconds >= 0, seconds < 1_000_000_000 { return .seconds(seconds) }
    guard let duration = QuantityText.duration(value.string ?? "") else {
      throw error(
        "must be a duration such as 500ms, 5s or 1m30s, but is \(value.string.map { "\"\($0)\"" } ?? value.article)"
      )
    }
    return duration
  }

  /// A number of bytes, or text such as `64KiB`, `8MiB`.
  fileprivate func size() throws(SettingError) -> Int {
    if let bytes = value.int, bytes > 0 { return bytes }
    guard let size = QuantityText.size(value.string ?? "") else {
      throw error(
        "must be a size such as 65536, 64KiB or 8MiB, but is \(value.string.map { "\"\($0)\"" } ?? value.article)"
      )
    }
    return size
  }
}
