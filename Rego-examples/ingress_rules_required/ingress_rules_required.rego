# METADATA
# title: Ingress rules required
# description: |-
#   Refuses NetworkPolicies without ingress rules. The API server drops empty lists, so `ingress: []` and no `ingress` are
#   one thing, and both are refused. An update that leaves `spec` as it is passes with a warning.
# custom:
#   enforcement: deny
#   severity: high
#   onError: deny
#   match:
#     kinds: [NetworkPolicy]
#     operations: [CREATE, UPDATE]
#   parameters:
#     allowDefaultDeny:
#       description: Admit a policy without ingress rules whose empty podSelector isolates the whole namespace.
#       type: boolean
#       default: false
#     allowEgressOnly:
#       description: Admit a policy without ingress rules whose policyTypes is Egress alone.
#       type: boolean
#       default: false
package portcullis.ingress_rules_required

deny contains message if {
	input.request.kind.kind == "NetworkPolicy"
	lacks_ingress
	not spec_unchanged
	message := sprintf(
		concat(" ", [
			"Ingress rules required for all Network Policies: %s/%s has none.",
			"List who may connect under spec.ingress (`ingress: [{}]` admits everyone, `ingress: []` counts as no rule).",
			"The cluster's owner can set the parameter allowDefaultDeny to admit policies with an empty podSelector",
			"that isolate a namespace, and allowEgressOnly for policies whose policyTypes is Egress alone.",
		]),
		[namespace, name],
	)
}

warn contains message if {
	input.request.kind.kind == "NetworkPolicy"
	lacks_ingress
	spec_unchanged
	not input.request.object.metadata.deletionTimestamp
	not input.request.subResource
	message := sprintf("%s/%s has no ingress rules; admitted only because its spec is unchanged", [namespace, name])
}

lacks_ingress if {
	input.request.operation in {"CREATE", "UPDATE"}
	not has_ingress_rules
	not other_group
	not default_deny
	not egress_only
}

has_ingress_rules if input.request.object.spec.ingress[0]

# Other APIs have kinds of this name, whose rules mean other things.
other_group if {
	group := input.request.kind.group
	not group in {"networking.k8s.io", "extensions"}
}

default_deny if {
	data.parameters.ingress_rules_required.allowDefaultDeny == true
	selects_all_pods
	isolates_ingress
}

selects_all_pods if not input.request.object.spec.podSelector

selects_all_pods if {
	selector := input.request.object.spec.podSelector
	count(object.get(selector, "matchLabels", {})) == 0
	count(object.get(selector, "matchExpressions", [])) == 0
}

# Kubernetes API reference, NetworkPolicySpec: without policyTypes a policy always isolates ingress.
isolates_ingress if not input.request.object.spec.policyTypes

isolates_ingress if "Ingress" in input.request.object.spec.policyTypes

egress_only if {
	data.parameters.ingress_rules_required.allowEgressOnly == true
	{type | some type in input.request.object.spec.policyTypes} == {"Egress"}
}

# What is there already is not refused again: finalizers, labels and annotations can change.
spec_unchanged if {
	input.request.operation == "UPDATE"
	input.request.object.spec == input.request.oldObject.spec
}

default namespace := ""

namespace := input.request.namespace

name := input.request.name if input.request.name != ""

else := input.request.object.metadata.name if input.request.object.metadata.name != ""

else := concat("", [input.request.object.metadata.generateName, "*"]) if {
	input.request.object.metadata.generateName != ""
}

else := "(unnamed)"
