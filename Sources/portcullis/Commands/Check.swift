import Admission
import ArgumentParser
import Kubernetes
import Rego

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Judge manifests before a cluster sees them.",
    discussion: """
      Reads the objects of manifests, sets what the API server would set, and judges each as if it were created, with all of \
      them and --inventory in the cluster. Exits with 1 where one would be refused, with 2 where one cannot be read; the \
      others are judged all the same.

      EXAMPLES
        portcullis check manifests/samples/cluster
        portcullis check deploy/ --policies policies/ --namespace shop --format json
        kustomize build overlays/production | portcullis check -
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
  }

  @Argument(
    help: ArgumentHelp(
      "Manifests (.yaml, .yml, .json), folders of them, or - for standard input.", valueName: "path"))
  var paths: [String]

  @Option(name: .shortAndLong, help: "The namespace of objects that name none.")
  var namespace = "default"

  @Option(name: .shortAndLong, help: "How to print findings.")
  var format = Format.table

  @Option(name: .customLong("as"), help: ArgumentHelp("Who creates the objects.", valueName: "user"))
  var user = "portcullis:check"

  @Option(
    name: .customLong("as-group"),
    help: ArgumentHelp(
      "A group that the user is in, beside system:authenticated. Repeat for more.", valueName: "group"))
  var groups: [String] = []

  @OptionGroup(title: "Policies") var options: PolicyOptions

  func run() throws {
    let interner = StringInterner()
    let policies: PolicySet
    let inventory: InventoryBuilder
    do {
      let configuration = try options.configuration()
      policies = try configuration.policies(hasInventory: true, interner: interner)
      inventory = try configuration.inventory(interner: interner) ?? InventoryBuilder(interner: interner)
    } catch {
      throw error.failure
    }
    let set = ManifestReader(namespace: RegoString(namespace)).read(paths)
    let user = AdmissionRequest.UserInfo(
      username: RegoString(user), groups: (["system:authenticated"] + groups).map { RegoString($0) })
    let check = ManifestCheck(set.manifests, policies: policies, inventory: inventory, user: user)
    let progress = Progress("objects checked", of: set.manifests.count)
    let report = check.report(progress: progress.update)
    progress.finish()

    let output = CheckOutput(report: report, errors: set.errors)
    switch format {
    case .table: Console.output.write(output.table(on: .output))
    case .json: Console.output.write(line: output.json.text)
    }
    Console.error.write(line: output.summary)
    if !set.errors.isEmpty { throw CommandFailure(set.errors.map(\.description)) }
    if report.deniedCount > 0 { throw ExitCode.violations }
  }
}
