package portcullis.namespace_isolation_test

import data.portcullis.namespace_isolation as policy

cluster := {"v1": {"Namespace": {
	"shop": {"metadata": {"labels": {"environment": "production"}}},
	"lab": {"metadata": {"labels": {"team": "lab"}}},
}}}

review(operation, namespace, spec, old) := {"request": {
	"operation": operation,
	"kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
	"namespace": namespace,
	"object": {"metadata": {}, "spec": spec},
	"oldObject": {"spec": old},
}}

messages(request) := result if {
	result := policy.deny with input as request
		with data.inventory.cluster as cluster
		with data.parameters.namespace_isolation.label as "environment"
}

warnings(request) := result if {
	result := policy.warn with input as request
		with data.inventory.cluster as cluster
		with data.parameters.namespace_isolation.label as "environment"
}

from(peers) := {"ingress": [{"from": peers}]}

denied(spec) if count(messages(review("CREATE", "shop", spec, null))) == 1

test_same_value_is_admitted if {
	every peer in [
		{"namespaceSelector": {"matchLabels": {"environment": "production", "team": "a"}}},
		{"namespaceSelector": {"matchExpressions": [{"key": "environment", "operator": "In", "values": ["production"]}]}},
		{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}},
		{"podSelector": {}},
		{"podSelector": {}, "namespaceSelector": null},
		{"ipBlock": {"cidr": "10.0.0.0/8"}},
	] {
		not denied(from([peer]))
	}
}

test_other_namespaces_are_denied if {
	every selector in [
		{},
		{"matchLabels": {"environment": "staging"}},
		{"matchLabels": {"kubernetes.io/metadata.name": "lab"}},
		{"matchExpressions": [{"key": "environment", "operator": "Exists"}]},
		{"matchExpressions": [{"key": "environment", "operator": "In", "values": ["production", "staging"]}]},
	] {
		denied(from([{"namespaceSelector": selector}]))
	}
}

test_rules_for_everyone_are_denied if {
	denied({"ingress": [{}]})
	denied(from([]))
}

test_unlabelled_namespaces_are_left_alone if {
	count(messages(review("CREATE", "lab", {"ingress": [{}]}, null))) == 0
	count(messages(review("CREATE", "unknown", {"ingress": [{}]}, null))) == 0
}

test_message_says_what_to_do if {
	messages(review("CREATE", "shop", from([{"podSelector": {}}, {"namespaceSelector": {}}]), null)) == {concat(" ", [
		"spec.ingress[0].from[1] admits namespaces other than those of environment=production:",
		"add that to matchLabels of its namespaceSelector.",
	])}
}

test_unchanged_spec_is_warned if {
	request := review("UPDATE", "shop", {"ingress": [{}]}, {"ingress": [{}]})
	count(messages(request)) == 0
	count(warnings(request)) == 1
	at := "/request/object/metadata/deletionTimestamp"
	count(warnings(json.patch(request, [{"op": "add", "path": at, "value": "2026-01-01T00:00:00Z"}]))) == 0
}

test_deletion_is_admitted if count(messages(review("DELETE", "shop", {"ingress": [{}]}, null))) == 0
