# METADATA
# title: No new exposure to the internet
# description: |-
#   Refuses every change of a policy, a namespace or a workload that would let addresses of the internet connect to a workload
#   which they could not connect to before. Workloads that face the internet are listed.
# custom:
#   enforcement: deny
#   severity: critical
#   onError: deny
#   inventory: required
#   match:
#     kinds:
#       - NetworkPolicy
#       - AdminNetworkPolicy
#       - BaselineAdminNetworkPolicy
#       - ClusterNetworkPolicy
#       - CiliumNetworkPolicy
#       - CiliumClusterwideNetworkPolicy
#       - GlobalNetworkPolicy
#       - Namespace
#       - Deployment
#       - StatefulSet
#       - DaemonSet
#       - ReplicaSet
#       - ReplicationController
#       - Job
#       - CronJob
#       - Pod
#     operations: [CREATE, UPDATE, DELETE]
#   parameters:
#     privateBlocks:
#       description: Addresses that are not the internet's.
#       type: array
#       items:
#         type: string
#       default:
#         - 10.0.0.0/8
#         - 100.64.0.0/10
#         - 127.0.0.0/8
#         - 169.254.0.0/16
#         - 172.16.0.0/12
#         - 192.168.0.0/16
#         - "::1/128"
#         - fc00::/7
#         - fe80::/10
#     exposed:
#       description: |-
#         Workloads that may face the internet: maps with namespaces (a list of names), namespaceSelector and podSelector, each of
#         which must hold where it is given.
#       type: array
#       items:
#         type: object
#       default: []
#     exemptNamespaces:
#       description: Namespaces that the rule leaves alone.
#       type: array
#       items:
#         type: string
#       default: [kube-system, kube-public, kube-node-lease, portcullis]
package portcullis.no_new_internet_exposure

deny contains message if {
	not status_alone
	some connection in netpol.changes(input.request).added
	connection.source.type != "workload"
	connection.destination.type == "workload"
	internet(connection.source)
	not connection.destination.namespace in data.parameters.no_new_internet_exposure.exemptNamespaces
	not exposed(connection.destination)
	not going(connection.destination)
	message := sprintf(
		"%s %s would expose %s to the internet: %s => %s : %s, through %s",
		[
			verb, subject, connection.destination.text, connection.source.text, connection.destination.text,
			connection.portsText, connection.through,
		],
	)
}

# Kubelets report addresses and phases; only labels of what they report on decide anything here.
status_alone if {
	input.request.subResource == "status"
	object.get(input.request.object.metadata, "labels", {}) == object.get(input.request.oldObject.metadata, "labels", {})
}

internet(source) if {
	some cidr in source.cidrs
	not private(cidr)
}

internet(source) if source.type == "ingress-controller"

private(cidr) if {
	some block in data.parameters.no_new_internet_exposure.privateBlocks
	net.cidr_contains(block, cidr)
}

# Labels from before the request must match as well: nobody becomes exempt by the request that opens the path.
exposed(workload) if {
	some wanted in data.parameters.no_new_internet_exposure.exposed
	count({"namespaces", "namespaceSelector", "podSelector"} & object.keys(wanted)) > 0
	in_namespaces(workload, wanted)
	matched(object.get(wanted, "namespaceSelector", {}), workload.namespaceLabels)
	matched(object.get(wanted, "podSelector", {}), workload.labels)
}

matched(selector, list) if {
	every labels in list {
		k8s.selector_matches(selector, labels)
	}
}

in_namespaces(_, wanted) if not wanted.namespaces

in_namespaces(workload, wanted) if workload.namespace in wanted.namespaces

# Whoever may delete a namespace may delete all that is in it.
going(workload) if data.inventory.cluster.v1.Namespace[workload.namespace].metadata.deletionTimestamp

going(workload) if data.inventory.cluster.v1.Namespace[workload.namespace].status.phase == "Terminating"

verb := {"CREATE": "creating", "UPDATE": "changing", "DELETE": "deleting"}[input.request.operation]

subject := sprintf("%s %s", [input.request.kind.kind, input.request.name]) if input.request.name != ""

else := input.request.kind.kind
