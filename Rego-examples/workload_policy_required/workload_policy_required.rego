# METADATA
# title: Workloads need a NetworkPolicy
# description: |-
#   Refuses workloads whose pods no NetworkPolicy of their namespace isolates, nor a policy of Cilium or Calico. Pods, ReplicaSets and Jobs that a controller
#   creates are judged with their owner. An update that changes neither pod labels nor hostNetwork nor ownerReferences
#   passes with a warning. No policy can isolate pods of the host's network, so these get a warning too.
# custom:
#   enforcement: deny
#   severity: high
#   onError: deny
#   inventory: required
#   confirm: [networking.k8s.io/v1/NetworkPolicy]
#   match:
#     kinds:
#       [Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job, CronJob, Pod]
#     operations: [CREATE, UPDATE]
#   parameters:
#     isolate:
#       description: The directions in which policies must isolate the pods.
#       type: array
#       items:
#         type: string
#         enum: [Ingress, Egress]
#       default: [Ingress]
#     exemptNamespaces:
#       description: Namespaces that the rule leaves alone.
#       type: array
#       items:
#         type: string
#       default: [kube-system, kube-public, kube-node-lease, portcullis]
#     exemptionGroups:
#       description: |-
#         Groups of users whose word counts when they write the annotation portcullis.dev/exempt, with a reason, on a
#         workload. Each use is a warning, and so in the decision log.
#       type: array
#       items:
#         type: string
#       default: []
#     controllerIdentities:
#       description: By kind of owner, the users as whom its controller creates what it owns.
#       type: object
#       additionalProperties:
#         type: array
#         items:
#           type: string
#       default:
#         CronJob: ["system:serviceaccount:kube-system:cronjob-controller", "system:kube-controller-manager"]
#         DaemonSet: ["system:serviceaccount:kube-system:daemon-set-controller", "system:kube-controller-manager"]
#         Deployment: ["system:serviceaccount:kube-system:deployment-controller", "system:kube-controller-manager"]
#         Job: ["system:serviceaccount:kube-system:job-controller", "system:kube-controller-manager"]
#         ReplicaSet: ["system:serviceaccount:kube-system:replicaset-controller", "system:kube-controller-manager"]
#         ReplicationController: ["system:serviceaccount:kube-system:replication-controller", "system:kube-controller-manager"]
#         StatefulSet: ["system:serviceaccount:kube-system:statefulset-controller", "system:kube-controller-manager"]
#     garbageCollectors:
#       description: The users as whom the garbage collector takes owners off what they leave behind.
#       type: array
#       items:
#         type: string
#       default: ["system:serviceaccount:kube-system:generic-garbage-collector", "system:kube-controller-manager"]
package portcullis.workload_policy_required

deny contains message if {
	judged
	not host_network
	not covered
	not unchanged
	not exempted
	message := sprintf(
		"%s %s/%s: no NetworkPolicy isolates the %s of its pods (%s). Create one first, such as: kubectl apply -f - <<< '%s'",
		[input.request.kind.kind, namespace, name, missing_text, labels_text, json.marshal(minimal_policy)],
	)
}

warn contains message if {
	judged
	host_network
	not leaving
	message := sprintf(
		"%s %s/%s uses the host's network: no NetworkPolicy can isolate its pods",
		[input.request.kind.kind, namespace, name],
	)
}

warn contains message if {
	judged
	not host_network
	not covered
	unchanged
	not leaving
	not input.request.subResource
	message := sprintf(
		"%s %s/%s: no NetworkPolicy isolates the %s of its pods; admitted only because its pod labels are unchanged",
		[input.request.kind.kind, namespace, name, missing_text],
	)
}

warn contains message if {
	judged
	not host_network
	not covered
	not unchanged
	exempted
	message := sprintf(
		"%s %s/%s: no NetworkPolicy isolates the %s of its pods; exempted: %s",
		[input.request.kind.kind, namespace, name, missing_text, exemption_reason],
	)
}

# The API groups in which these kinds are workloads; others have a Job or a Deployment of their own.
workload_groups := {
	"CronJob": {"batch"},
	"DaemonSet": {"apps", "extensions"},
	"Deployment": {"apps", "extensions"},
	"Job": {"batch"},
	"Pod": {""},
	"ReplicaSet": {"apps", "extensions"},
	"ReplicationController": {""},
	"StatefulSet": {"apps"},
}

