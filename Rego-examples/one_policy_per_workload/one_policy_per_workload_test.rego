package portcullis.one_policy_per_workload_test

import data.portcullis.one_policy_per_workload as rule

selecting(labels) := {"podSelector": {"matchLabels": labels}}

labelled(labels) := {"template": {"metadata": {"labels": labels}}}

web := {"app": "web"}

review(operation, kind, spec, old) := {"request": {
	"operation": operation,
	"kind": {"kind": kind},
	"namespace": "shop",
	"name": "web",
	"object": {"metadata": {}, "spec": spec},
	"oldObject": {"spec": old},
}}

inventory(policies, deployments) := {"namespace": {"shop": {
	"networking.k8s.io/v1": {"NetworkPolicy": {name: {"spec": spec} | some name, spec in policies}},
	"apps/v1": {"Deployment": {name: {"spec": labelled(labels)} | some name, labels in deployments}},
}}}

messages(request, cluster) := result if result := rule.deny with input as request with data.inventory as cluster

warnings(request, cluster) := result if result := rule.warn with input as request with data.inventory as cluster

cluster := inventory({"web": selecting(web), "all": {"podSelector": {}}}, {"shop": web})

test_one_policy_is_admitted if {
	count(messages(review("CREATE", "Deployment", labelled(web), null), cluster)) == 0
	count(messages(review("UPDATE", "NetworkPolicy", selecting(web), {}), cluster)) == 0
}

test_second_policy_is_denied if {
	request := json.patch(review("CREATE", "NetworkPolicy", selecting(web), null), [{
		"op": "replace",
		"path": "/request/name",
		"value": "more",
	}])
	messages(request, cluster) == {
		"selects the pods of Deployment shop, as NetworkPolicy web does: put the rules into that one.",
	}
	count(messages(json.remove(request, ["request/name"]), cluster)) == 1
}

test_policy_of_the_whole_namespace_does_not_count if {
	request := review("CREATE", "NetworkPolicy", {}, null)
	count(messages(request, inventory({"other": selecting(web)}, {"shop": web}))) == 0
}

test_workload_under_two_policies_is_denied if {
	two := inventory({"a": selecting(web), "b": selecting(web)}, {})
	messages(review("CREATE", "StatefulSet", labelled(web), null), two) == {
		"NetworkPolicies a, b all select the pods of StatefulSet web: merge them, or change the pods' labels.",
	}
}

test_unchanged_objects_are_warned if {
	two := inventory({"a": selecting(web), "b": selecting(web)}, {"web": web})
	every request in [
		review("UPDATE", "Deployment", labelled(web), labelled(web)),
		review("UPDATE", "NetworkPolicy", selecting(web), selecting(web)),
	] {
		count(messages(request, two)) == 0
		count(warnings(request, two)) > 0
		at := "/request/object/metadata/deletionTimestamp"
		leaving := json.patch(request, [{"op": "add", "path": at, "value": "2026-01-01T00:00:00Z"}])
		count(warnings(leaving, two)) == 0
	}
}

test_changed_labels_are_judged if {
	two := inventory({"a": selecting(web), "b": selecting(web)}, {})
	count(messages(review("UPDATE", "Deployment", labelled(web), labelled({"app": "old"})), two)) == 1
}
