package portcullis.keep_coverage_test

import data.portcullis.keep_coverage as policy

defaults := {"isolate": ["Ingress"], "exemptNamespaces": ["kube-system"], "collectors": ["collector"]}

bare(namespace, direction) := {
	"workload": {"type": "workload", "text": sprintf("%s/web[Deployment]", [namespace]), "namespace": namespace},
	"direction": direction,
	"policies": ["NetworkPolicy shop/web"],
}

request := {
	"operation": "DELETE",
	"kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
	"namespace": "shop",
	"name": "web",
	"userInfo": {"username": "alice"},
	"object": null,
	"oldObject": {"metadata": {"name": "web"}},
}

messages(asked, found, parameters, inventory) := result if {
	result := policy.deny with input as {"request": object.union(request, asked)}
		with netpol.uncovered as found
		with data.parameters.keep_coverage as object.union(defaults, parameters)
		with data.inventory as inventory
}

test_last_policy_of_a_workload_stays if {
	messages({}, [bare("shop", "Ingress")], {}, {}) == {concat("", [
		"deleting NetworkPolicy web would leave shop/web[Deployment] without a policy for ingress: ",
		"only NetworkPolicy shop/web isolates it. Have another policy select it first.",
	])}
	count(messages({"operation": "UPDATE", "name": ""}, [bare("shop", "Ingress")], {}, {})) == 1
	count(messages({"name": "", "oldObject": null}, [bare("shop", "Ingress")], {}, {})) == 1
}

test_others_may_go if {
	count(messages({}, [], {}, {})) == 0
	count(messages({}, [bare("kube-system", "Ingress")], {}, {})) == 0
	count(messages({"operation": "CREATE"}, [bare("shop", "Ingress")], {}, {})) == 0
}

test_directions_are_a_parameter if {
	count(messages({}, [bare("shop", "Egress")], {}, {})) == 0
	count(messages({}, [bare("shop", "Egress")], {"isolate": ["Ingress", "Egress"]}, {})) == 1
}

test_controllers_that_clean_up_are_not_held_up if {
	user := {"userInfo": {"username": "collector"}}
	count(messages(user, [bare("shop", "Ingress")], {}, {})) == 0
	count(messages(object.union(user, {"operation": "UPDATE"}), [bare("shop", "Ingress")], {}, {})) == 1
}

test_namespaces_that_go_may_lose_their_policies if {
	every namespace in [{"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, {"status": {"phase": "Terminating"}}] {
		inventory := {"cluster": {"v1": {"Namespace": {"shop": namespace}}}}
		count(messages({}, [bare("shop", "Ingress")], {}, inventory)) == 0
	}
	active := {"cluster": {"v1": {"Namespace": {"shop": {"metadata": {}, "status": {"phase": "Active"}}}}}}
	count(messages({}, [bare("shop", "Ingress")], {}, active)) == 1
}

warnings(asked) := result if {
	result := policy.warn with input as {"request": object.union(request, asked)}
}

owned := {"metadata": {"ownerReferences": [{"kind": "Deployment", "name": "web"}]}}

test_owned_policies_get_a_warning if {
	warnings({"operation": "CREATE", "object": owned}) == {concat("", [
		"NetworkPolicy web goes with its owner, Deployment web, whatever it covers then: ",
		"nobody is asked before the garbage collector takes it",
	])}
	count(warnings({"operation": "UPDATE", "object": owned})) == 1
	count(warnings({"operation": "UPDATE", "object": {"metadata": {}}})) == 0
	count(warnings({"operation": "DELETE", "oldObject": owned})) == 0
}
