// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "portcullis",
  products: [
    .executable(name: "portcullis", targets: ["portcullis"]),
    .library(name: "Connectivity", targets: ["Connectivity"]),
    .library(name: "Rego", targets: ["Rego"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/attaswift/BigInt", from: "6.0.1"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    // Counts allocations, for `portcullis bench`.
    .target(name: "CAllocations"),
    .target(name: "CWorkBudget"),
    .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
    .target(
      name: "Rego",
      dependencies: [
        "COpenSSL", "CRE2", "CWorkBudget", "CYAML",
        .product(name: "BigInt", package: "BigInt"),
      ]),
    .target(name: "Kubernetes", dependencies: ["Rego"], exclude: ["Client"]),
    // What network policies mean.
    .target(name: "Connectivity", dependencies: ["Kubernetes", "Rego"]),
    .target(
      name: "Admission",
      dependencies: [
        "Connectivity", "Kubernetes", "KubernetesClient", "Rego",
        .product(name: "Logging", package: "swift-log"),
      ]),
    // OpenSSL over SwiftNIO's channels, for servers and clients, and a small certificate authority.
    .target(
      name: "TLS",
      dependencies: [
        "COpenSSL",
        .product(name: "NIOCore", package: "swift-nio"),
      ]),
    // Talks to the API server.
    .target(
      name: "KubernetesClient",
      dependencies: [
        "Kubernetes", "Rego", "TLS",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ], path: "Sources/Kubernetes/Client"),
    .target(
      name: "WebhookServer",
      dependencies: [
        "Admission", "TLS",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    // What Portcullis does in a cluster besides answering: policies followed, certificates renewed, what exists scanned.
    .target(
      name: "ClusterControl",
      dependencies: [
        "Admission", "Kubernetes", "KubernetesClient", "Rego", "TLS",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    .executableTarget(
      name: "portcullis",
      dependencies: [
        "Admission", "CAllocations", "CZlib", "ClusterControl", "Connectivity", "Kubernetes",
        "KubernetesClient", "Rego", "TLS",
        "WebhookServer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ]),
    // What others' suites ask of the language: a library, since both a test and a command run it.
    .target(name: "ConformanceSuite", dependencies: ["Rego"], path: "Tests/ConformanceSuite"),
    .executableTarget(
      name: "conformance-table", dependencies: ["ConformanceSuite"], path: "Tests/ConformanceTable"),
    .target(
      name: "ConnectivitySuite", dependencies: ["ConformanceSuite", "Connectivity", "Kubernetes"],
      path: "Tests/ConnectivitySuite"),
    .executableTarget(
      name: "connectivity-table", dependencies: ["ConformanceSuite", "ConnectivitySuite"],
      path: "Tests/ConnectivityTable"),
    // What `Benchmarks/connectivity` runs.
    .executableTarget(
      name: "connectivity-benchmark", dependencies: ["Admission", "Connectivity", "Kubernetes", "Rego"],
      path: "Benchmarks/ConnectivityBenchmark"),
    .testTarget(
      name: "ConformanceTests", dependencies: ["Admission", "ConformanceSuite"], exclude: ["recorded.txt"]),
    .testTarget(
      name: "RegoTests",
      dependencies: ["ConformanceSuite", "Rego", .product(name: "BigInt", package: "BigInt")]),
    // An API server on loopback for tests of what talks to one.
    .target(
      name: "FakeAPIServer",
      dependencies: [
        "Rego", "TLS",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ], path: "Tests/FakeAPIServer"),
    .testTarget(
      name: "KubernetesClientTests",
      dependencies: ["FakeAPIServer", "Kubernetes", "KubernetesClient", "Rego", "TLS"]),
    .testTarget(name: "KubernetesTests", dependencies: ["ConformanceSuite", "Kubernetes"]),
    .testTarget(
      name: "ConnectivityTests",
      dependencies: ["ConformanceSuite", "Connectivity", "ConnectivitySuite", "Kubernetes", "Rego"]),
    .testTarget(
      name: "ClusterControlTests",
      dependencies: [
        "Admission", "ClusterControl", "FakeAPIServer", "Kubernetes", "KubernetesClient", "Rego", "TLS",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .testTarget(
      name: "AdmissionTests",
      dependencies: [
        "Admission", "Connectivity", "FakeAPIServer", "Kubernetes", "KubernetesClient", "Rego",
      ]),
    // Runs the program itself, which stands beside the tests.
    .testTarget(name: "CommandTests", dependencies: ["FakeAPIServer", "portcullis", "Rego"]),
    .testTarget(
      name: "WebhookServerTests",
      dependencies: [
        "Admission", "Kubernetes", "Rego", "TLS", "WebhookServer",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
  ],
  cxxLanguageStandard: .cxx17
)
