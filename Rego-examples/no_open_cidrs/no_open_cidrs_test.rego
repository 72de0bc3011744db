package portcullis.no_open_cidrs_test

import data.portcullis.no_open_cidrs as policy

parameters := {"shortestPrefixIPv4": 8, "shortestPrefixIPv6": 7}

review(operation, spec, old) := {"request": {
	"operation": operation,
	"kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
	"object": {"metadata": {}, "spec": spec},
	"oldObject": {"spec": old},
}}

messages(spec) := result if {
	result := policy.deny with input as review("CREATE", spec, null) with data.parameters.no_open_cidrs as parameters
}

block(cidr) := {"ipBlock": {"cidr": cidr}}

test_wide_blocks_are_denied if {
	every cidr in ["0.0.0.0/0", "1.2.3.4/0", "128.0.0.0/1", "10.0.0.0/7", "::/0", "0::0/0", "2000::/3"] {
		messages({"ingress": [{"from": [block(cidr)]}]}) == {
			sprintf("spec.ingress[0] admits %s: name the addresses that need to connect.", [cidr]),
		}
		messages({"egress": [{}, {"to": [block(cidr)]}]}) == {
			sprintf("spec.egress[1] reaches %s: name the addresses that are needed.", [cidr]),
		}
	}
}

test_exceptions_make_no_difference if {
	count(messages({"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}]})) == 1
}

test_narrow_blocks_are_admitted if {
	every cidr in ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8", "fc00::/7", "2001:db8::/32"] {
		count(messages({"ingress": [{"from": [block(cidr)]}], "egress": [{"to": [block(cidr)]}]})) == 0
	}
}

test_other_peers_are_admitted if {
	count(messages({"ingress": [{"from": [{"podSelector": {}}]}], "egress": [{}]})) == 0
}

test_unchanged_spec_is_warned if {
	spec := {"egress": [{"to": [block("0.0.0.0/0")]}]}
	request := review("UPDATE", spec, spec)
	count(policy.deny) == 0 with input as request with data.parameters.no_open_cidrs as parameters
	count(policy.warn) == 1 with input as request with data.parameters.no_open_cidrs as parameters
	at := "/request/object/metadata/deletionTimestamp"
	leaving := json.patch(request, [{"op": "add", "path": at, "value": "2026-01-01T00:00:00Z"}])
	count(policy.warn) == 0 with input as leaving with data.parameters.no_open_cidrs as parameters
}

test_changed_spec_is_denied if {
	request := review("UPDATE", {"egress": [{"to": [block("0.0.0.0/0")]}]}, {"egress": []})
	count(policy.deny) == 1 with input as request with data.parameters.no_open_cidrs as parameters
}
