// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that nothing else is built with the fuzzer's instrumentation: scripts/fuzz builds it.
let package = Package(
  name: "fuzzing",
  dependencies: [.package(name: "portcullis", path: "..")],
  targets: [
    // Without `main`, which is libFuzzer's.
    .executableTarget(
      name: "fuzz", dependencies: [.product(name: "Rego", package: "portcullis")],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])])
  ]
)
