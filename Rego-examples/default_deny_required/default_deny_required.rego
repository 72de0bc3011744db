# METADATA
# title: Default deny first
# description: |-
#   Refuses the NetworkPolicies of a namespace until it has one that denies by default: its empty podSelector isolates every
#   pod, and it has no rules. Such a policy has no ingress rules, so ingress_rules_required must admit it: set its
#   parameter allowDefaultDeny.
# custom:
#   enforcement: deny
#   severity: medium
#   inventory: required
#   match:
#     kinds: [NetworkPolicy.networking.k8s.io]
#     operations: [CREATE, UPDATE]
#   parameters:
#     directions:
#       description: The directions that must be denied by default.
#       type: array
#       items:
#         type: string
#         enum: [Ingress, Egress]
#       default: [Ingress]
package portcullis.default_deny_required

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
	input.request.kind.kind == "NetworkPolicy"
	input.request.operation in {"CREATE", "UPDATE"}
	some direction in data.parameters.default_deny_required.directions
	not denies_by_default(spec, direction)
	not denied_by_another(direction)
	message := sprintf(
		"namespace %s has no NetworkPolicy that denies %s by default: first create one with podSelector {}, policyTypes [%s] and no rules.",
		[input.request.namespace, lower(direction), direction],
	)
}

spec := object.get(input.request.object, "spec", {})

denied_by_another(direction) if {
	some other, policy in data.inventory.namespace[input.request.namespace]["networking.k8s.io/v1"].NetworkPolicy
	other != name
	denies_by_default(policy.spec, direction)
}

denies_by_default(spec, direction) if {
	selects_all_pods(object.get(spec, "podSelector", {}))
	isolates(spec, direction)
	not spec[lower(direction)][0]
}

selects_all_pods(selector) if {
	count(object.get(selector, "matchLabels", {})) == 0
	count(object.get(selector, "matchExpressions", [])) == 0
}

isolates(spec, direction) if direction in spec.policyTypes

isolates(spec, "Ingress") if not spec.policyTypes

spec_unchanged if {
	input.request.operation == "UPDATE"
	input.request.object.spec == input.request.oldObject.spec
}

default name := ""

name := input.request.name
