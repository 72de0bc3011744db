# METADATA
# title: Ports named on allow rules
# description: |-
#   Refuses rules of NetworkPolicies that name no ports, and so open every port. Ports without a number or name are every
#   port of their protocol, and are refused too.
# custom:
#   enforcement: deny
#   severity: medium
#   match:
#     kinds: [NetworkPolicy.networking.k8s.io]
#     operations: [CREATE, UPDATE]
#   parameters:
#     directions:
#       description: The lists of rules that are looked at.
#       type: array
#       items:
#         type: string
#         enum: [ingress, egress]
#       default: [ingress, egress]
package portcullis.ports_required

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
	some direction, rules in allow_rules
	some index, rule in rules
	not rule.ports[0]
	message := sprintf("spec.%s[%d] opens every port: list the ports it is for under ports.", [direction, index])
}

problems contains message if {
	some direction, rules in allow_rules
	some index, rule in rules
	some position, port in rule.ports
	not port.port
	message := sprintf(
		"spec.%s[%d].ports[%d] opens every port of its protocol: give it a port.",
		[direction, index, position],
	)
}

allow_rules[direction] := rules if {
	input.request.kind.kind == "NetworkPolicy"
	input.request.operation in {"CREATE", "UPDATE"}
	some direction in data.parameters.ports_required.directions
	rules := input.request.object.spec[direction]
}

spec_unchanged if {
	input.request.operation == "UPDATE"
	input.request.object.spec == input.request.oldObject.spec
}
