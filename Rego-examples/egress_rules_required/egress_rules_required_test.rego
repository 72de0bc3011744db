package portcullis.egress_rules_required_test

import data.portcullis.egress_rules_required as rule

review(operation, spec, old) := {"request": {
	"operation": operation,
	"kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
	"object": {"metadata": {}, "spec": spec},
	"oldObject": {"spec": old},
}}

web := {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{}]}

denied(spec, allowed) if {
	count(rule.deny) == 1 with input as review("CREATE", spec, null)
		with data.parameters.egress_rules_required.allowDefaultDeny as allowed
}

test_without_egress_is_denied if {
	denied(web, true)
	denied(object.union(web, {"egress": []}), true)
}

test_with_egress_is_admitted if not denied(object.union(web, {"egress": [{}]}), true)

test_default_deny_is_admitted_where_allowed if {
	every selector in [{}, {"podSelector": {}}, {"podSelector": {"matchLabels": {}}}] {
		spec := object.union(selector, {"policyTypes": ["Egress"]})
		not denied(spec, true)
		denied(spec, false)
	}
}

test_ingress_only_is_no_default_deny_of_egress if denied({"podSelector": {}, "policyTypes": ["Ingress"]}, true)

test_unchanged_spec_is_warned if {
	count(rule.deny) == 0 with input as review("UPDATE", web, web)
	count(rule.warn) == 1 with input as review("UPDATE", web, web)
}

test_deletion_is_not_in_the_way if {
	leaving := json.patch(review("UPDATE", web, web), [{
		"op": "add",
		"path": "/request/object/metadata/deletionTimestamp",
		"value": "2026-01-01T00:00:00Z",
	}])
	count(rule.warn) == 0 with input as leaving
	count(rule.deny) == 0 with input as review("DELETE", {}, web)
}
