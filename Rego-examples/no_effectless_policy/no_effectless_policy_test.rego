package portcullis.no_effectless_policy_test

import data.portcullis.no_effectless_policy as policy

request := {
	"operation": "CREATE",
	"kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
	"namespace": "shop",
	"name": "web",
	"object": {"metadata": {"name": "web"}},
}

messages(asked, sentences) := result if {
	result := policy.deny with input as {"request": object.union(request, asked)}
		with netpol.lint as sentences
		with data.parameters.no_effectless_policy.exemptNamespaces as ["kube-system"]
}

test_policies_without_effect_are_told if {
	messages({}, ["it selects no pods"]) == {"NetworkPolicy web: it selects no pods"}
}

test_edited_policies_are_told_of_each_thing if {
	count(messages({"operation": "UPDATE"}, ["it selects no pods", "it allows everything"])) == 2
}

test_names_that_are_made_are_told_by_their_beginning if {
	messages({"name": "", "object": {"metadata": {"generateName": "p-"}}}, ["it selects no pods"]) == {"NetworkPolicy p-: it selects no pods"}
}

test_others_pass if {
	count(messages({}, [])) == 0
}

test_others_are_left_alone if {
	count(messages({"namespace": "kube-system"}, ["it selects no pods"])) == 0
	count(messages({"operation": "DELETE"}, ["it selects no pods"])) == 0
	count(messages({"object": {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}}, ["it selects no pods"])) == 0
}
