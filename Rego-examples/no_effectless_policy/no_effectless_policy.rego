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