judged if {
	workload_groups[input.request.kind.kind]
	input.request.operation in {"CREATE", "UPDATE"}
	not other_group
	not exempt_namespace
	not judged_with_owner
}

# A rule of its own: a request without a namespace would leave its negation undefined, not true.
exempt_namespace if {
	input.request.namespace in data.parameters.workload_policy_required.exemptNamespaces
}

other_group if {
	group := input.request.kind.group
	not group in workload_groups[input.request.kind.kind]
}

# A controller would try again forever, and its owner has been judged. Anyone can write an ownerReference, so it counts
# only from that controller itself.
judged_with_owner if {
	input.request.kind.kind in {"Pod", "ReplicaSet", "Job"}
	input.request.operation == "CREATE"
	some owner in input.request.object.metadata.ownerReferences
	owner.controller == true
	input.request.userInfo.username in data.parameters.workload_policy_required.controllerIdentities[owner.kind]
	api_group(owner.apiVersion) in workload_groups[owner.kind]
}

api_group(version) := split(version, "/")[0] if contains(version, "/")

api_group(version) := "" if not contains(version, "/")

covered if {
	is_array(data.parameters.workload_policy_required.isolate)
	count(missing) == 0
}

missing contains direction if {
	some direction in data.parameters.workload_policy_required.isolate
	not isolated(direction)
}

isolated(direction) if {
	some policy in data.inventory.namespace[namespace]["networking.k8s.io/v1"].NetworkPolicy
	k8s.selector_matches(policy.spec.podSelector, pod_labels)
	isolates(policy.spec, direction)
}

# An absent podSelector selects every pod.
isolated(direction) if {
	some policy in data.inventory.namespace[namespace]["networking.k8s.io/v1"].NetworkPolicy
	not policy.spec.podSelector
	isolates(policy.spec, direction)
}

# Policies of Cilium and Calico count as well. Few clusters have them, and they are looked at last.
isolated(direction) if {
	other_policies
	some policy in netpol.selecting({
		"apiVersion": "v1",
		"kind": "Pod",
		"metadata": {"namespace": namespace, "labels": pod_labels},
		"spec": {},
	})
	direction in policy.isolates
}

other_policies if data.inventory.namespace[namespace]["cilium.io/v2"].CiliumNetworkPolicy

other_policies if data.inventory.namespace[namespace]["projectcalico.org/v3"].NetworkPolicy

other_policies if data.inventory.namespace[namespace]["crd.projectcalico.org/v1"].NetworkPolicy

other_policies if data.inventory.cluster["cilium.io/v2"].CiliumClusterwideNetworkPolicy

other_policies if data.inventory.cluster["projectcalico.org/v3"].GlobalNetworkPolicy

other_policies if data.inventory.cluster["crd.projectcalico.org/v1"].GlobalNetworkPolicy

# Kubernetes API reference, NetworkPolicySpec: an absent policyTypes means Ingress, and Egress where there are egress rules.
isolates(spec, direction) if direction in spec.policyTypes

isolates(spec, "Ingress") if not spec.policyTypes

isolates(spec, "Egress") if {
	not spec.policyTypes
	count(spec.egress) > 0
}

# The ratchet: what is there already is not refused again, or no upgrade, rollout or scaling could go on.
unchanged if {
	same_pods
	owners == old_owners
}

# Objects on their way out pass whatever their owners.
unchanged if {
	same_pods
	leaving
}

# Controllers adopt and release pods, and the garbage collector takes owners away that are deleted.
unchanged if {
	same_pods
	input.request.userInfo.username in data.parameters.workload_policy_required.garbageCollectors
}

unchanged if {
	same_pods
	some identities in data.parameters.workload_policy_required.controllerIdentities
	input.request.userInfo.username in identities
}

same_pods if {
	input.request.operation == "UPDATE"
	pod_labels == old_pod_labels
	host_network_value == old_host_network_value
}

leaving if {
	same_pods
	input.request.object.metadata.deletionTimestamp
}

