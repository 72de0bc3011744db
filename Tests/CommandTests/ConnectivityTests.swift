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
  static let pods = """
    apiVersion: v1
    kind: Pod
    metadata: {name: one, labels: {app: one}}
    spec: {containers: [{name: c, image: i}]}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: two, labels: {app: two}}
    spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: node}
    spec: {hostNetwork: true, containers: [{name: c, image: i}]}

    """
  static let client = """
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: client, labels: {app: client}}
    spec: {containers: [{name: c, image: i}]}

    """
  static let isolation = """
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: isolation}
    spec: {podSelector: {matchExpressions: [{key: app, operator: Exists}]}, policyTypes: [Ingress]}

    """
  static let cilium = """
    ---
    apiVersion: cilium.io/v2
    kind: CiliumNetworkPolicy
    metadata: {name: two, namespace: default}
    spec: {endpointSelector: {matchLabels: {app: two}}, ingress: [{}]}

    """
  static let ingress = """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: two}
    spec: {selector: {app: two}, ports: [{port: 80, targetPort: http}]}
    ---
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: two}
    spec: {defaultBackend: {service: {name: two, port: {number: 80}}}}

    """

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
      errorsHave: ["./b.json:1:1: warning: a manifest must be an object"]),
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
        shop/db[StatefulSet],yes,NetworkPolicy shop/db,NetworkPolicy shop/db
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
      name: "a path that leads nowhere", arguments: ["connectivity", "diff", "deploy", "nosuch", "--quiet"],
      files: all, status: 2, output: "", errorsHave: ["nosuch: error: there is no such file or folder\n"]),
    CommandCase(
      name: "one path of many that leads nowhere",
      arguments: ["connectivity", "can", "web", "db", "deploy", "missing.yaml", "--quiet"], files: all,
      status: 2,
      output: "", errorsHave: ["missing.yaml: error: there is no such file or folder\n"]),
    CommandCase(
      name: "no difference where a file is broken",
      arguments: ["connectivity", "diff", "deploy", "new", "--quiet"],
      files: all.merging(["new/a.yaml": workloads, "new/b.yaml": "a: [}"]) { $1 }, status: 2, output: "",
      errorsHave: ["new/b.yaml:1:", ": error: "]),
    CommandCase(
      name: "no word on a connection where a file is broken",
      arguments: ["connectivity", "can", "web", "db", "."],
      files: ["a.yaml": workloads, "b.yaml": "a: [}"], status: 2, output: "",
      lacks: ["there are no policies"], errorsHave: ["b.yaml:1:", ": error: "]),
    CommandCase(
      name: "what is no policy is an error, and not the lack of one",
      arguments: ["connectivity", "list", "."],
      files: ["a.yaml": workloads + broken], status: 2, lacks: ["there are no policies"],
      errorsHave: [": error: NetworkPolicy shop/db: "]),
    CommandCase(
      name: "the ports that are allowed, where none is asked about",
      arguments: ["connectivity", "can", "web", "db", "deploy", "--quiet"], files: all,
      outputHas: ["shop/web[Deployment] => shop/db[StatefulSet] : TCP 5432 allowed\n"]),
    CommandCase(
      name: "a port by its name",
      arguments: ["connectivity", "can", "web", "db", "deploy", "--quiet", "--port", "sql"], files: all,
      outputHas: ["shop/web[Deployment] => shop/db[StatefulSet] : TCP 5432 allowed\n"]),
    CommandCase(
      name: "a port by a name that the destination does not have",
      arguments: ["connectivity", "can", "web", "db", "deploy", "--quiet", "--port", "http"], files: all,
      status: 2, output: "",
      errorsHave: ["shop/db[StatefulSet] has no port named http of protocol TCP\n"]),
    CommandCase(
      name: "a block of addresses, as far as policies tell it apart",
      arguments: ["connectivity", "can", "10.0.0.0/15", "db", "deploy", "--quiet", "--port", "5432"],
      files: [
        "deploy/all.yaml": workloads
          + policy.replacing("podSelector: {matchLabels: {app: web}}", with: "ipBlock: {cidr: 10.0.0.0/16}")
      ],
      status: 1,
      outputHas: [
        "10.0.0.0-10.0.255.255[External] => shop/db[StatefulSet] : TCP 5432 allowed\n",
        "10.1.0.0-10.1.255.255[External] => shop/db[StatefulSet] : TCP 5432 denied\n",
      ]),
    CommandCase(
      name: "a pod and itself",
      arguments: ["connectivity", "can", "one", "one", ".", "--quiet"], files: ["a.yaml": pods + isolation],
      output:
        "default/one[Pod] => default/one[Pod] : TCP 1-65535 allowed\n  a Pod cannot block access to itself\n"),
    CommandCase(
      name: "replicas of a workload",
      arguments: ["connectivity", "can", "db", "db", "deploy", "--quiet", "--port", "5432"], files: all,
      status: 1,
      outputHas: ["  this is about two pods of it; a Pod cannot block access to itself\n"]),
    CommandCase(
      name: "a connection of a pod on its node's network",
      arguments: ["connectivity", "can", "node", "one", "."], files: ["a.yaml": pods],
      errorsHave: ["warning: default/node[Pod] is on its node's network"]),
    CommandCase(
      name: "what isolates and is not modelled",
      arguments: ["connectivity", "can", "one", "two", ".", "--quiet"], files: ["a.yaml": pods + cilium],
      outputHas: [
        "  ingress CiliumNetworkPolicy default/two isolates it; its rules are not modelled\n"
      ]),
    CommandCase(
      name: "everything that may connect to a workload",
      arguments: ["connectivity", "explain", ".", "--to", "two", "--quiet"],
      files: ["a.yaml": pods + ingress + cilium],
      outputHas: [
        "default/one[Pod] => default/two[Pod] : All Connections\n",
        "0.0.0.0-255.255.255.255[External] => default/two[Pod] : All Connections\n",
        "{ingress-controller} => default/two[Pod] : TCP 8080\n",
        "    CiliumNetworkPolicy default/two isolates it; its rules are not modelled\n",
      ]),
    CommandCase(
      name: "IPv6 is compared on both sides, or on neither",
      arguments: ["connectivity", "diff", "a.yaml", "b.yaml", "--quiet"],
      files: [
        "a.yaml": pods,
        "b.yaml": pods
          + isolation.replacing(
            "[Ingress]}",
            with:
              #"[Ingress], ingress: [{from: [{ipBlock: {cidr: "::/0"}}, {ipBlock: {cidr: 0.0.0.0/0}}, {namespaceSelector: {}}]}]}"#
          ),
      ], output: ""),
    CommandCase(
      name: "a difference of IPv6, where it is asked for",
      arguments: ["connectivity", "diff", "a.yaml", "b.yaml", "--quiet", "--ipv6"],
      files: ["a.yaml": pods, "b.yaml": pods + isolation],
      outputHas: [
        "source: ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff[External], destination: default/one[Pod]"
      ]),
    CommandCase(
      name: "IPv4 alone is not all of the outside", arguments: ["connectivity", "matrix", ".", "--quiet"],
      files: [
        "a.yaml": pods
          + isolation.replacing(
            "[Ingress]}", with: "[Ingress], ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}")
      ], outputHas: ["4 outside           # + +  \n"]),
    CommandCase(
      name: "a list has addresses in their order, before workloads",
      arguments: ["connectivity", "list", ".", "--quiet"],
      files: [
        "a.yaml": pods
          + isolation.replacing(
            "[Ingress]}",
            with:
              #"[Ingress], ingress: [{from: [{ipBlock: {cidr: "fd00::/8"}}, {ipBlock: {cidr: 9.0.0.0/8}}, {ipBlock: {cidr: "2001:db8::/32"}}, {ipBlock: {cidr: 10.0.0.0/8}}, {podSelector: {}}]}]}"#
          )
      ],
      outputHas: [
        """
        9.0.0.0-9.255.255.255[External] => default/one[Pod] : All Connections
        """,
        """
        2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff[External] => default/two[Pod] : All Connections
        2001:db9::-fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff[External] => default/node[Pod] : All Connections
        """,
        "\ndefault/node[Pod] => 0.0.0.0-255.255.255.255[External] : All Connections\n",
      ]),
    CommandCase(
      name: "no kinds at all", arguments: ["coverage", "deploy", "--enforced-kinds", ""], files: all,
      status: 2,
      errorsHave: ["--enforced-kinds must name a kind of policy"]),
    CommandCase(
      name: "a percentage that cannot be", arguments: ["coverage", "deploy", "--fail-under", "101"],
      files: all,
      status: 2, errorsHave: ["--fail-under must be from 0 to 100"]),
    CommandCase(
      name: "coverage of nothing", arguments: ["coverage", "deploy", "--quiet", "--fail-under", "0"],
      files: ["deploy/a.yaml": mistaken], status: 2, output: "",
      errorsHave: ["there are no workloads, so that there is nothing to judge\n"]),
    CommandCase(
      name: "coverage as JSON, where the node's network does not count",
      arguments: ["coverage", ".", "--quiet", "--format", "json", "--fail-under", "100"],
      files: ["a.yaml": pods + isolation],
      outputHas: [
        "  \"percent\": 100,\n  \"covered\": 2,\n  \"of\": 2,\n",
        "\"covered\": null,\n      \"hostNetwork\": true,",
        "\"covered\": true,\n", "\"NetworkPolicy default/isolation\"\n",
      ],
      errorsHave: ["2 of 2 workloads covered in ingress: 100.0 % (beside 1 on their node's network)\n"]),
    CommandCase(
      name: "coverage as Markdown", arguments: ["coverage", "deploy", "--quiet", "-f", "md"], files: all,
      outputHas: ["| no | - | - |\n\n1 of 2 workloads covered in ingress: 50.0 %\n"], errorsHave: ["50.0 %"]),
    CommandCase(
      name: "suggestions where a node's network is in the way",
      arguments: ["suggest", ".", "--quiet", "--keep-connections", "-"], files: ["a.yaml": pods],
      input: "# of the node\n\nnode => one : tcp 80\n", status: 1,
      errorsHave: [
        "cannot be kept: default/node[Pod] => default/one[Pod] : TCP 80: default/node[Pod] is on its node's network"
      ]),
    CommandCase(
      name: "suggestions that allow more, since labels are alike",
      arguments: ["suggest", ".", "--quiet", "--keep-connections", "-"],
      files: ["a.yaml": pods.replacing("app: two", with: "app: one") + client],
      input: "client => one : TCP 80\n",
      status: 1,
      errorsHave: [
        "more than is to be kept, since labels do not tell workloads apart: default/client[Pod] => default/two[Pod] : TCP 80\n"
      ]),
    CommandCase(
      name: "suggestions beside what is not modelled", arguments: ["suggest", "."],
      files: ["a.yaml": pods + cilium],
      errorsHave: [
        "warning: default/two[Pod]: CiliumNetworkPolicy default/two isolates its ingress already, and its rules are not modelled\n"
      ]),
    CommandCase(
      name: "flows of workloads that are not there are counted",
      arguments: ["suggest", "deploy", "--quiet", "--keep-connections", "-"], files: all,
      input:
        #"{"flow":{"verdict":"FORWARDED","l4":{"TCP":{"destination_port":80}},"source":{"namespace":"shop","pod_name":"gone"},"destination":{"namespace":"shop","workloads":[{"name":"web"}]}}}"#,
      errorsHave: ["1 flow is left out: an end of it is not among the objects\n"]),
    CommandCase(
      name: "kinds that are not enforced count for nothing",
      arguments: ["coverage", "deploy", "--quiet", "--enforced-kinds", "CiliumNetworkPolicy"], files: all,
      errorsHave: ["0 of 2 workloads covered in ingress: 0.0 %\n"]),
  ]

  @Test("connectivity and coverage", arguments: cases)
  func command(_ command: CommandCase) async throws { try await command.check() }
}
