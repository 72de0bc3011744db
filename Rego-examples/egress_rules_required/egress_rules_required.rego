# METADATA
# title: Egress rules required
# description: |-
#   Refuses NetworkPolicies without egress rules, so that whoever writes one says where its pods may connect. The API server
#   drops empty lists: `egress: []` and no `egress` are one thing.
# custom:
#   enforcement: deny
#   severity: medium
#   match:
#     kinds: [NetworkPolicy.networking.k8s.io]
#     operations: [CREATE, UPDATE]
#   parameters:
#     allowDefaultDeny:
#       description: Admit a policy without egress rules whose empty podSelector isolates the namespace's egress.
#       type: boolean
#       default: true
package portcullis.egress_rules_required

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
	not input.request.object.spec.egress[0]
	not default_deny
	message := "no egress rules: list where the pods may connect under spec.egress (`egress: [{}]` is everywhere)."
}

default_deny if {
	data.parameters.egress_rules_required.allowDefaultDeny == true
	selects_all_pods
	"Egress" in input.request.object.spec.policyTypes
}

selects_all_pods if not input.request.object.spec.podSelector

selects_all_pods if {
	selector := input.request.object.spec.podSelector
	count(object.get(selector, "matchLabels", {})) == 0
	count(object.get(selector, "matchExpressions", [])) == 0
}

spec_unchanged if {
	input.request.operation == "UPDATE"
	input.request.object.spec == input.request.oldObject.spec
}
