import FakeAPIServer
import Kubernetes
import KubernetesClient
import Rego
import Synchronization
import Testing

@testable import Admission

@Suite("Large clusters")
struct LargeClusterTests {
  /// As the API server has it, with what is not kept.
  private static func pod(_ number: Int, version: Int) -> String {
    let fields = #"{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":{}}}"#
    return
      #"{"metadata":{"name":"pod-\#(number)","namespace":"n\#(number % 50)","uid":"u-\#(number)","resourceVersion":"\#(version)","#
      + #""labels":{"app":"a\#(number % 50)"},"managedFields":[{"manager":"kubelet","fieldsV1":\#(fields)}]},"#
      + #""spec":{"nodeName":"node-\#(number % 20)","containers":[{"name":"main","image":"registry.example/app:1","resources":{"limits":{"cpu":"1"}}}]},"#
      + #""status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"podIPs":[{"ip":"10.0.0.1"}]}}"#
  }

  /// Answers lists page by page without ever having all objects.
  private static func page(_ request: FakeServer.Request, of total: Int) -> FakeServer.Response {
    let start = request.query["continue"].flatMap { Int($0) } ?? 0
    let end = min(start + (request.query["limit"].flatMap { Int($0) } ?? total), total)
    var text = #"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1000""#
    if end < total { text += #","continue":"\#(end)""# }
    text += #"},"items":["# + (start..<end).map { pod($0, version: 1_000) }.joined(separator: ",") + "]}"
    return .whole(status: 200, body: Array(text.utf8))
  }

  @Test("50,000 objects are read a page at a time, and their equal parts are kept once")
  func memory() async throws {
    let total = 50_000
    let cluster = FakeCluster([.pods])
    let asked = Names()
    cluster.intercept { request in
      guard request.path == "/api/v1/pods", request.query["watch"] == nil else { return nil }
      asked.add(request.query["continue"] ?? "0")
      return Self.page(request, of: total)
    }
    let server = try await cluster.start()
    var limits = KubernetesClient.Limits()
    limits.requestTimeout = .seconds(600)
    let client = KubernetesClient(
      ClientConfiguration(server: ServerAddress(isSecure: false, host: "127.0.0.1", port: server.port)),
      limits: limits)
    var options = ListOptions()
    options.shape = KeptFields.shape(keepsStatus: false)
    var shared = SharedValues(interner: StringInterner())
    var count = 0
    var specs: Set<Int> = []
    try await client.list(.pods, options: options) { page in
      // No page is asked for before the one before it has been taken.
      #expect(!asked.contains("\(count + page.items.count)"))
      for item in page.items {
        guard case .object(let object)? = shared.shared(item)["spec"]?["containers"]?.array?.first else {
          continue
        }
        specs.insert(unsafeBitCast(object, to: Int.self))
      }
      count += page.items.count
    }
    #expect(count == total)
    // The pods differ in their names, and their containers are one.
    #expect(specs.count == 1)
    client.close()
    await server.stop()
  }

  @Test("of many changes at once decisions see the last, in few inventories, and equal ones in none")
  func batches() async throws {
    let published = Published()
    let live = LiveInventory(
      interner: StringInterner(), freshness: InventoryFreshness(), counters: FollowCounters(),
      batching: .milliseconds(20), publish: { inventory, changes in published.add(inventory, changes) },
      statusChanged: {})
    let kind = GroupVersionKind(group: "", version: "v1", kind: "Pod")
    await live.setKinds([kind: .init(isRequired: true)])
    func object(_ number: Int, _ label: Int) -> Value {
      [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": [
          "name": .string("p\(number)"), "namespace": .string("n\(number % 10)"),
          "labels": ["l": .string("\(label)")],
        ],
      ]
    }
    await live.take(.listed((0..<2_000).map { object($0, 0) }, isFirst: true), of: kind) { "" }
    #expect(published.count == 0)
    await live.take(.synced, of: kind) { "" }
    #expect(published.count == 1)
    let before = try #require(published.last?.value["namespace"]?["n9"]?["v1"]?["Pod"]?.object)
    for round in 1...50 {
      let events = (0..<20).map { number in
        WatchEvent(
          kind: .modified, object: object(number * 10, round), resourceVersion: RegoString("\(round)"))
      }
      await live.take(.events(events), of: kind) { "" }
    }
    for _ in 0..<10_000
    where published.last?.value["namespace"]?["n0"]?["v1"]?["Pod"]?["p190"] != object(190, 50) {
      try await Task.sleep(for: .milliseconds(5))
    }
    let last = try #require(published.last)
    #expect(last.value["namespace"]?["n0"]?["v1"]?["Pod"]?["p190"] == object(190, 50))
    #expect(last.objectCount == 2_000 && last.namespaceCount == 10)
    // What has not changed is not copied.
    #expect(last.value["namespace"]?["n9"]?["v1"]?["Pod"]?.object?.isIdentical(to: before) == true)
    let count = published.count
    await live.take(
      .events([WatchEvent(kind: .modified, object: object(190, 50), resourceVersion: "9")]), of: kind
    ) { "" }
    try await Task.sleep(for: .milliseconds(100))
    #expect(published.count == count)
    // Gone: the last object of a namespace takes the namespace along.
    await live.take(.listed([object(1, 0)], isFirst: true), of: kind) { "" }
    await live.take(.synced, of: kind) { "" }
    #expect(published.last?.objectCount == 1)
    #expect(published.last?.value["namespace"]?.object?.keys == ["n1"])
    #expect(published.changeCount >= 2_000 + 20 + 1_999)
  }

  private final class Published: Sendable {
    private let state = Mutex<(last: Inventory?, count: Int, changes: Int)>((nil, 0, 0))

    func add(_ inventory: Inventory, _ changes: [InventoryChange]) {
      state.withLock {
        $0.last = inventory
        $0.count += 1
        $0.changes += changes.count
      }
    }

    var last: Inventory? { state.withLock(\.last) }
    var count: Int { state.withLock(\.count) }
    var changeCount: Int { state.withLock(\.changes) }
  }
}
