# METADATA
# title: Namespaces carry given labels
# description: |-
#   Refuses namespaces without the labels that the parameters ask for: policies select namespaces by label, so a label that
#   is missing shuts the namespace out, or in. An update that changes no labels passes with a warning.
# custom:
#   enforcement: deny
#   severity: medium
#   match:
#     kinds: [Namespace]
#     operations: [CREATE, UPDATE]
#   parameters:
#     labels:
#       description: The labels that every namespace must carry, each with the values it may have (none listed is any).
#       type: object
#       additionalProperties:
#         type: array
#         items:
#           type: string
#       default:
#         environment: []
#     exemptNamespaces:
#       description: Namespaces that the rule leaves alone.
#       type: array
#       items:
#         type: string
#       default: [default, kube-system, kube-public, kube-node-lease, portcullis]
package portcullis.namespace_labels_required

deny contains message if {
	some message in problems
	not labels_unchanged
}

warn contains message if {
	some problem in problems
	labels_unchanged
	not terminating
	message := sprintf("%s Admitted: its labels are unchanged.", [problem])
}

problems contains message if {
	input.request.kind.kind == "Namespace"
	input.request.operation in {"CREATE", "UPDATE"}
	not exempt
	some label, values in data.parameters.namespace_labels_required.labels
	not carries(label, values)
	message := sprintf("namespaces must carry the label %s with %s.", [label, one_of(values)])
}

# A rule of its own: a request without a name would leave its negation undefined, not true.
exempt if input.request.name in data.parameters.namespace_labels_required.exemptNamespaces

carries(label, values) if {
	input.request.object.metadata.labels[label]
	count(values) == 0
}

carries(label, values) if input.request.object.metadata.labels[label] in values

one_of(values) := "a value of your choice" if count(values) == 0

one_of(values) := sprintf("one of the values %s", [concat(", ", values)]) if count(values) > 0

labels_unchanged if {
	input.request.operation == "UPDATE"
	labels == old_labels
}

default labels := {}

labels := input.request.object.metadata.labels

default old_labels := {}

old_labels := input.request.oldObject.metadata.labels

terminating if input.request.object.metadata.deletionTimestamp

terminating if input.request.object.status.phase == "Terminating"
