# METADATA
# title: Protected workloads
# description: |-
#   Refuses every change of a policy, a namespace or a workload that would open a new path into a protected workload, except from
#   peers that are listed. Protected is what the parameters name, and what carries the label, before the request or after it:
#   pods, the object that makes them, or their namespace. Taking the label off is refused, too.
# custom:
#   enforcement: deny
#   severity: critical
#   onError: deny
#   inventory: required
#   match:
#     kinds:
#       - NetworkPolicy
#       - AdminNetworkPolicy
#       - BaselineAdminNetworkPolicy
#       - ClusterNetworkPolicy
#       - CiliumNetworkPolicy
#       - CiliumClusterwideNetworkPolicy
#       - GlobalNetworkPolicy
#       - Namespace
#       - Deployment
#       - StatefulSet
#       - DaemonSet
#       - ReplicaSet
#       - ReplicationController
#       - Job
#       - CronJob
#       - Pod
#     operations: [CREATE, UPDATE, DELETE]
#   parameters:
#     workloads:
#       description: |-
#         What is protected: maps with namespaces (a list of names), namespaceSelector and podSelector, each of which must hold
#         where it is given.
#       type: array
#       items:
#         type: object
#       default: []
#     label:
#       description: The label that protects a workload, or all of a namespace, where its value is true. Empty for none.
#       type: string
#       default: portcullis.dev/protected
#     allowedPeers:
#       description: |-
#         Who may get new paths all the same: maps as those of workloads, or with cidrs, a list of blocks, for what is outside
#         the cluster.
#       type: array
#       items:
#         type: object
#       default: []
#     ownerGroups:
#       description: Groups of users who may take the label off.
#       type: array
#       items:
#         type: string
#       default: []
package portcullis.protected_workloads

deny contains message if {
	judged
	some connection in netpol.changes(input.request).added
	connection.destination.text in protected_ends
	not allowed(connection.source)
	message := sprintf(
		"%s would open %s => %s : %s, through %s; %s is protected",
		[
			subject, connection.source.text, connection.destination.text, connection.portsText,
			connection.through, connection.destination.text,
		],
	)
}

deny contains message if {
	input.request.operation == "UPDATE"
	was_labelled
	not is_labelled
	not by_owner
	message := sprintf(
		"%s carries %s=true: taking it off would end the protection, and is not %s's to do",
		[subject, label, input.request.userInfo.username],
	)
}

warn contains message if {
	judged
	some sentence in netpol.changes(input.request).warnings
	message := sprintf("%s: %s", [subject, sentence])
}

label := data.parameters.protected_workloads.label

judged if not status_alone

# Kubelets report addresses and phases; only labels of what they report on decide anything here.
status_alone if {
	input.request.subResource == "status"
	object.get(input.request.object.metadata, "labels", {}) == object.get(input.request.oldObject.metadata, "labels", {})
}

# There may be many connections, to few workloads.
destinations := {connection.destination.text: connection.destination |
	some connection in netpol.changes(input.request).added
	connection.destination.type == "workload"
}

protected_ends contains text if {
	some text, workload in destinations
	protected(workload)
	not going(workload)
}

protected(workload) if {
	some wanted in data.parameters.protected_workloads.workloads
	says_something(wanted)
	in_namespaces(workload, wanted)
	some namespace_labels in workload.namespaceLabels
	k8s.selector_matches(object.get(wanted, "namespaceSelector", {}), namespace_labels)
	some labels in workload.labels
	k8s.selector_matches(object.get(wanted, "podSelector", {}), labels)
}

protected(workload) if {
	label != ""
	some labels in array.concat(workload.labels, workload.namespaceLabels)
	labels[label] == "true"
}

# The object that makes the pods may carry the label as well.
protected(workload) if {
	label != ""
	data.inventory.namespace[workload.namespace][_][workload.kind][workload.name].metadata.labels[label] == "true"
}

protected(workload) if {
	label != ""
	workload.kind == input.request.kind.kind
	workload.namespace == input.request.namespace
	some version in [input.request.object, input.request.oldObject]
	version.metadata.name == workload.name
	version.metadata.labels[label] == "true"
}

# Whoever may delete a namespace may delete all that is in it.
going(workload) if data.inventory.cluster.v1.Namespace[workload.namespace].metadata.deletionTimestamp

going(workload) if data.inventory.cluster.v1.Namespace[workload.namespace].status.phase == "Terminating"

allowed(peer) if {
	peer.type == "workload"
	some wanted in data.parameters.protected_workloads.allowedPeers
	says_something(wanted)
	in_namespaces(peer, wanted)
	matched(object.get(wanted, "namespaceSelector", {}), peer.namespaceLabels)
	matched(object.get(wanted, "podSelector", {}), peer.labels)
}

allowed(peer) if {
	peer.type == "addresses"
	every cidr in peer.cidrs {
		some wanted in data.parameters.protected_workloads.allowedPeers
		some block in wanted.cidrs
		net.cidr_contains(block, cidr)
	}
}

# Labels from before the request must match as well: nobody becomes a listed peer by the request that opens the path.
matched(selector, list) if {
	every labels in list {
		k8s.selector_matches(selector, labels)
	}
}

says_something(wanted) if count({"namespaces", "namespaceSelector", "podSelector"} & object.keys(wanted)) > 0

in_namespaces(_, wanted) if not wanted.namespaces

in_namespaces(workload, wanted) if workload.namespace in wanted.namespaces

was_labelled if carries_label(input.request.oldObject)

is_labelled if carries_label(input.request.object)

carries_label(version) if version.metadata.labels[label] == "true"

carries_label(version) if version.spec.template.metadata.labels[label] == "true"

carries_label(version) if version.spec.jobTemplate.spec.template.metadata.labels[label] == "true"

by_owner if {
	some group in input.request.userInfo.groups
	group in data.parameters.protected_workloads.ownerGroups
}

subject := sprintf("%s %s %s", [verb, input.request.kind.kind, full_name])

verb := {"CREATE": "creating", "UPDATE": "changing", "DELETE": "deleting"}[input.request.operation]

full_name := sprintf("%s/%s", [input.request.namespace, name]) if {
	input.request.namespace != ""
	input.request.kind.kind != "Namespace"
}

else := name

name := input.request.name if input.request.name != ""

else := input.request.object.metadata.name if input.request.object.metadata.name != ""

else := input.request.oldObject.metadata.name if input.request.oldObject.metadata.name != ""

else := concat("", [input.request.object.metadata.generateName, "*"]) if {
	input.request.object.metadata.generateName != ""
}

else := "(unnamed)"
