package portcullis.dns_egress_required_test

import data.portcullis.dns_egress_required as rule

parameters := {
	"protocols": ["UDP", "TCP"],
	"portNames": ["dns", "dns-tcp"],
	"namespaceLabels": {"kubernetes.io/metadata.name": "kube-system"},
	"podLabels": {"k8s-app": "kube-dns"},
	"addresses": ["169.254.20.10"],
}

review(operation, spec, old) := {"request": {
	"operation": operation,
	"kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
	"namespace": "shop",
	"name": "web",
	"object": {"metadata": {}, "spec": spec},
	"oldObject": {"spec": old},
}}

messages(request, policies) := result if {
	result := rule.deny with input as request
		with data.parameters.dns_egress_required as parameters
		with data.inventory.namespace as {"shop": {"networking.k8s.io/v1": {"NetworkPolicy": policies}}}
}

warnings(request) := result if {
	result := rule.warn with input as request
		with data.parameters.dns_egress_required as parameters
		with data.inventory.namespace as {}
}

web(egress) := {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": egress}

denied(egress) if count(messages(review("CREATE", web(egress), null), {})) > 0

kube_system := {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}

dns_ports := [{"protocol": "UDP", "port": 53}, {"port": 53}]

test_egress_without_dns_is_denied if {
	denied([])
	denied([{"to": [{"podSelector": {"matchLabels": {"app": "db"}}}]}])
	denied([{"to": [kube_system], "ports": [{"port": 80}]}])
}

test_udp_alone_is_denied if {
	found := messages(review("CREATE", web([{"to": [kube_system], "ports": [{"protocol": "UDP", "port": 53}]}]), null), {})
	count(found) == 1
	some message in found
	contains(message, "port 53 over TCP")
}

test_egress_with_dns_is_admitted if {
	every egress in [
		{},
		{"to": [kube_system]},
		{"to": [kube_system], "ports": dns_ports},
		{"ports": [{"protocol": "UDP"}, {"protocol": "TCP"}]},
		{"ports": [{"protocol": "UDP", "port": 1, "endPort": 100}, {"protocol": "TCP", "port": 53, "endPort": 53}]},
		{"to": [kube_system], "ports": [{"protocol": "UDP", "port": "dns"}, {"protocol": "TCP", "port": "dns-tcp"}]},
		{"to": [object.union(kube_system, {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}})]},
		{"to": [{"ipBlock": {"cidr": "169.254.0.0/16"}}]},
	] {
		not denied([egress])
	}
}

test_rules_that_miss_dns if {
	every egress in [
		{"to": [object.union(kube_system, {"podSelector": {"matchLabels": {"k8s-app": "other"}}})]},
		{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]},
		{"to": [{"ipBlock": {"cidr": "169.254.0.0/16", "except": ["169.254.20.0/24"]}}]},
		{"ports": [{"protocol": "UDP", "port": 54, "endPort": 100}]},
	] {
		denied([egress])
	}
}

test_policies_that_leave_egress_open_are_admitted if {
	spec := {"podSelector": {}, "ingress": [{}]}
	count(messages(review("CREATE", spec, null), {})) == 0
}

test_egress_rules_isolate_without_policy_types if {
	count(messages(review("CREATE", {"egress": [{"ports": [{"port": 80}]}]}, null), {})) == 2
}

test_dns_for_the_whole_namespace_is_enough if {
	request := review("CREATE", web([]), null)
	everyone := {"podSelector": {}, "egress": [{"to": [kube_system], "ports": dns_ports}]}
	count(messages(request, {"dns": {"spec": everyone}})) == 0
	count(messages(request, {"web": {"spec": everyone}})) == 2
	count(messages(request, {"dns": {"spec": object.union(everyone, {"podSelector": {"matchLabels": {"a": "b"}}})}})) == 2
	count(messages(json.remove(request, ["request/name"]), {"dns": {"spec": everyone}})) == 0
}

test_unchanged_spec_is_warned if {
	request := review("UPDATE", web([]), web([]))
	count(messages(request, {})) == 0
	count(warnings(request)) == 2
	at := "/request/object/metadata/deletionTimestamp"
	count(warnings(json.patch(request, [{"op": "add", "path": at, "value": "2026-01-01T00:00:00Z"}]))) == 0
}

test_deletion_is_admitted if count(messages(review("DELETE", web([]), web([])), {})) == 0
