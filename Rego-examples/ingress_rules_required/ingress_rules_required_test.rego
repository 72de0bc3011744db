package portcullis.ingress_rules_required_test

import data.portcullis.ingress_rules_required as rule

prefix := "Ingress rules required for all Network Policies"

strict := {"allowDefaultDeny": false, "allowEgressOnly": false}

default_deny_allowed := {"allowDefaultDeny": true, "allowEgressOnly": false}

egress_only_allowed := {"allowDefaultDeny": false, "allowEgressOnly": true}

request(operation, spec, old) := {"request": {
	"operation": operation,
	"kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
	"namespace": "shop",
	"name": "web",
	"object": {"metadata": {"name": "web"}, "spec": spec},
	"oldObject": old,
}}

create(spec) := request("CREATE", spec, null)

update(spec, old) := request("UPDATE", spec, {"metadata": {"name": "web"}, "spec": old})

web := {"matchLabels": {"app": "web"}}

denied(review, parameters) if {
	some message in rule.deny with input as review with data.parameters.ingress_rules_required as parameters
	startswith(message, prefix)
}

warned(review, parameters) if {
	count(rule.warn) == 1 with input as review with data.parameters.ingress_rules_required as parameters
}

test_without_ingress_is_denied if denied(create({"podSelector": web}), strict)

test_empty_ingress_is_denied if denied(create({"podSelector": web, "ingress": []}), strict)

test_null_ingress_is_denied if denied(create({"podSelector": web, "ingress": null}), strict)

test_with_ingress_is_admitted if {
	not denied(create({"podSelector": web, "ingress": [{}]}), strict)
	not warned(create({"podSelector": web, "ingress": [{}]}), strict)
}

test_without_parameters_nothing_is_excused if {
	count(rule.deny) == 1 with input as create({"podSelector": {}, "policyTypes": ["Egress"]}) with data.parameters as {}
}

test_default_deny_is_denied_by_default if denied(create({"podSelector": {}, "policyTypes": ["Ingress"]}), strict)

test_default_deny_is_admitted_where_allowed if {
	every spec in [
		{"podSelector": {}, "policyTypes": ["Ingress"]},
		{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
		{"podSelector": {}},
		{"policyTypes": ["Ingress"]},
		{"podSelector": {"matchLabels": {}, "matchExpressions": []}},
	] {
		not denied(create(spec), default_deny_allowed)
	}
}

test_allowing_default_deny_excuses_nothing_else if {
	denied(create({"podSelector": web, "policyTypes": ["Ingress"]}), default_deny_allowed)
	denied(create({"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}), default_deny_allowed)
	denied(create({"podSelector": {}, "policyTypes": ["Egress"]}), default_deny_allowed)
}

test_egress_only_is_denied_by_default if denied(create({"podSelector": web, "policyTypes": ["Egress"]}), strict)

test_egress_only_is_admitted_where_allowed if {
	not denied(create({"podSelector": web, "policyTypes": ["Egress"]}), egress_only_allowed)
}

test_allowing_egress_only_excuses_nothing_else if {
	denied(create({"podSelector": web, "policyTypes": ["Ingress", "Egress"]}), egress_only_allowed)
	denied(create({"podSelector": web}), egress_only_allowed)
}

test_update_that_takes_ingress_away_is_denied if {
	review := update({"podSelector": web}, {"podSelector": web, "ingress": [{}]})
	denied(review, strict)
	not warned(review, strict)
}

test_update_that_leaves_spec_unchanged_is_warned if {
	review := update({"podSelector": web}, {"podSelector": web})
	not denied(review, strict)
	warned(review, strict)
}

test_update_of_what_is_being_deleted_is_silent if {
	review := update({"podSelector": web}, {"podSelector": web})
	leaving := json.patch(review, [{
		"op": "add",
		"path": "/request/object/metadata/deletionTimestamp",
		"value": "2026-01-01T00:00:00Z",
	}])
	not denied(leaving, strict)
	not warned(leaving, strict)
}

test_change_of_what_is_being_deleted_is_denied if {
	review := update({"podSelector": web}, {"podSelector": web, "ingress": [{}]})
	denied(
		json.patch(review, [{
			"op": "add",
			"path": "/request/object/metadata/deletionTimestamp",
			"value": "2026-01-01T00:00:00Z",
		}]),
		strict,
	)
}

test_update_of_status_is_silent if {
	review := update({"podSelector": web}, {"podSelector": web})
	not warned(json.patch(review, [{"op": "add", "path": "/request/subResource", "value": "status"}]), strict)
}

test_delete_is_admitted if {
	review := object.union(create({}), {"request": {"operation": "DELETE", "object": null, "oldObject": {"spec": {}}}})
	not denied(review, strict)
	not warned(review, strict)
}

test_kinds_of_the_same_name_are_left_alone if {
	not denied(
		json.patch(create({"podSelector": web}), [{
			"op": "replace",
			"path": "/request/kind/group",
			"value": "crd.projectcalico.org",
		}]),
		strict,
	)
}

test_other_kinds_are_left_alone if {
	not denied(
		json.patch(create({"podSelector": web}), [{"op": "replace", "path": "/request/kind/kind", "value": "Service"}]),
		strict,
	)
}

message_of(review) := message if {
	some message in rule.deny with input as review with data.parameters.ingress_rules_required as strict
}

test_message_names_the_policy if contains(message_of(create({"podSelector": web})), "shop/web has none")

test_message_names_a_policy_without_request_name if {
	unnamed := json.remove(create({"podSelector": web}), ["request/name", "request/namespace"])
	contains(message_of(unnamed), "/web has none")
	generated := json.patch(unnamed, [{"op": "replace", "path": "/request/object/metadata", "value": {"generateName": "web-"}}])
	contains(message_of(generated), "/web-* has none")
	contains(message_of(json.remove(generated, ["request/object/metadata"])), "(unnamed)")
}

test_message_names_the_ways_out if {
	message := message_of(create({"podSelector": web}))
	contains(message, "allowDefaultDeny")
	contains(message, "allowEgressOnly")
}
