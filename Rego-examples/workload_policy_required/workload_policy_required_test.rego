package portcullis.workload_policy_required_test

import data.portcullis.workload_policy_required as rule

defaults := {
	"isolate": ["Ingress"],
	"exemptNamespaces": ["kube-system"],
	"exemptionGroups": [],
	"controllerIdentities": {
		"CronJob": ["system:serviceaccount:kube-system:cronjob-controller", "system:kube-controller-manager"],
		"Deployment": ["system:serviceaccount:kube-system:deployment-controller", "system:kube-controller-manager"],
		"ReplicaSet": ["system:serviceaccount:kube-system:replicaset-controller", "system:kube-controller-manager"],
		"ReplicationController": ["system:serviceaccount:kube-system:replication-controller"],
	},
	"garbageCollectors": ["system:serviceaccount:kube-system:generic-garbage-collector"],
}

both_directions := object.union(defaults, {"isolate": ["Ingress", "Egress"]})

with_exemptions := object.union(defaults, {"exemptionGroups": ["platform"]})

policy(spec) := {"metadata": {"name": "p"}, "spec": spec}

inventory_of(specs) := {"namespace": {"shop": {"networking.k8s.io/v1": {"NetworkPolicy": {sprintf("p%d", [i]): policy(spec) |
	some i, spec in specs
}}}}}

empty := {"namespace": {}}

