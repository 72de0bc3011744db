package portcullis.protected_workloads_test

import data.portcullis.protected_workloads as policy

defaults := {"workloads": [], "label": "portcullis.dev/protected", "allowedPeers": [], "ownerGroups": ["owners"]}

guarded := {"portcullis.dev/protected": "true"}

workload(namespace, name, labels, namespace_labels) := {
	"type": "workload",
	"text": sprintf("%s/%s[Deployment]", [namespace, name]),
	"namespace": namespace,
	"name": name,
	"kind": "Deployment",
	"labels": labels,
	"namespaceLabels": namespace_labels,
}

web := workload("shop", "web", [{"app": "web"}], [{"env": "prod"}])

ledger := workload("pay", "ledger", [{"app": "ledger"}], [{"env": "prod", "team": "pay"}])

everywhere := {"type": "addresses", "text": "0.0.0.0-255.255.255.255", "cidrs": ["0.0.0.0/0"]}

opened(source, destination) := {
	"source": source,
	"destination": destination,
	"ports": [{"protocol": "TCP", "port": 5432, "endPort": 5432}],
	"portsText": "TCP 5432",
	"rules": [],
	"through": "NetworkPolicy pay/ledger ingress[0]",
}

changes(connections) := {"added": connections, "removed": [], "warnings": []}

review(operation, kind, object, old) := {"request": {
	"operation": operation,
	"kind": {"group": "", "version": "v1", "kind": kind},
	"namespace": "pay",
	"name": "ledger",
	"userInfo": {"username": "alice", "groups": ["developers"]},
	"object": object,
	"oldObject": old,
}}

edit := review("UPDATE", "NetworkPolicy", {"metadata": {"name": "ledger"}}, {"metadata": {"name": "ledger"}})

messages(request, connections, parameters) := result if {
	result := policy.deny with input as request
		with netpol.changes as changes(connections)
		with data.parameters.protected_workloads as object.union(defaults, parameters)
		with data.inventory as {"namespace": {}, "cluster": {}}
}

pay := {"workloads": [{"namespaces": ["pay"], "podSelector": {"matchLabels": {"app": "ledger"}}}]}

test_new_path_into_named_workload_is_denied if {
	messages(edit, [opened(web, ledger)], pay) == {concat("", [
		"changing NetworkPolicy pay/ledger would open shop/web[Deployment] => pay/ledger[Deployment] : TCP 5432, ",
		"through NetworkPolicy pay/ledger ingress[0]; pay/ledger[Deployment] is protected",
	])}
}

test_every_way_to_name_it_counts if {
	every wanted in [
		{"namespaces": ["pay"]},
		{"podSelector": {"matchLabels": {"app": "ledger"}}},
		{"namespaceSelector": {"matchLabels": {"team": "pay"}}},
		{"namespaces": ["pay", "bank"], "namespaceSelector": {"matchLabels": {"team": "pay"}}, "podSelector": {}},
	] {
		count(messages(edit, [opened(web, ledger)], {"workloads": [wanted]})) == 1
	}
}

test_other_workloads_are_not_protected if {
	every wanted in [
		{},
		{"namespaces": ["bank"]},
		{"podSelector": {"matchLabels": {"app": "db"}}},
		{"namespaceSelector": {"matchLabels": {"team": "shop"}}},
		{"namespaces": ["pay"], "podSelector": {"matchLabels": {"app": "db"}}},
	] {
		count(messages(edit, [opened(web, ledger)], {"workloads": [wanted]})) == 0
	}
}

test_paths_to_the_outside_are_not_its_concern if {
	count(messages(edit, [opened(ledger, everywhere)], pay)) == 0
}

test_label_protects_before_and_after if {
	every destination in [
		workload("pay", "ledger", [{"app": "ledger"}, guarded], [{}]),
		workload("pay", "ledger", [guarded, {"app": "ledger"}], [{}]),
		workload("pay", "ledger", [{}], [{}, guarded]),
	] {
		count(messages(edit, [opened(web, destination)], {})) == 1
		count(messages(edit, [opened(web, destination)], {"label": ""})) == 0
		count(messages(edit, [opened(web, destination)], {"label": "secret"})) == 0
	}
}

test_label_of_the_object_protects if {
	inventory := {"namespace": {"pay": {"apps/v1": {"Deployment": {"ledger": {"metadata": {"labels": guarded}}}}}}}
	found := policy.deny with input as edit
		with netpol.changes as changes([opened(web, ledger)])
		with data.parameters.protected_workloads as defaults
		with data.inventory as inventory
	count(found) == 1
}

test_label_of_the_request_protects if {
	labelled := {"metadata": {"name": "ledger", "labels": guarded}}
	bare := {"metadata": {"name": "ledger"}}
	count(messages(review("CREATE", "Deployment", labelled, null), [opened(web, ledger)], {})) == 1
	count(messages(review("UPDATE", "Deployment", bare, labelled), [opened(web, ledger)], {})) == 2
	count(messages(review("CREATE", "Deployment", bare, null), [opened(web, ledger)], {})) == 0
}

