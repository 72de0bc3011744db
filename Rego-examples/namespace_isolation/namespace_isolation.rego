# METADATA
# title: Isolation by namespace label
# description: |-
#   In namespaces that carry a label such as environment, refuses ingress rules that admit namespaces which do not carry it
#   with the same value: production talks to production. Address blocks are left to other policies.
# custom:
#   enforcement: deny
#   severity: high
#   inventory: required
#   match:
#     kinds: [NetworkPolicy.networking.k8s.io]
#     operations: [CREATE, UPDATE]
#   parameters:
#     label:
#       description: The label of namespaces that keeps them apart.
#       type: string
#       default: environment
package portcullis.namespace_isolation

deny contains message if {
	some message in problems
	not spec_unchanged
}

warn contains message if {
	some problem in problems
	spec_unchanged
	not input.request.object.metadata.deletionTimestamp
	message := sprintf("%s Admitted: its spec is unchanged.", [problem])
}

problems contains message if {
	judged
	some index, rule in input.request.object.spec.ingress
	not rule.from[0]
	message := sprintf(
		"spec.ingress[%d] admits every namespace, not only those of %s=%s: say who under from.",
		[index, label, value],
	)
}

problems contains message if {
	judged
	some index, rule in input.request.object.spec.ingress
	some position, peer in rule.from
	peer.namespaceSelector != null
	not same_value(peer.namespaceSelector)
	not own_namespace(peer.namespaceSelector)
	message := sprintf(
		"spec.ingress[%d].from[%d] admits namespaces other than those of %s=%s: add that to matchLabels of its namespaceSelector.",
		[index, position, label, value],
	)
}

judged if {
	input.request.kind.kind == "NetworkPolicy"
	input.request.operation in {"CREATE", "UPDATE"}
	value
}

label := data.parameters.namespace_isolation.label

value := data.inventory.cluster.v1.Namespace[input.request.namespace].metadata.labels[label]

same_value(selector) if selector.matchLabels[label] == value

same_value(selector) if {
	some requirement in selector.matchExpressions
	requirement.key == label
	requirement.operator == "In"
	requirement.values == [value]
}

# Every namespace carries this label with its own name.
own_namespace(selector) if selector.matchLabels["kubernetes.io/metadata.name"] == input.request.namespace

spec_unchanged if {
	input.request.operation == "UPDATE"
	input.request.object.spec == input.request.oldObject.spec
}