isolating := inventory_of([{"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}])

groups := {"Pod": "", "ReplicationController": "", "Job": "batch", "CronJob": "batch"}

template(labels, pod_spec) := {"template": {"metadata": {"labels": labels}, "spec": pod_spec}}

workload("Pod", labels, pod_spec) := {"metadata": {"name": "web", "labels": labels}, "spec": pod_spec}

workload("CronJob", labels, pod_spec) := {
	"metadata": {"name": "web"},
	"spec": {"jobTemplate": {"spec": template(labels, pod_spec)}},
}

workload(kind, labels, pod_spec) := {"metadata": {"name": "web"}, "spec": template(labels, pod_spec)} if {
	not kind in {"Pod", "CronJob"}
}

review(operation, kind, object, old) := {"request": {
	"operation": operation,
	"kind": {"group": object.get(groups, kind, "apps"), "version": "v1", "kind": kind},
	"namespace": "shop",
	"name": "web",
	"userInfo": {"username": "alice", "groups": ["developers"]},
	"object": object,
	"oldObject": old,
}}

web := {"app": "web"}

create(kind, labels) := review("CREATE", kind, workload(kind, labels, {}), null)

update(kind, labels, old) := review("UPDATE", kind, workload(kind, labels, {}), workload(kind, old, {}))

changed(request, path, value) := json.patch(request, [{"op": "add", "path": path, "value": value}])

messages(request, inventory, parameters) := result if {
	result := rule.deny with input as request
		with data.inventory as inventory
		with data.parameters.workload_policy_required as parameters
}

warnings(request, inventory, parameters) := result if {
	result := rule.warn with input as request
		with data.inventory as inventory
		with data.parameters.workload_policy_required as parameters
}

denied(request, inventory) if count(messages(request, inventory, defaults)) == 1

silent(request, inventory, parameters) if {
	count(messages(request, inventory, parameters)) == 0
	count(warnings(request, inventory, parameters)) == 0
}

warned(request, inventory, parameters, text) if {
	count(messages(request, inventory, parameters)) == 0
	some warning in warnings(request, inventory, parameters)
	contains(warning, text)
}

kinds := {
	"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet",
	"ReplicationController", "Job", "CronJob", "Pod",
}

test_every_kind_without_policy_is_denied if {
	every kind in kinds {
		denied(create(kind, web), empty)
		denied(create(kind, web), {})
	}
}

test_every_kind_with_policy_is_admitted if {
	every kind in kinds {
		silent(create(kind, web), isolating, defaults)
	}
}

test_policies_of_other_labels_do_not_count if {
	denied(create("Deployment", {"app": "db"}), isolating)
	denied(create("Pod", {}), isolating)
}

test_policies_of_other_namespaces_do_not_count if {
	denied(create("Deployment", web), {"namespace": {"other": isolating.namespace.shop}})
}

test_absent_pod_selector_selects_all if {
	silent(create("Deployment", web), inventory_of([{"policyTypes": ["Ingress"]}]), defaults)
}

test_absent_policy_types_isolate_ingress if {
	silent(create("Deployment", web), inventory_of([{"podSelector": {}}]), defaults)
}

test_egress_policy_does_not_isolate_ingress if {
	denied(create("Deployment", web), inventory_of([{"podSelector": {}, "policyTypes": ["Egress"]}]))
}

test_both_directions_can_be_asked_for if {
	ingress := {"podSelector": {}, "policyTypes": ["Ingress"]}
	egress := {"podSelector": {}, "policyTypes": ["Egress"]}
	implied := {"podSelector": {}, "egress": [{}]}
	silent(create("Deployment", web), inventory_of([ingress, egress]), both_directions)
	silent(create("Deployment", web), inventory_of([implied]), both_directions)
	some message in messages(create("Deployment", web), inventory_of([ingress]), both_directions)
	contains(message, "isolates the egress of its pods")
	some both in messages(create("Deployment", web), empty, both_directions)
	contains(both, "isolates the egress and ingress of its pods")
	contains(both, `"port":53`)
}

test_exempt_namespaces if {
	silent(changed(create("Pod", web), "/request/namespace", "kube-system"), empty, defaults)
}

test_kinds_of_the_same_name_are_left_alone if {
	silent(changed(create("Job", web), "/request/kind/group", "batch.volcano.sh"), empty, defaults)
}

test_other_kinds_and_operations_are_left_alone if {
	silent(changed(create("Pod", web), "/request/kind/kind", "Service"), empty, defaults)
	silent(changed(create("Pod", web), "/request/operation", "DELETE"), empty, defaults)
	scale := changed(changed(update("Deployment", web, web), "/request/kind/kind", "Scale"), "/request/subResource", "scale")
	silent(scale, empty, defaults)
}

replica_set_reference := [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "controller": true}]

owned_by(references, username) := changed(
	changed(create("Pod", web), "/request/object/metadata/ownerReferences", references),
	"/request/userInfo/username",
	username,
)

test_pod_of_a_controller_is_judged_with_its_owner if {
	username := "system:serviceaccount:kube-system:replicaset-controller"
	silent(owned_by(replica_set_reference, username), empty, defaults)
	silent(owned_by(replica_set_reference, "system:kube-controller-manager"), empty, defaults)
	core := [{"apiVersion": "v1", "kind": "ReplicationController", "name": "web", "controller": true}]
	silent(owned_by(core, "system:serviceaccount:kube-system:replication-controller"), empty, defaults)
}

test_forged_owner_proves_nothing if {
	denied(owned_by(replica_set_reference, "alice"), empty)
	denied(owned_by(replica_set_reference, "system:serviceaccount:kube-system:deployment-controller"), empty)
	denied(owned_by(replica_set_reference, "system:serviceaccount:shop:replicaset-controller"), empty)
}

test_owner_must_control_and_be_judged if {
	username := "system:kube-controller-manager"
	denied(owned_by([], username), empty)
	denied(owned_by([object.remove(replica_set_reference[0], {"controller"})], username), empty)
	denied(owned_by([object.union(replica_set_reference[0], {"apiVersion": "example.com/v1"})], username), empty)
	denied(owned_by([object.union(replica_set_reference[0], {"kind": "Rollout"})], username), empty)
}

test_deployments_are_judged_whoever_creates_them if {
	request := changed(create("Deployment", web), "/request/userInfo/username", "system:kube-controller-manager")
	reference := [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": true}]
	denied(changed(request, "/request/object/metadata/ownerReferences", reference), empty)
}

test_update_that_leaves_labels_unchanged_is_warned if {
	every kind in kinds {
		warned(update(kind, web, web), empty, defaults, "unchanged")
	}
}

test_update_of_a_covered_workload_is_silent if silent(update("Deployment", web, web), isolating, defaults)

test_update_of_labels_is_judged if {
	every kind in kinds {
		denied(update(kind, {"app": "db"}, web), isolating)
		silent(update(kind, web, {"app": "db"}), isolating, defaults)
	}
}

test_update_of_labels_through_status_is_judged if {
	denied(changed(update("Pod", {"app": "db"}, web), "/request/subResource", "status"), isolating)
	silent(changed(update("Pod", {"app": "db"}, {"app": "db"}), "/request/subResource", "status"), isolating, defaults)
}

test_update_of_host_network_is_judged if {
	every kind in kinds {
		leaves := review("UPDATE", kind, workload(kind, web, {}), workload(kind, web, {"hostNetwork": true}))
		denied(leaves, empty)
		enters := review("UPDATE", kind, workload(kind, web, {"hostNetwork": true}), workload(kind, web, {}))
		warned(enters, empty, defaults, "host's network")
	}
}

test_update_of_owners_is_judged if {
	request := changed(update("Pod", web, web), "/request/oldObject/metadata/ownerReferences", replica_set_reference)
	denied(request, empty)
}

test_owners_that_stay_are_no_change if {
	request := changed(update("Pod", web, web), "/request/oldObject/metadata/ownerReferences", replica_set_reference)
	same := changed(request, "/request/object/metadata/ownerReferences", replica_set_reference)
	warned(same, empty, defaults, "unchanged")
}

test_absent_labels_are_no_labels if {
	bare := {"metadata": {"name": "web"}, "spec": {}}
	denied(review("CREATE", "Pod", bare, null), isolating)
	warned(review("UPDATE", "Pod", bare, bare), isolating, defaults, "unchanged")
	denied(review("UPDATE", "Pod", bare, workload("Pod", web, {})), isolating)
}

test_controllers_and_garbage_collector_change_owners if {
	request := changed(update("Pod", web, web), "/request/oldObject/metadata/ownerReferences", replica_set_reference)
	every username in [
		"system:serviceaccount:kube-system:replicaset-controller",
		"system:serviceaccount:kube-system:generic-garbage-collector",
	] {
		warned(changed(request, "/request/userInfo/username", username), empty, defaults, "unchanged")
	}
}

test_deletion_is_not_in_the_way if {
	at := "/request/object/metadata/deletionTimestamp"
	request := changed(update("Pod", web, web), at, "2026-01-01T00:00:00Z")
	silent(request, empty, defaults)
	silent(changed(request, "/request/oldObject/metadata/ownerReferences", replica_set_reference), empty, defaults)
	denied(changed(update("Pod", {"app": "db"}, web), at, "2026-01-01T00:00:00Z"), empty)
}

test_host_network_is_warned if {
	every kind in kinds {
		request := review("CREATE", kind, workload(kind, web, {"hostNetwork": true}), null)
		warned(request, isolating, defaults, "host's network")
	}
}

annotated(request, reason) := changed(request, "/request/object/metadata/annotations", {"portcullis.dev/exempt": reason})

test_exemption_counts_from_its_groups_with_a_reason if {
	request := changed(annotated(create("Deployment", web), "ticket 42"), "/request/userInfo/groups", ["platform"])
	warned(request, empty, with_exemptions, "exempted: ticket 42")
	count(messages(request, empty, defaults)) == 1
	count(messages(annotated(request, "  "), empty, with_exemptions)) == 1
	count(messages(annotated(create("Deployment", web), "ticket 42"), empty, with_exemptions)) == 1
}

test_message_names_labels_and_a_policy_that_would_do if {
	some message in messages(create("Deployment", {"app": "web", "pod-template-hash": "5d89"}), empty, defaults)
	contains(message, "Deployment shop/web")
	contains(message, "labels app=web,pod-template-hash=5d89")
	suggested := json.unmarshal(regex.find_n(`\{.*\}`, message, 1)[0])
	suggested.metadata == {"name": "web", "namespace": "shop"}
	suggested.spec.podSelector == {"matchLabels": {"app": "web"}}
	silent(create("Deployment", web), inventory_of([suggested.spec]), defaults)
}

test_message_without_labels if {
	some message in messages(create("Pod", {}), empty, defaults)
	contains(message, "no labels")
	contains(message, `"podSelector":{}`)
}

test_message_without_name_or_namespace if {
	unnamed := json.remove(create("Pod", web), ["request/name", "request/namespace"])
	some named in messages(unnamed, empty, defaults)
	contains(named, "Pod /web:")
	generated := changed(json.remove(unnamed, ["request/object/metadata/name"]), "/request/object/metadata/generateName", "web-")
	some from_generated in messages(generated, empty, defaults)
	contains(from_generated, "Pod /web-*:")
	contains(from_generated, `"name":"web"`)
	some nameless in messages(json.remove(generated, ["request/object/metadata/generateName"]), empty, defaults)
	contains(nameless, "(unnamed)")
	contains(nameless, "allow-own-pods")
}

selecting(isolates) := [{"kind": "CiliumNetworkPolicy", "name": "p", "text": "CiliumNetworkPolicy p", "isolates": isolates}]

cilium := {"cilium.io/v2": {"CiliumNetworkPolicy": {"p": {}}}}

test_policies_of_cilium_and_calico_count if {
	every inventory in [
		{"namespace": {"shop": cilium}},
		{"namespace": {"shop": {"projectcalico.org/v3": {"NetworkPolicy": {"p": {}}}}}},
		{"namespace": {"shop": {"crd.projectcalico.org/v1": {"NetworkPolicy": {"p": {}}}}}},
		{"namespace": {}, "cluster": {"cilium.io/v2": {"CiliumClusterwideNetworkPolicy": {"p": {}}}}},
		{"namespace": {}, "cluster": {"projectcalico.org/v3": {"GlobalNetworkPolicy": {"p": {}}}}},
		{"namespace": {}, "cluster": {"crd.projectcalico.org/v1": {"GlobalNetworkPolicy": {"p": {}}}}},
	] {
		silent(create("Deployment", web), inventory, defaults) with netpol.selecting as selecting(["Ingress"])
		denied(create("Deployment", web), inventory) with netpol.selecting as selecting(["Egress"])
		denied(create("Deployment", web), inventory) with netpol.selecting as []
	}
	denied(create("Deployment", web), {"namespace": {"pay": cilium}}) with netpol.selecting as selecting(["Ingress"])
}
