package portcullis.no_new_internet_exposure_test

import data.portcullis.no_new_internet_exposure as policy

defaults := {"privateBlocks": ["10.0.0.0/8", "fc00::/7"], "exposed": [], "exemptNamespaces": ["kube-system"]}

workload(namespace, labels) := {
	"type": "workload",
	"text": sprintf("%s/web[Deployment]", [namespace]),
	"namespace": namespace,
	"name": "web",
	"kind": "Deployment",
	"labels": labels,
	"namespaceLabels": [{"tier": "front"}],
}

outside(cidrs) := {"type": "addresses", "text": concat(" ", cidrs), "cidrs": cidrs}

opened(source, destination) := {
	"source": source,
	"destination": destination,
	"ports": [{"protocol": "TCP", "port": 80, "endPort": 80}],
	"portsText": "TCP 80",
	"rules": [],
	"through": "NetworkPolicy shop/web ingress[0]",
}

request := {
	"operation": "UPDATE",
	"kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
	"namespace": "shop",
	"name": "web",
	"object": {"metadata": {}},
	"oldObject": {"metadata": {}},
}

messages(asked, connection, parameters) := result if {
	result := policy.deny with input as {"request": object.union(request, asked)}
		with netpol.changes as {"added": [connection], "removed": [], "warnings": []}
		with data.parameters.no_new_internet_exposure as object.union(defaults, parameters)
		with data.inventory as {}
}

web := workload("shop", [{"app": "web"}])

test_internet_is_denied if {
	messages({}, opened(outside(["0.0.0.0/0"]), web), {}) == {concat("", [
		"changing NetworkPolicy web would expose shop/web[Deployment] to the internet: 0.0.0.0/0 => shop/web[Deployment] : ",
		"TCP 80, through NetworkPolicy shop/web ingress[0]",
	])}
	count(messages({}, opened(outside(["10.0.0.0/9", "11.0.0.0/8"]), web), {})) == 1
	count(messages({"name": "", "operation": "CREATE"}, opened(outside(["2000::/3"]), web), {})) == 1
	count(messages({}, opened({"type": "ingress-controller", "text": "{ingress-controller}"}, web), {})) == 1
}

test_the_rest_is_admitted if {
	every connection in [
		opened(outside(["10.0.0.0/9"]), web),
		opened(outside(["10.0.0.0/9", "fd00::/8"]), web),
		opened(web, web),
		opened(web, outside(["0.0.0.0/0"])),
		opened(outside(["0.0.0.0/0"]), workload("kube-system", [{}])),
	] {
		count(messages({}, connection, {})) == 0
	}
}

test_workloads_that_are_listed_may_face_it if {
	every wanted in [
		{"namespaces": ["shop"]},
		{"podSelector": {"matchLabels": {"app": "web"}}},
		{"namespaces": ["shop"], "namespaceSelector": {"matchLabels": {"tier": "front"}}},
	] {
		count(messages({}, opened(outside(["0.0.0.0/0"]), web), {"exposed": [wanted]})) == 0
	}
	every wanted in [
		{},
		{"namespaces": ["pay"]},
		{"podSelector": {"matchLabels": {"app": "db"}}},
		{"namespaceSelector": {"matchLabels": {"tier": "back"}}},
	] {
		count(messages({}, opened(outside(["0.0.0.0/0"]), web), {"exposed": [wanted]})) == 1
	}
}

test_nobody_becomes_exempt_by_the_request if {
	relabelled := workload("shop", [{"app": "web"}, {"app": "db"}])
	exposed := {"exposed": [{"podSelector": {"matchLabels": {"app": "web"}}}]}
	count(messages({}, opened(outside(["0.0.0.0/0"]), relabelled), exposed)) == 1
}

test_reports_of_kubelets_are_left_alone if {
	count(messages({"subResource": "status"}, opened(outside(["0.0.0.0/0"]), web), {})) == 0
	labelled := {"subResource": "status", "object": {"metadata": {"labels": {"app": "web"}}}}
	count(messages(labelled, opened(outside(["0.0.0.0/0"]), web), {})) == 1
}

test_namespaces_that_go_are_left_alone if {
	every namespace in [{"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, {"status": {"phase": "Terminating"}}] {
		found := policy.deny with input as {"request": request}
			with netpol.changes as {"added": [opened(outside(["0.0.0.0/0"]), web)], "removed": [], "warnings": []}
			with data.parameters.no_new_internet_exposure as defaults
			with data.inventory as {"cluster": {"v1": {"Namespace": {"shop": namespace}}}}
		count(found) == 0
	}
}