exempted if {
	some group in input.request.userInfo.groups
	group in data.parameters.workload_policy_required.exemptionGroups
	exemption_reason != ""
}

exemption_reason := trim_space(input.request.object.metadata.annotations["portcullis.dev/exempt"])

default pod_labels := {}

pod_labels := input.request.object.metadata.labels if input.request.kind.kind == "Pod"

pod_labels := input.request.object.spec.jobTemplate.spec.template.metadata.labels if {
	input.request.kind.kind == "CronJob"
}

pod_labels := input.request.object.spec.template.metadata.labels if {
	not input.request.kind.kind in {"Pod", "CronJob"}
}

default old_pod_labels := {}

old_pod_labels := input.request.oldObject.metadata.labels if input.request.kind.kind == "Pod"

old_pod_labels := input.request.oldObject.spec.jobTemplate.spec.template.metadata.labels if {
	input.request.kind.kind == "CronJob"
}

old_pod_labels := input.request.oldObject.spec.template.metadata.labels if {
	not input.request.kind.kind in {"Pod", "CronJob"}
}

host_network if host_network_value == true

default host_network_value := false

host_network_value := input.request.object.spec.hostNetwork if input.request.kind.kind == "Pod"

host_network_value := input.request.object.spec.jobTemplate.spec.template.spec.hostNetwork if {
	input.request.kind.kind == "CronJob"
}

host_network_value := input.request.object.spec.template.spec.hostNetwork if {
	not input.request.kind.kind in {"Pod", "CronJob"}
}

default old_host_network_value := false

old_host_network_value := input.request.oldObject.spec.hostNetwork if input.request.kind.kind == "Pod"

old_host_network_value := input.request.oldObject.spec.jobTemplate.spec.template.spec.hostNetwork if {
	input.request.kind.kind == "CronJob"
}

old_host_network_value := input.request.oldObject.spec.template.spec.hostNetwork if {
	not input.request.kind.kind in {"Pod", "CronJob"}
}

default owners := []

owners := input.request.object.metadata.ownerReferences

default old_owners := []

old_owners := input.request.oldObject.metadata.ownerReferences

missing_text := concat(" and ", [lower(direction) | some direction in missing])

labels_text := "no labels" if count(pod_labels) == 0

labels_text := sprintf("labels %s", [concat(",", pairs)]) if {
	count(pod_labels) > 0
	pairs := [sprintf("%s=%s", [key, value]) | some key, value in pod_labels]
}

# The least that satisfies this rule and the one on ingress rules: it isolates the pods and admits only the pods themselves.
minimal_policy := {
	"apiVersion": "networking.k8s.io/v1",
	"kind": "NetworkPolicy",
	"metadata": {"name": policy_name, "namespace": namespace},
	"spec": object.union(
		{
			"podSelector": selector,
			"policyTypes": [direction | some direction in ({"Ingress"} | missing)],
			"ingress": [{"from": [{"podSelector": selector}]}],
		},
		minimal_egress,
	),
}

# Without DNS pods find nothing by name.
minimal_egress := {"egress": [{
	"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
	"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}]} if {
	"Egress" in missing
}

minimal_egress := {} if not "Egress" in missing

selector := {} if count(stable_labels) == 0

selector := {"matchLabels": stable_labels} if count(stable_labels) > 0

# Without the labels that controllers invent for each object they create.
stable_labels := object.remove(pod_labels, {
	"apps.kubernetes.io/pod-index",
	"batch.kubernetes.io/controller-uid",
	"batch.kubernetes.io/job-completion-index",
	"batch.kubernetes.io/job-name",
	"controller-revision-hash",
	"controller-uid",
	"job-name",
	"pod-template-generation",
	"pod-template-hash",
	"statefulset.kubernetes.io/pod-name",
})

default namespace := ""

namespace := input.request.namespace

name := input.request.name if input.request.name != ""

else := input.request.object.metadata.name if input.request.object.metadata.name != ""

else := concat("", [input.request.object.metadata.generateName, "*"]) if {
	input.request.object.metadata.generateName != ""
}

else := "(unnamed)"

policy_name := trim_right(name, "-*") if name != "(unnamed)"

else := "allow-own-pods"
