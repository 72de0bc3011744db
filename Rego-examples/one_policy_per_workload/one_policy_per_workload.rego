# METADATA
# title: One policy a workload
# description: |-
#   Refuses workloads that more than one NetworkPolicy selects, and NetworkPolicies that select a workload which another
#   selects already, so that what may connect to a workload stands in one place. Policies of the whole namespace (an empty
#   podSelector) do not count.
# custom:
#   enforcement: deny
#   severity: low
#   inventory: required
#   match:
#     kinds:
#       - NetworkPolicy.networking.k8s.io
#       - Deployment.apps
#       - StatefulSet.apps
#       - DaemonSet.apps
#     operations: [CREATE, UPDATE]
package portcullis.one_policy_per_workload

# What people write themselves; pods, ReplicaSets and Jobs are mostly made by controllers, which would try again forever.
workload_kinds := {"Deployment", "StatefulSet", "DaemonSet"}

deny contains message if {
	some message in problems
	not unchanged
}

warn contains message if {
	some problem in problems
	unchanged
	not input.request.object.metadata.deletionTimestamp
	message := sprintf("%s Admitted: nothing of it has changed.", [problem])
}

problems contains message if {
	input.request.kind.kind == "NetworkPolicy"
	input.request.operation in {"CREATE", "UPDATE"}
	not selects_all_pods(input.request.object.spec)
	some kind in workload_kinds
	some workload, deployed in data.inventory.namespace[input.request.namespace]["apps/v1"][kind]
	selects(input.request.object.spec, deployed.spec.template.metadata.labels)
	some other, policy in policies
	other != name
	selects(policy.spec, deployed.spec.template.metadata.labels)
	message := sprintf(
		"selects the pods of %s %s, as NetworkPolicy %s does: put the rules into that one.",
		[kind, workload, other],
	)
}

problems contains message if {
	input.request.kind.kind in workload_kinds
	input.request.operation in {"CREATE", "UPDATE"}
	names := [other |
		some other, policy in policies
		selects(policy.spec, input.request.object.spec.template.metadata.labels)
	]
	count(names) > 1
	message := sprintf(
		"NetworkPolicies %s all select the pods of %s %s: merge them, or change the pods' labels.",
		[concat(", ", names), input.request.kind.kind, name],
	)
}

policies[name] := policy if {
	some name, policy in data.inventory.namespace[input.request.namespace]["networking.k8s.io/v1"].NetworkPolicy
	not selects_all_pods(policy.spec)
}

selects(spec, labels) if k8s.selector_matches(spec.podSelector, labels)

selects_all_pods(spec) if {
	selector := object.get(spec, "podSelector", {})
	count(object.get(selector, "matchLabels", {})) == 0
	count(object.get(selector, "matchExpressions", [])) == 0
}

unchanged if {
	input.request.kind.kind == "NetworkPolicy"
	input.request.operation == "UPDATE"
	input.request.object.spec.podSelector == input.request.oldObject.spec.podSelector
}

unchanged if {
	input.request.kind.kind in workload_kinds
	input.request.operation == "UPDATE"
	input.request.object.spec.template.metadata.labels == input.request.oldObject.spec.template.metadata.labels
}

default name := ""

name := input.request.name
