// Written by scripts/embed-policies from the files under Rego-examples/. Edit those and run it again.

/// The policies that the binary carries.
public enum BuiltinPolicies {
  /// Those that everyone gets, in the order in which they are evaluated and printed.
  public static let sources: [PolicySource] = [
    PolicySource(
      path: "builtin:ingress_rules_required.rego", isBuiltin: true,
      text: ##"""
        # METADATA
        # title: Ingress rules required
        # description: |-
        #   Refuses NetworkPolicies without ingress rules. The API server drops empty lists, so `ingress: []` and no `ingress` are
        #   one thing, and both are refused. An update that leaves `spec` as it is passes with a warning.
        # custom:
        #   enforcement: deny
        #   severity: high
        #   onError: deny
        #   match:
        #     kinds: [NetworkPolicy]
        #     operations: [CREATE, UPDATE]
        #   parameters:
        #     allowDefaultDeny:
        #       description: Admit a policy without ingress rules whose empty podSelector isolates the whole namespace.
        #       type: boolean
        #       default: false
        #     allowEgressOnly:
        #       description: Admit a policy without ingress rules whose policyTypes is Egress alone.
        #       type: boolean
        #       default: false
        package portcullis.ingress_rules_required

        deny contains message if {
        	input.request.kind.kind == "NetworkPolicy"
        	lacks_ingress
        	not spec_unchanged
        	message := sprintf(
        		concat(" ", [
        			"Ingress rules required for all Network Policies: %s/%s has none.",
        			"List who may connect under spec.ingress (`ingress: [{}]` admits everyone, `ingress: []` counts as no rule).",
        			"The cluster's owner can set the parameter allowDefaultDeny to admit policies with an empty podSelector",
        			"that isolate a namespace, and allowEgressOnly for policies whose policyTypes is Egress alone.",
        		]),
        		[namespace, name],
        	)
        }

        warn contains message if {
        	input.request.kind.kind == "NetworkPolicy"
        	lacks_ingress
        	spec_unchanged
        	not input.request.object.metadata.deletionTimestamp
        	not input.request.subResource
        	message := sprintf("%s/%s has no ingress rules; admitted only because its spec is unchanged", [namespace, name])
        }

        lacks_ingress if {
        	input.request.operation in {"CREATE", "UPDATE"}
        	not has_ingress_rules
        	not other_group
        	not default_deny
        	not egress_only
        }

        has_ingress_rules if input.request.object.spec.ingress[0]

        # Other APIs have kinds of this name, whose rules mean other things.
        other_group if {
        	group := input.request.kind.group
        	not group in {"networking.k8s.io", "extensions"}
        }

        default_deny if {
        	data.parameters.ingress_rules_required.allowDefaultDeny == true
        	selects_all_pods
        	isolates_ingress
        }

        selects_all_pods if not input.request.object.spec.podSelector

        selects_all_pods if {
        	selector := input.request.object.spec.podSelector
        	count(object.get(selector, "matchLabels", {})) == 0
        	count(object.get(selector, "matchExpressions", [])) == 0
        }

        # Kubernetes API reference, NetworkPolicySpec: without policyTypes a policy always isolates ingress.
        isolates_ingress if not input.request.object.spec.policyTypes

        isolates_ingress if "Ingress" in input.request.object.spec.policyTypes

        egress_only if {
        	data.parameters.ingress_rules_required.allowEgressOnly == true
        	{type | some type in input.request.object.spec.policyTypes} == {"Egress"}
        }

        # What is there already is not refused again: finalizers, labels and annotations can change.
        spec_unchanged if {
        	input.request.operation == "UPDATE"
        	input.request.object.spec == input.request.oldObject.spec
        }

        default namespace := ""

        namespace := input.request.namespace

        name := input.request.name if input.request.name != ""

        else := input.request.object.metadata.name if input.request.object.metadata.name != ""

        else := concat("", [input.request.object.metadata.generateName, "*"]) if {
        	input.request.object.metadata.generateName != ""
        }

        else := "(unnamed)"

        """##),
    PolicySource(
      path: "builtin:workload_policy_required.rego", isBuiltin: true,
      text: ##"""
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

        """##),
  ]

  /// Those that are off until they are switched on.
  public static let optional: [PolicySource] = [
    PolicySource(
      path: "builtin:protected_workloads.rego", isBuiltin: true,
      text: ##"""
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

        """##),
    PolicySource(
      path: "builtin:no_new_internet_exposure.rego", isBuiltin: true,
      text: ##"""
        # METADATA
        # title: No new exposure to the internet
        # description: |-
        #   Refuses every change of a policy, a namespace or a workload that would let addresses of the internet connect to a workload
        #   which they could not connect to before. Workloads that face the internet are listed.
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
        #     privateBlocks:
        #       description: Addresses that are not the internet's.
        #       type: array
        #       items:
        #         type: string
        #       default:
        #         - 10.0.0.0/8
        #         - 100.64.0.0/10
        #         - 127.0.0.0/8
        #         - 169.254.0.0/16
        #         - 172.16.0.0/12
        #         - 192.168.0.0/16
        #         - "::1/128"
        #         - fc00::/7
        #         - fe80::/10
        #     exposed:
        #       description: |-
        #         Workloads that may face the internet: maps with namespaces (a list of names), namespaceSelector and podSelector, each of
        #         which must hold where it is given.
        #       type: array
        #       items:
        #         type: object
        #       default: []
        #     exemptNamespaces:
        #       description: Namespaces that the rule leaves alone.
        #       type: array
        #       items:
        #         type: string
        #       default: [kube-system, kube-public, kube-node-lease, portcullis]
        package portcullis.no_new_internet_exposure

        deny contains message if {
        	not status_alone
        	some connection in netpol.changes(input.request).added
        	connection.source.type != "workload"
        	connection.destination.type == "workload"
        	internet(connection.source)
        	not connection.destination.namespace in data.parameters.no_new_internet_exposure.exemptNamespaces
        	not exposed(connection.destination)
        	not going(connection.destination)
        	message := sprintf(
        		"%s %s would expose %s to the internet: %s => %s : %s, through %s",
        		[
        			verb, subject, connection.destination.text, connection.source.text, connection.destination.text,
        			connection.portsText, connection.through,
        		],
        	)
        }

        # Kubelets report addresses and phases; only labels of what they report on decide anything here.
        status_alone if {
        	input.request.subResource == "status"
        	object.get(input.request.object.metadata, "labels", {}) == object.get(input.request.oldObject.metadata, "labels", {})
        }

        internet(source) if {
        	some cidr in source.cidrs
        	not private(cidr)
        }

        internet(source) if source.type == "ingress-controller"

        private(cidr) if {
        	some block in data.parameters.no_new_internet_exposure.privateBlocks
        	net.cidr_contains(block, cidr)
        }

        # Labels from before the request must match as well: nobody becomes exempt by the request that opens the path.
        exposed(workload) if {
        	some wanted in data.parameters.no_new_internet_exposure.exposed
        	count({"namespaces", "namespaceSelector", "podSelector"} & object.keys(wanted)) > 0
        	in_namespaces(workload, wanted)
        	matched(object.get(wanted, "namespaceSelector", {}), workload.namespaceLabels)
        	matched(object.get(wanted, "podSelector", {}), workload.labels)
        }

        matched(selector, list) if {
        	every labels in list {
        		k8s.selector_matches(selector, labels)
        	}
        }

        in_namespaces(_, wanted) if not wanted.namespaces

        in_namespaces(workload, wanted) if workload.namespace in wanted.namespaces

        # Whoever may delete a namespace may delete all that is in it.
        going(workload) if data.inventory.cluster.v1.Namespace[workload.namespace].metadata.deletionTimestamp

        going(workload) if data.inventory.cluster.v1.Namespace[workload.namespace].status.phase == "Terminating"

        verb := {"CREATE": "creating", "UPDATE": "changing", "DELETE": "deleting"}[input.request.operation]

        subject := sprintf("%s %s", [input.request.kind.kind, input.request.name]) if input.request.name != ""

        else := input.request.kind.kind

        """##),
    PolicySource(
      path: "builtin:keep_coverage.rego", isBuiltin: true,
      text: ##"""
        # METADATA
        # title: Policies keep what they cover
        # description: |-
        #   Refuses to delete or edit a policy where that would leave a running workload without one that isolates it. A namespace that
        #   is being deleted may lose its policies. The garbage collector takes a policy with its owner and is not held up, so that a
        #   policy with an ownerReference gets a warning.
        # custom:
        #   enforcement: deny
        #   severity: high
        #   onError: deny
        #   inventory: required
        #   match:
        #     kinds: [NetworkPolicy, CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, GlobalNetworkPolicy]
        #     operations: [CREATE, UPDATE, DELETE]
        #   parameters:
        #     isolate:
        #       description: The directions in which workloads must stay isolated.
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
        #     collectors:
        #       description: The users as whom the controllers act that delete what is left of owners and of namespaces.
        #       type: array
        #       items:
        #         type: string
        #       default:
        #         - system:serviceaccount:kube-system:generic-garbage-collector
        #         - system:serviceaccount:kube-system:namespace-controller
        #         - system:kube-controller-manager
        package portcullis.keep_coverage

        deny contains message if {
        	input.request.operation in {"UPDATE", "DELETE"}
        	not by_collector
        	some bare in netpol.uncovered(input.request)
        	bare.direction in data.parameters.keep_coverage.isolate
        	not bare.workload.namespace in data.parameters.keep_coverage.exemptNamespaces
        	not going(bare.workload.namespace)
        	message := sprintf(
        		"%s %s %s would leave %s without a policy for %s: only %s isolates it. Have another policy select it first.",
        		[
        			verb, input.request.kind.kind, name, bare.workload.text, lower(bare.direction),
        			concat(", ", bare.policies),
        		],
        	)
        }

        warn contains message if {
        	input.request.operation in {"CREATE", "UPDATE"}
        	some owner in input.request.object.metadata.ownerReferences
        	message := sprintf(
        		"%s %s goes with its owner, %s %s, whatever it covers then: nobody is asked before the garbage collector takes it",
        		[input.request.kind.kind, name, owner.kind, owner.name],
        	)
        }

        by_collector if {
        	input.request.operation == "DELETE"
        	input.request.userInfo.username in data.parameters.keep_coverage.collectors
        }

        going(namespace) if data.inventory.cluster.v1.Namespace[namespace].metadata.deletionTimestamp

        going(namespace) if data.inventory.cluster.v1.Namespace[namespace].status.phase == "Terminating"

        verb := {"UPDATE": "changing", "DELETE": "deleting"}[input.request.operation]

        name := input.request.name if input.request.name != ""

        else := input.request.oldObject.metadata.name if input.request.oldObject.metadata.name != ""

        else := "(unnamed)"

        """##),
    PolicySource(
      path: "builtin:no_effectless_policy.rego", isBuiltin: true,
      text: ##"""
        # METADATA
        # title: Policies have an effect
        # description: |-
        #   Warns of policies that do nothing, or not what they seem to do: they select no pods, allow everything, repeat another one, or
        #   name a namespace or a port that is not there.
        # custom:
        #   enforcement: warn
        #   severity: low
        #   onError: allow
        #   inventory: required
        #   match:
        #     kinds: [NetworkPolicy, AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy]
        #     operations: [CREATE, UPDATE]
        #   parameters:
        #     exemptNamespaces:
        #       description: Namespaces that the rule leaves alone.
        #       type: array
        #       items:
        #         type: string
        #       default: [kube-system, kube-public, kube-node-lease, portcullis]
        package portcullis.no_effectless_policy

        deny contains message if {
        	input.request.operation in {"CREATE", "UPDATE"}
        	not exempt
        	not leaving
        	some sentence in netpol.lint(input.request)
        	message := sprintf("%s %s: %s", [input.request.kind.kind, name, sentence])
        }

        exempt if input.request.namespace in data.parameters.no_effectless_policy.exemptNamespaces

        leaving if input.request.object.metadata.deletionTimestamp

        name := input.request.name if input.request.name != ""

        else := input.request.object.metadata.generateName

        """##),
  ]
}
