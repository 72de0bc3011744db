import Testing

@Suite("connectivity and coverage")
struct ConnectivityTests {
  static let workloads = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}
    ---
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: db, namespace: shop}
    spec:
      selector: {matchLabels: {app: db}}
      template:
        metadata: {labels: {app: db}}
        spec: {containers: [{name: c, image: i, ports: [{name: sql, containerPort: 5432}]}]}

    """
  static let policy = """
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: db, namespace: shop}
    spec:
      podSelector: {matchLabels: {app: db}}
      policyTypes: [Ingress, Egress]
      ingress:
        - from: [{podSelector: {matchLabels: {app: web}}}]
          ports: [{port: sql}]

    """
  static let wider = policy.replacing("[{port: sql}]", with: "[{port: sql}, {port: 9187}]")
  static let broken = policy.replacing("port: sql", with: "port: 70000")
  static let mistaken = """
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: allow-all}
    spec: {podSelector: {}, policyTypes: [Ingress]}
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: app}
    spec:
      podSelector: {matchLabels: {role: db}}
      policyTypes: [Ingress, Egress]
      ingress:
      - from: [{namespaceSelector: {matchLabels: {project: first}}}, {podSelector: {matchLabels: {role: client}}}]
        ports: [{port: 4614}]
      egress:
      - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
        ports: [{protocol: UDP, port: 53}]
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: restrict, namespace: production}
    spec:
      podSelector: {}
      policyTypes: [Ingress, Egress]
      ingress: [{from: [{namespaceSelector: {matchLabels: {environment: production}}}]}]
    """
  static let all = ["deploy/all.yaml": workloads + policy]

  static let cases: [CommandCase] = [
    CommandCase(
      name: "a list", arguments: ["connectivity", "list", "deploy", "--quiet"], files: all,
      output: """
        0.0.0.0-255.255.255.255[External] => shop/web[Deployment] : All Connections
        shop/web[Deployment] => 0.0.0.0-255.255.255.255[External] : All Connections
        shop/web[Deployment] => shop/db[StatefulSet] : TCP 5432

        """),
    CommandCase(
      name: "a list tells on the side what nothing protects", arguments: ["connectivity", "list", "deploy"],
      files: all, outputHas: ["shop/db[StatefulSet] : TCP 5432"],
      errorsHave: ["no policy has a say about ingress of shop/web[Deployment]\n"]),
    CommandCase(
      name: "a list with exposure", arguments: ["connectivity", "list", "deploy", "--quiet", "--exposure"],
      files: all,
      outputHas: [
        "shop/web[Deployment] \t=> \tentire-cluster : All Connections\n", "is not protected on Egress\n",
      ]),
    CommandCase(
      name: "a list as CSV", arguments: ["connectivity", "list", "deploy", "--quiet", "-f", "csv"],
      files: all,
      outputHas: [
        "source,destination,connections\n", "shop/web[Deployment],shop/db[StatefulSet],TCP 5432\n",
      ]),
    CommandCase(
      name: "no list where a policy cannot be", arguments: ["connectivity", "list", "."],
      files: ["a.yaml": workloads + broken], status: 2, output: "",
      errorsHave: [
        "a.yaml:", "NetworkPolicy shop/db: spec.ingress[0].ports[0].port must be a number from 1 to 65535",
      ]),
    CommandCase(
      name: "a list without the file that is broken", arguments: ["connectivity", "list", ".", "--quiet"],
      files: ["a.yaml": workloads, "b.yaml": "a: [}"], status: 2,
      outputHas: ["shop/web[Deployment] => shop/db[StatefulSet] : All Connections"], errorsHave: ["b.yaml:1:"]
    ),
    CommandCase(
      name: "files that hold something else are passed over",
      arguments: ["connectivity", "list", "."], files: ["a.yaml": workloads + policy, "b.json": "[1]"],
      outputHas: ["shop/db[StatefulSet] : TCP 5432"],
      errorsHave: ["warning: ./b.json:1:1: a manifest must be an object"]),
    CommandCase(
      name: "a connection that is allowed, and by what",
      arguments: ["connectivity", "can", "shop/web", "shop/db", "deploy", "--port", "5432", "--quiet"],
      files: all,
      output: """
        shop/web[Deployment] => shop/db[StatefulSet] : TCP 5432 allowed
          egress  allowed by default: no policy says otherwise
          ingress allowed by NetworkPolicy shop/db ingress[0]

        """),
    CommandCase(
      name: "a connection that is not",
      arguments: [
        "connectivity", "can", "db", "10.0.0.1", "deploy", "--port", "53", "--protocol", "udp", "--quiet",
      ],
      files: all, status: 1,
      outputHas: [
        "shop/db[StatefulSet] => 10.0.0.1-10.0.0.1[External] : UDP 53 denied\n",
        "egress  denied by isolation: NetworkPolicy shop/db selects the pods and has no rule for it\n",
      ]),
    CommandCase(
      name: "a connection of what is not there",
      arguments: ["connectivity", "can", "shop/nobody", "shop/db", "deploy", "--quiet"], files: all,
      status: 2,
      output: "", errorsHave: ["there is no workload shop/nobody"]),
    CommandCase(
      name: "why", arguments: ["connectivity", "explain", "deploy", "--to", "shop/db", "--quiet"], files: all,
      outputHas: [
        "shop/web[Deployment] => shop/db[StatefulSet] : TCP 5432\n  egress of shop/web[Deployment]\n",
        "    TCP 5432 allowed by NetworkPolicy shop/db ingress[0]\n",
      ]),
    CommandCase(
      name: "what policies do that are often taken for something else",
      arguments: ["connectivity", "explain", "mistaken.yaml", "--quiet"],
      files: ["mistaken.yaml": mistaken],
      output: """
        NetworkPolicy default/allow-all
          selects every pod of namespace default
          ingress: denies all of it, since policyTypes has Ingress and there is no rule
            `ingress: [{}]` would allow all of it
          egress: leaves it as it is

        NetworkPolicy default/app
          selects pods with role=db of namespace default
          ingress: allows only
            TCP 4614 from every pod of namespaces with project=first
            TCP 4614 from pods with role=client of namespace default
            pods of other namespaces with the same labels are not meant: a podSelector alone is about default
          egress: allows only
            UDP 53 to every pod of namespaces with kubernetes.io/metadata.name=kube-system
            DNS over TCP is not among these: answers that are too long for UDP fail

        NetworkPolicy production/restrict
          selects every pod of namespace production
          ingress: allows only
            everything from every pod of namespaces with environment=production
            its own namespace is shut out as well, unless production has these labels
          egress: denies all of it, inside the cluster and beyond, DNS included

        """),
    CommandCase(
      name: "a difference, and that it adds",
      arguments: [
        "connectivity", "diff", "deploy", "new", "--fail-on", "added", "--quiet",
      ], files: all.merging(["new/all.yaml": workloads + wider]) { $1 }, status: 1,
      output: """
        Connectivity diff:
        diff-type: changed, source: shop/web[Deployment], destination: shop/db[StatefulSet], ref1: TCP 5432, ref2: TCP 5432,9187

        """),
    CommandCase(
      name: "a difference that only takes away",
      arguments: [
        "connectivity", "diff", "new", "deploy", "--fail-on", "added", "--quiet", "--format", "md",
      ], files: all.merging(["new/all.yaml": workloads + wider]) { $1 },
      outputHas: ["| `shop/web[Deployment]` | `shop/db[StatefulSet]` | TCP 5432,9187 → TCP 5432 |\n"]),
    CommandCase(
      name: "a matrix", arguments: ["connectivity", "matrix", "deploy", "--quiet"], files: all,
      outputHas: ["1 shop/db[StatefulSet]   . .\n", "2 shop/web[Deployment] +   #\n"]),
    CommandCase(
      name: "a graph for Graphviz", arguments: ["connectivity", "graph", "deploy", "--quiet"], files: all,
      outputHas: [#"  "shop/web[Deployment]" -> "shop/db[StatefulSet]" [label="TCP 5432"]"#]),
    CommandCase(
      name: "a picture", arguments: ["connectivity", "graph", "deploy", "--quiet", "--format", "svg"],
      files: all,
      outputHas: ["<title>shop/web[Deployment] =&gt; shop/db[StatefulSet] : TCP 5432</title>", "</svg>\n"]),
    CommandCase(
      name: "coverage",
      arguments: ["coverage", "deploy", "--format", "csv", "--quiet", "--fail-under", "50"],
      files: all,
      output: """
        workload,covered,ingress,egress
        shop/db[StatefulSet],yes,NetworkPolicy db,NetworkPolicy db
        shop/web[Deployment],no,-,-

        """, errorsHave: ["1 of 2 workloads covered in ingress: 50.0 %\n"]),
    CommandCase(
      name: "coverage that is too low", arguments: ["coverage", "deploy", "--quiet", "--fail-under", "50.1"],
      files: all, status: 1, errorsHave: ["50.0 %"]),
    CommandCase(
      name: "policies for what none protects, keeping what is asked for",
      arguments: ["suggest", "deploy", "--quiet", "--keep-connections", "-"], files: all,
      input: "shop/db[StatefulSet] => shop/web[Deployment] : TCP 8080\n",
      outputHas: [
        "  name: web-ingress\n", "  name: db-egress\n", "    - port: 8080\n      protocol: TCP\n    to:\n",
      ], errorsHave: ["2 NetworkPolicies suggested\n"]),
    CommandCase(
      name: "a wish that says nothing",
      arguments: ["suggest", "deploy", "--quiet", "--keep-connections", "-"],
      files: all, input: "\nshop/db to shop/web\n", status: 2, output: "",
      errorsHave: ["<stdin>:2: a line must be"]),
    CommandCase(
      name: "kinds that are not enforced count for nothing",
      arguments: ["coverage", "deploy", "--quiet", "--enforced-kinds", "CiliumNetworkPolicy"], files: all,
      errorsHave: ["0 of 2 workloads covered in ingress: 0.0 %\n"]),
  ]

  @Test("connectivity and coverage", arguments: cases)
  func command(_ command: CommandCase) async throws { try await command.check() }
}
