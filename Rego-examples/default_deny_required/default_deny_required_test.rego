package portcullis.default_deny_required_test

import data.portcullis.default_deny_required as rule

ingress := {"directions": ["Ingress"]}

both := {"directions": ["Ingress", "Egress"]}

deny_all := {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

deny_ingress := {"policyTypes": ["Ingress"]}

web := {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{}]}

review(operation, name, spec, old) := {"request": {
	"operation": operation,
	"kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
	"namespace": "shop",
	"name": name,
	"object": {"metadata": {}, "spec": spec},
	"oldObject": {"spec": old},
}}

inventory(policies) := {"namespace": {"shop": {"networking.k8s.io/v1": {"NetworkPolicy": {name: {"spec": spec} |
	some name, spec in policies
}}}}}

denials(request, policies, parameters) := result if {
	result := rule.deny with input as request
		with data.inventory as inventory(policies)
		with data.parameters.default_deny_required as parameters
}

warnings(request, policies) := result if {
	result := rule.warn with input as request
		with data.inventory as inventory(policies)
		with data.parameters.default_deny_required as ingress
}

test_first_policy_must_deny_by_default if {
	some message in denials(review("CREATE", "web", web, null), {}, ingress)
	contains(message, "namespace shop has no NetworkPolicy that denies ingress by default")
}

test_default_deny_itself_is_admitted if {
	every spec in [deny_all, deny_ingress, {"podSelector": {}}] {
		count(denials(review("CREATE", "deny", spec, null), {}, ingress)) == 0
	}
	count(denials(review("CREATE", "deny", deny_all, null), {}, both)) == 0
}

test_no_spec_denies_ingress_by_default if {
	bare := json.remove(review("CREATE", "deny", {}, null), ["request/object/spec"])
	count(denials(bare, {}, ingress)) == 0
	count(denials(bare, {}, both)) == 1
}

test_allowing_all_is_no_default_deny if {
	count(denials(review("CREATE", "deny", {"podSelector": {}, "ingress": [{}]}, null), {}, ingress)) == 1
}

test_others_follow_default_deny if {
	count(denials(review("CREATE", "web", web, null), {"deny": deny_ingress}, ingress)) == 0
	count(denials(review("CREATE", "web", web, null), {"deny": deny_ingress}, both)) == 1
	count(denials(review("CREATE", "web", web, null), {"deny": deny_all}, both)) == 0
}

test_generated_name if {
	count(denials(json.remove(review("CREATE", "", web, null), ["request/name"]), {"deny": deny_all}, both)) == 0
}

test_default_deny_cannot_be_edited_away if {
	request := review("UPDATE", "deny", web, deny_all)
	count(denials(request, {"deny": deny_all}, ingress)) == 1
	count(denials(request, {"deny": deny_all, "more": deny_all}, ingress)) == 0
}

test_unchanged_spec_is_warned if {
	request := review("UPDATE", "web", web, web)
	count(denials(request, {"web": web}, ingress)) == 0
	count(warnings(request, {"web": web})) == 1
	at := "/request/object/metadata/deletionTimestamp"
	leaving := json.patch(request, [{"op": "add", "path": at, "value": "2026-01-01T00:00:00Z"}])
	count(warnings(leaving, {"web": web})) == 0
}

test_deletion_is_admitted if count(denials(review("DELETE", "deny", {}, deny_all), {"deny": deny_all}, ingress)) == 0
