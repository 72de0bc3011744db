import Admission
import ArgumentParser
import Rego
import WebhookServer

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve admission reviews over HTTPS.",
    discussion: """
      Answers POST /validate, and /healthz, /readyz and /metrics beside it. Every option is a key of the YAML file that --config \
      names, such as tlsCert for --tls-cert; what the command line says counts first. Policies, configuration and inventory \
      are read again on SIGHUP and when their files change, certificates when theirs do. On SIGTERM it serves on for \
      --shutdown-delay, ends what is under way and exits with 0.

      Durations are written as 500ms, 5s or 1m30s, sizes as 65536, 64KiB or 8MiB.

      EXAMPLES
        portcullis serve --inventory manifests/samples/cluster
        portcullis serve --listen 0.0.0.0:8443 --tls-cert tls.crt --tls-key tls.key --policies policies/
      """)

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where to listen; port 0 picks a free one. (default: \(Defaults.listen))", valueName: "host:port"))
  var listen: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where to serve health and metrics in plain HTTP. (default: on the same port as reviews)",
      valueName: "host:port"))
  var healthListen: String?

  @OptionGroup(title: "TLS") var tls: TLSOptions
  @OptionGroup(title: "Policies") var policies: ServePolicyOptions
  @OptionGroup(title: "Cluster") var cluster: ClusterOptions
  @OptionGroup(title: "Bounds") var bounds: BoundOptions

  struct TLSOptions: ParsableArguments {
    @Option(
      name: .long,
      help: ArgumentHelp(
        "The server's certificate, with those between it and its authority. On a loopback address a missing one is made. (default: \(Defaults.certificate))",
        valueName: "file"))
    var tlsCert: String?

    @Option(
      name: .long,
      help: ArgumentHelp("The certificate's private key. (default: \(Defaults.key))", valueName: "file"))
    var tlsKey: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Authorities of client certificates; with it /validate demands one.", valueName: "file"))
    var clientCa: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "A name that a client certificate must carry. Repeat for others that may ask too.", valueName: "name")
    )
    var clientName: [String] = []
  }

  /// As ``PolicyOptions``, with lists of paths after one option, since no other arguments follow.
  struct ServePolicyOptions: ParsableArguments {
    @Option(
      name: .long, parsing: .upToNextOption,
      help: ArgumentHelp("Policies (.rego) and folders of them, beside the built-in ones.", valueName: "path")
    )
    var policies: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        "The built-in policies to serve: all, none, or names with commas. (default: all)", valueName: "names")
    )
    var builtin: Configuration.BuiltinSelection?

    @Option(
      name: .long, parsing: .upToNextOption,
      help: ArgumentHelp(
        "What is in the cluster: manifests, folders of them, or inventories as JSON.", valueName: "path"))
    var inventory: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        "A kubeconfig: what is in its cluster is followed as it changes.", valueName: "file"))
    var kubeconfig: String?

    @Option(
      name: .long,
      help: ArgumentHelp("The kubeconfig's context. (default: its current one)", valueName: "name"))
    var context: String?

    @Flag(
      name: .long, inversion: .prefixedNo,
      help:
        "Follow what is in the cluster that this runs in. (default: where it runs in one and no inventory is given)"
    )
    var inCluster: Bool?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "A YAML file with these options and with what is said of single policies.", valueName: "file"))
    var config: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Read policies as v0 or v1 only. By default each is read as v1, and where that fails as v0.",
        valueName: "version"))
    var regoVersion: Dialect?
  }

  struct ClusterOptions: ParsableArguments {
    @Option(
      name: .long,
      help: ArgumentHelp(
        "The webhook's namespace: of its policies, certificates and Lease. (default: that of the pod or context)",
        valueName: "name"))
    var namespace: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "The Service by which the API server reaches the webhook. (default: portcullis)", valueName: "name"))
    var service: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "The ValidatingWebhookConfiguration by which it asks. (default: portcullis)", valueName: "name"))
    var webhookConfiguration: String?

    @Flag(
      name: .long,
      help:
        "Make and renew certificates in a Secret, and have the webhook configuration trust them, rather than read files."
    )
    var manageCertificates = false

    @Option(
      name: .long,
      help: ArgumentHelp(
        "From one scan of what exists to the next, on one replica; 0s for none. (default: 10m in a cluster)",
        valueName: "duration"))
    var auditInterval: TimeSpan?
  }

  struct BoundOptions: ParsableArguments {
    @Option(
      name: .long,
      help: ArgumentHelp(
        "The largest request body; more is answered with 413. (default: 8MiB)", valueName: "size"))
    var maxBodySize: ByteCount?

    @Option(
      name: .long,
      help: ArgumentHelp("The largest request line and headers together. (default: 16KiB)", valueName: "size")
    )
    var maxHeaderSize: ByteCount?

    @Option(name: .long, help: ArgumentHelp("Connections at a time. (default: 2000)", valueName: "number"))
    var maxConnections: Int?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Evaluations that run or wait at a time; more are answered with 503. (default: 128)",
        valueName: "number"))
    var maxConcurrentEvaluations: Int?

    @Option(
      name: .long,
      help: ArgumentHelp("How long a request's headers may take. (default: 10s)", valueName: "duration"))
    var headerTimeout: TimeSpan?

    @Option(
      name: .long,
      help: ArgumentHelp("How long a request's body may take. (default: 30s)", valueName: "duration"))
    var bodyTimeout: TimeSpan?

    @Option(
      name: .long, help: "How long a connection may be idle; longer than the API server's 90s. (default: 2m)")
    var idleTimeout: TimeSpan?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "How long a client may take to read an answer. (default: 10s)", valueName: "duration"))
    var writeTimeout: TimeSpan?

    @Option(
      name: .long,
      help: "How long a decision may take, where the API server grants no less. (default: 2500ms)")
    var evaluationBudget: TimeSpan?

    @Option(
      name: .long, help: "What is kept of the API server's own timeout for the way back. (default: 250ms)")
    var evaluationMargin: TimeSpan?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "How long to serve on after SIGTERM, while endpoints propagate. (default: 5s)", valueName: "duration")
    )
    var shutdownDelay: TimeSpan?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "How long requests that are under way may then take. (default: 10s)", valueName: "duration"))
    var shutdownDrain: TimeSpan?
  }

  enum Defaults {
    static let listen = "127.0.0.1:8443"
    static let certificate = "certs/tls.crt"
    static let key = "certs/tls.key"
  }

  func run() async throws {
    try await ServeRun(flags: flags, configurationPath: policies.config).run()
  }

  /// What the command line says.
  private var flags: Configuration {
    var flags = Configuration()
    flags.listen = listen
    flags.healthListen = healthListen
    flags.tlsCert = tls.tlsCert
    flags.tlsKey = tls.tlsKey
    flags.clientCA = tls.clientCa
    flags.clientNames = tls.clientName.isEmpty ? nil : tls.clientName
    flags.policyPaths = policies.policies.isEmpty ? nil : policies.policies
    flags.builtin = policies.builtin
    flags.inventoryPaths = policies.inventory.isEmpty ? nil : policies.inventory
    flags.kubeconfig = policies.kubeconfig
    flags.context = policies.context
    flags.inCluster = policies.inCluster
    flags.namespace = cluster.namespace
    flags.serviceName = cluster.service
    flags.webhookConfiguration = cluster.webhookConfiguration
    flags.manageCertificates = cluster.manageCertificates ? true : nil
    flags.auditInterval = cluster.auditInterval?.duration
    flags.regoVersion = policies.regoVersion
    flags.maxBodySize = bounds.maxBodySize?.bytes
    flags.maxHeaderSize = bounds.maxHeaderSize?.bytes
    flags.maxConnections = bounds.maxConnections
    flags.maxConcurrentEvaluations = bounds.maxConcurrentEvaluations
    flags.headerTimeout = bounds.headerTimeout?.duration
    flags.bodyTimeout = bounds.bodyTimeout?.duration
    flags.idleTimeout = bounds.idleTimeout?.duration
    flags.writeTimeout = bounds.writeTimeout?.duration
    flags.evaluationBudget = bounds.evaluationBudget?.duration
    flags.evaluationMargin = bounds.evaluationMargin?.duration
    flags.shutdownDelay = bounds.shutdownDelay?.duration
    flags.shutdownDrain = bounds.shutdownDrain?.duration
    return flags
  }
}

/// A duration as an option's value: `500ms`, `5s`, `1m30s`.
struct TimeSpan: ExpressibleByArgument {
  let duration: Duration

  init?(argument: String) {
    guard let duration = QuantityText.duration(argument) else { return nil }
    self.duration = duration
  }
}

/// A number of bytes as an option's value: `65536`, `64KiB`, `8MiB`.
struct ByteCount: ExpressibleByArgument {
  let bytes: Int

  init?(argument: String) {
    guard let bytes = QuantityText.size(argument) else { return nil }
    self.bytes = bytes
  }
}
