package portcullis.ports_required_test

import data.portcullis.ports_required as policy

review(operation, spec, old) := {"request": {
	"operation": operation,
	"kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
	"object": {"metadata": {}, "spec": spec},
	"oldObject": {"spec": old},
}}

both := {"directions": ["ingress", "egress"]}

messages(spec) := result if {
	result := policy.deny with input as review("CREATE", spec, null) with data.parameters.ports_required as both
}

test_rules_with_ports_are_admitted if {
	count(messages({"ingress": [{"ports": [{"port": 80}, {"port": "http"}]}], "egress": [{"ports": [{"port": 53}]}]})) == 0
	count(messages({"podSelector": {}})) == 0
}

test_rules_without_ports_are_denied if {
	messages({"ingress": [{"ports": [{"port": 80}]}, {}]}) == {
		"spec.ingress[1] opens every port: list the ports it is for under ports.",
	}
	count(messages({"ingress": [{"ports": []}], "egress": [{"to": []}]})) == 2
}

test_ports_without_number_are_denied if {
	messages({"egress": [{"ports": [{"port": 80}, {"protocol": "TCP"}]}]}) == {
		"spec.egress[0].ports[1] opens every port of its protocol: give it a port.",
	}
}

test_directions_can_be_chosen if {
	request := review("CREATE", {"ingress": [{}], "egress": [{}]}, null)
	count(policy.deny) == 1 with input as request with data.parameters.ports_required as {"directions": ["ingress"]}
}

test_unchanged_spec_is_warned if {
	request := review("UPDATE", {"ingress": [{}]}, {"ingress": [{}]})
	count(policy.deny) == 0 with input as request with data.parameters.ports_required as both
	count(policy.warn) == 1 with input as request with data.parameters.ports_required as both
	at := "/request/object/metadata/deletionTimestamp"
	leaving := json.patch(request, [{"op": "add", "path": at, "value": "2026-01-01T00:00:00Z"}])
	count(policy.warn) == 0 with input as leaving with data.parameters.ports_required as both
}

test_changed_spec_is_denied if {
	request := review("UPDATE", {"ingress": [{}]}, {"ingress": [{"ports": [{"port": 80}]}]})
	count(policy.deny) == 1 with input as request with data.parameters.ports_required as both
}
