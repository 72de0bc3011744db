# METADATA
# title: Policies keep what they cover
# description: |-
#   Refuses to delete or edit a policy where that would leave a running workload without one that isolates it. A namespace that
#   is being deleted may lose its policies. The garbage collector takes a policy with its owner and is not held up, so that a
#   policy with an ownerReference gets a warning.
# custom:
#   enforcement: deny
#   severity: high
#   onError: deny
#   inventory: required
#   match:
#     kinds: [NetworkPolicy, CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, GlobalNetworkPolicy]
#     operations: [CREATE, UPDATE, DELETE]
#   parameters:
#     isolate:
#       description: The directions in which workloads must stay isolated.
#       type: array
#       items:
#         type: string
#         enum: [Ingress, Egress]
#       default: [Ingress]
#     exemptNamespaces:
#       description: Namespaces that the rule leaves alone.
#       type: array
#       items:
#         type: string
#       default: [kube-system, kube-public, kube-node-lease, portcullis]
#     collectors:
#       description: The users as whom the controllers act that delete what is left of owners and of namespaces.
#       type: array
#       items:
#         type: string
#       default:
#         - system:serviceaccount:kube-system:generic-garbage-collector
#         - system:serviceaccount:kube-system:namespace-controller
#         - system:kube-controller-manager
package portcullis.keep_coverage

deny contains message if {
	input.request.operation in {"UPDATE", "DELETE"}
	not by_collector
	some bare in netpol.uncovered(input.request)
	bare.direction in data.parameters.keep_coverage.isolate
	not bare.workload.namespace in data.parameters.keep_coverage.exemptNamespaces
	not going(bare.workload.namespace)
	message := sprintf(
		"%s %s %s would leave %s without a policy for %s: only %s isolates it. Have another policy select it first.",
		[
			verb, input.request.kind.kind, name, bare.workload.text, lower(bare.direction),
			concat(", ", bare.policies),
		],
	)
}

warn contains message if {
	input.request.operation in {"CREATE", "UPDATE"}
	some owner in input.request.object.metadata.ownerReferences
	message := sprintf(
		"%s %s goes with its owner, %s %s, whatever it covers then: nobody is asked before the garbage collector takes it",
		[input.request.kind.kind, name, owner.kind, owner.name],
	)
}

by_collector if {
	input.request.operation == "DELETE"
	input.request.userInfo.username in data.parameters.keep_coverage.collectors
}

going(namespace) if data.inventory.cluster.v1.Namespace[namespace].metadata.deletionTimestamp

going(namespace) if data.inventory.cluster.v1.Namespace[namespace].status.phase == "Terminating"

verb := {"UPDATE": "changing", "DELETE": "deleting"}[input.request.operation]

name := input.request.name if input.request.name != ""

else := input.request.oldObject.metadata.name if input.request.oldObject.metadata.name != ""

else := "(unnamed)"
