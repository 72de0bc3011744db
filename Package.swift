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
    .target(name: "Kubernetes", dependencies: ["Rego"]),
    // What network policies mean.
    .target(name: "Connectivity", dependencies: ["Kubernetes", "Rego"]),
    .target(
      name: "Admission",
      dependencies: ["Kubernetes", "Rego"]),
    .target(
      name: "WebhookServer",
      dependencies: [
        "Admission", "COpenSSL",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    .executableTarget(
      name: "portcullis",
      dependencies: [
        "Admission", "CAllocations", "CZlib", "Connectivity", "Kubernetes", "Rego", "WebhookServer",
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
    .testTarget(
      name: "ConformanceTests", dependencies: ["Admission", "ConformanceSuite"], exclude: ["recorded.txt"]),
    .testTarget(
      name: "RegoTests",
      dependencies: ["ConformanceSuite", "Rego", .product(name: "BigInt", package: "BigInt")]),
    .testTarget(name: "KubernetesTests", dependencies: ["ConformanceSuite", "Kubernetes"]),
    .testTarget(
      name: "ConnectivityTests",
      dependencies: ["ConformanceSuite", "Connectivity", "ConnectivitySuite", "Kubernetes", "Rego"]),
    .testTarget(name: "AdmissionTests", dependencies: ["Admission", "Kubernetes", "Rego"]),
    // Runs the program itself, which stands beside the tests.
    .testTarget(name: "CommandTests", dependencies: ["portcullis", "Rego"]),
    .testTarget(
      name: "WebhookServerTests",
      dependencies: [
        "Admission", "WebhookServer",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
  ],
  cxxLanguageStandard: .cxx17
)
