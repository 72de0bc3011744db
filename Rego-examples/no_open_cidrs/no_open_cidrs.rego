# METADATA
# title: Narrow address blocks
# description: |-
#   Refuses ipBlocks that hold a good part of all addresses: 0.0.0.0/0 and ::/0, however they are written, and blocks nearly
#   as wide, since two halves are the whole. `except` makes no difference: what is left is still wide.
# custom:
#   enforcement: deny
#   severity: high
#   match:
#     kinds: [NetworkPolicy.networking.k8s.io]
#     operations: [CREATE, UPDATE]
#   parameters:
#     shortestPrefixIPv4:
#       description: The shortest prefix that an IPv4 block may have.
#       type: integer
#       default: 8
#     shortestPrefixIPv6:
#       description: The shortest prefix that an IPv6 block may have.
#       type: integer
#       default: 7
package portcullis.no_open_cidrs

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
	some index, rule in input.request.object.spec.ingress
	some cidr in wide_blocks(rule.from)
	message := sprintf("spec.ingress[%d] admits %s: name the addresses that need to connect.", [index, cidr])
}

problems contains message if {
	input.request.kind.kind == "NetworkPolicy"
	input.request.operation in {"CREATE", "UPDATE"}
	some index, rule in input.request.object.spec.egress
	some cidr in wide_blocks(rule.to)
	message := sprintf("spec.egress[%d] reaches %s: name the addresses that are needed.", [index, cidr])
}

wide_blocks(peers) := {cidr |
	some peer in peers
	cidr := peer.ipBlock.cidr
	to_number(split(cidr, "/")[1]) < shortest_prefix(cidr)
}

shortest_prefix(cidr) := data.parameters.no_open_cidrs.shortestPrefixIPv6 if contains(cidr, ":")

shortest_prefix(cidr) := data.parameters.no_open_cidrs.shortestPrefixIPv4 if not contains(cidr, ":")

spec_unchanged if {
	input.request.operation == "UPDATE"
	input.request.object.spec == input.request.oldObject.spec
}