test_listed_peers_are_admitted if {
	every peer in [
		{"namespaces": ["shop"]},
		{"namespaceSelector": {"matchLabels": {"env": "prod"}}},
		{"namespaces": ["shop"], "podSelector": {"matchLabels": {"app": "web"}}},
	] {
		count(messages(edit, [opened(web, ledger)], object.union(pay, {"allowedPeers": [peer]}))) == 0
	}
}

test_other_peers_are_not if {
	every peer in [
		{},
		{"namespaces": ["dev"]},
		{"namespaceSelector": {"matchLabels": {"env": "dev"}}},
		{"namespaces": ["shop"], "podSelector": {"matchLabels": {"app": "batch"}}},
		{"cidrs": ["0.0.0.0/0"]},
	] {
		count(messages(edit, [opened(web, ledger)], object.union(pay, {"allowedPeers": [peer]}))) == 1
	}
}

test_nobody_becomes_a_peer_by_the_request if {
	relabelled := workload("dev", "tool", [{}], [{"env": "prod"}, {"env": "dev"}])
	peers := {"allowedPeers": [{"namespaceSelector": {"matchLabels": {"env": "prod"}}}]}
	count(messages(edit, [opened(relabelled, ledger)], object.union(pay, peers))) == 1
}

test_listed_blocks_are_admitted if {
	office := {"type": "addresses", "text": "office", "cidrs": ["192.0.2.0/25", "192.0.2.128/26"]}
	peers := object.union(pay, {"allowedPeers": [{"cidrs": ["192.0.2.0/24"]}]})
	count(messages(edit, [opened(office, ledger)], peers)) == 0
	count(messages(edit, [opened(everywhere, ledger)], peers)) == 1
}

test_namespaces_that_go_are_left_alone if {
	every namespace in [{"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, {"status": {"phase": "Terminating"}}] {
		found := policy.deny with input as edit
			with netpol.changes as changes([opened(web, ledger)])
			with data.parameters.protected_workloads as object.union(defaults, pay)
			with data.inventory as {"cluster": {"v1": {"Namespace": {"pay": namespace}}}}
		count(found) == 0
	}
}

status(labels, old) := {"request": object.union(
	review("UPDATE", "Pod", {"metadata": {"labels": labels}}, {"metadata": {"labels": old}}).request,
	{"subResource": "status"},
)}

test_reports_of_kubelets_are_left_alone if {
	count(messages(status({"a": "b"}, {"a": "b"}), [opened(web, ledger)], pay)) == 0
	count(messages(status({"a": "b"}, {"a": "c"}), [opened(web, ledger)], pay)) == 1
}

test_label_cannot_be_taken_off if {
	bare := {"metadata": {"name": "ledger"}}
	every labelled in [
		{"metadata": {"labels": guarded}},
		{"spec": {"template": {"metadata": {"labels": guarded}}}},
		{"spec": {"jobTemplate": {"spec": {"template": {"metadata": {"labels": guarded}}}}}},
	] {
		messages(review("UPDATE", "CronJob", bare, labelled), [], {}) == {concat("", [
			"changing CronJob pay/ledger carries portcullis.dev/protected=true: taking it off would end the protection, ",
			"and is not alice's to do",
		])}
		count(messages(review("UPDATE", "CronJob", labelled, bare), [], {})) == 0
		count(messages(review("UPDATE", "CronJob", labelled, labelled), [], {})) == 0
		count(messages(review("UPDATE", "CronJob", bare, labelled), [], {"ownerGroups": ["developers"]})) == 0
	}
}

test_what_is_not_modelled_is_told if {
	found := policy.warn with input as edit
		with netpol.changes as {"added": [], "removed": [], "warnings": ["nodes is not modelled"]}
		with data.parameters.protected_workloads as defaults
	found == {"changing NetworkPolicy pay/ledger: nodes is not modelled"}
}

named(request_name, object, old, namespace) := found if {
	request := object.union(
		review("CREATE", "NetworkPolicy", {}, null).request,
		{"name": request_name, "object": object, "oldObject": old, "namespace": namespace},
	)
	found := policy.subject with input as {"request": request}
}

test_names if {
	named("a", {}, null, "pay") == "creating NetworkPolicy pay/a"
	named("", {"metadata": {"name": "b"}}, null, "") == "creating NetworkPolicy b"
	named("", null, {"metadata": {"name": "c"}}, "pay") == "creating NetworkPolicy pay/c"
	named("", {"metadata": {"generateName": "d-"}}, null, "pay") == "creating NetworkPolicy pay/d-*"
	named("", null, null, "pay") == "creating NetworkPolicy pay/(unnamed)"
	policy.subject == "changing Namespace ledger" with input as review("UPDATE", "Namespace", {}, {})
}
