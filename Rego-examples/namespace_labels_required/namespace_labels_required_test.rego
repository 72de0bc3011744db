package portcullis.namespace_labels_required_test

import data.portcullis.namespace_labels_required as rule

parameters := {
	"labels": {"environment": ["production", "staging"], "team": []},
	"exemptNamespaces": ["kube-system"],
}

review(operation, name, metadata, old) := {"request": {
	"operation": operation,
	"kind": {"group": "", "version": "v1", "kind": "Namespace"},
	"name": name,
	"object": {"metadata": metadata},
	"oldObject": {"metadata": old},
}}

messages(request) := result if {
	result := rule.deny with input as request with data.parameters.namespace_labels_required as parameters
}

warnings(request) := result if {
	result := rule.warn with input as request with data.parameters.namespace_labels_required as parameters
}

good := {"labels": {"environment": "production", "team": "payments"}}

test_labelled_namespace_is_admitted if count(messages(review("CREATE", "shop", good, null))) == 0

test_missing_labels_are_denied if {
	messages(review("CREATE", "shop", {}, null)) == {
		"namespaces must carry the label environment with one of the values production, staging.",
		"namespaces must carry the label team with a value of your choice.",
	}
}

test_other_values_are_denied if {
	metadata := {"labels": {"environment": "test", "team": "payments"}}
	count(messages(review("CREATE", "shop", metadata, null))) == 1
}

test_names_to_be_generated_are_judged if {
	count(messages(json.remove(review("CREATE", "", {"generateName": "shop-"}, null), ["request/name"]))) == 2
}

test_exempt_namespaces if count(messages(review("CREATE", "kube-system", {}, null))) == 0

test_taking_a_label_away_is_denied if {
	count(messages(review("UPDATE", "shop", {}, good))) == 2
	status := json.patch(review("UPDATE", "shop", {}, good), [{"op": "add", "path": "/request/subResource", "value": "status"}])
	count(messages(status)) == 2
}

test_unchanged_labels_are_warned if {
	request := review("UPDATE", "shop", {"annotations": {"a": "b"}}, {})
	count(messages(request)) == 0
	count(warnings(request)) == 2
}

test_labels_that_stay_incomplete_are_warned if {
	incomplete := {"labels": {"team": "payments"}}
	request := review("UPDATE", "shop", incomplete, incomplete)
	count(messages(request)) == 0
	count(warnings(request)) == 1
}

test_namespaces_on_their_way_out_are_silent if {
	leaving := review("UPDATE", "shop", {"deletionTimestamp": "2026-01-01T00:00:00Z"}, {})
	count(messages(leaving)) == 0
	count(warnings(leaving)) == 0
	status := {"op": "add", "path": "/request/object/status", "value": {"phase": "Terminating"}}
	count(warnings(json.patch(review("UPDATE", "shop", {}, {}), [status]))) == 0
}

test_deletion_is_admitted if count(messages(review("DELETE", "shop", {}, {}))) == 0
