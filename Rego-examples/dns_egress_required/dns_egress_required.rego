# METADATA
# title: Egress must allow DNS
# description: |-
#   Refuses NetworkPolicies that isolate egress and leave their pods without DNS over UDP and TCP (large answers need TCP):
#   such pods reach nothing by name. A policy of the namespace that allows DNS to all its pods is enough.
# custom:
#   enforcement: deny
#   severity: medium
#   inventory: required
#   match:
#     kinds: [NetworkPolicy.networking.k8s.io]
#     operations: [CREATE, UPDATE]
#   parameters:
#     protocols:
#       description: The protocols over which DNS must be reachable.
#       type: array
#       items:
#         type: string
#         enum: [UDP, TCP]
#       default: [UDP, TCP]
#     portNames:
#       description: The names that the DNS pods give their ports.
#       type: array
#       items:
#         type: string
#       default: [dns, dns-tcp]
#     namespaceLabels:
#       description: Labels of the namespace where DNS runs.
#       type: object
#       additionalProperties:
#         type: string
#       default:
#         kubernetes.io/metadata.name: kube-system
#     podLabels:
#       description: Labels of the DNS pods.
#       type: object
#       additionalProperties:
#         type: string
#       default:
#         k8s-app: kube-dns
#     addresses:
#       description: Addresses of DNS servers that policies may allow by ipBlock, such as a node-local cache.
#       type: array
#       items:
#         type: string
#       default: [169.254.20.10]
package portcullis.dns_egress_required

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
	isolates_egress
	some protocol in data.parameters.dns_egress_required.protocols
	not allows_dns(input.request.object.spec, protocol)
	not allowed_by_another(protocol)
	message := sprintf(
		"isolates egress without DNS: allow port 53 over %s to %s, here or in a policy of podSelector {}.",
		[protocol, json.marshal(data.parameters.dns_egress_required.namespaceLabels)],
	)
}

isolates_egress if "Egress" in input.request.object.spec.policyTypes

# Kubernetes API reference, NetworkPolicySpec: without policyTypes egress is isolated where there are egress rules.
isolates_egress if {
	not input.request.object.spec.policyTypes
	input.request.object.spec.egress[0]
}

allowed_by_another(protocol) if {
	some other, policy in data.inventory.namespace[input.request.namespace]["networking.k8s.io/v1"].NetworkPolicy
	other != name
	selects_all_pods(object.get(policy.spec, "podSelector", {}))
	allows_dns(policy.spec, protocol)
}

selects_all_pods(selector) if {
	count(object.get(selector, "matchLabels", {})) == 0
	count(object.get(selector, "matchExpressions", [])) == 0
}

allows_dns(spec, protocol) if {
	some egress in spec.egress
	allows_port(egress, protocol)
	reaches_dns(egress)
}

allows_port(egress, _) if not egress.ports[0]

allows_port(egress, protocol) if {
	some port in egress.ports
	object.get(port, "protocol", "TCP") == protocol
	is_dns(port)
}

is_dns(port) if not port.port

is_dns(port) if port.port == 53

is_dns(port) if {
	port.port <= 53
	port.endPort >= 53
}

is_dns(port) if port.port in data.parameters.dns_egress_required.portNames

reaches_dns(egress) if not egress.to[0]

reaches_dns(egress) if {
	some peer in egress.to
	k8s.selector_matches(peer.namespaceSelector, data.parameters.dns_egress_required.namespaceLabels)
	k8s.selector_matches(object.get(peer, "podSelector", {}), data.parameters.dns_egress_required.podLabels)
}

reaches_dns(egress) if {
	some peer in egress.to
	some address in data.parameters.dns_egress_required.addresses
	net.cidr_contains(peer.ipBlock.cidr, address)
	not excepted(peer.ipBlock, address)
}

excepted(block, address) if {
	some cidr in block.except
	net.cidr_contains(cidr, address)
}

spec_unchanged if {
	input.request.operation == "UPDATE"
	input.request.object.spec == input.request.oldObject.spec
}

default name := ""

name := input.request.name
