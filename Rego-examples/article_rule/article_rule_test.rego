package kubernetes.admission_test

import data.kubernetes.admission

review(kind, spec) := {"request": {"kind": {"kind": kind}, "object": {"spec": spec}}}

test_network_policy_without_ingress_is_denied if {
	admission.deny == {"Ingress rules required for all Network Policies"} with input as review("NetworkPolicy", {})
}

# What the API server never sends, since it drops empty lists: the rule lets it pass.
test_empty_ingress_passes if count(admission.deny) == 0 with input as review("NetworkPolicy", {"ingress": []})

test_network_policy_with_ingress_is_admitted if {
	count(admission.deny) == 0 with input as review("NetworkPolicy", {"ingress": [{}]})
}

test_other_kinds_are_admitted if count(admission.deny) == 0 with input as review("Service", {})
