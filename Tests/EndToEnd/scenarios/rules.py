"""The two rules, as people meet them."""
from endtoend.objects import deployment, policy, policy_without_ingress, workload
from endtoend.registry import scenario

WEB = {"app": "web"}
INGRESS_RULE = "ingress_rules_required: Ingress rules required for all Network Policies"
WORKLOAD_RULE = "no NetworkPolicy isolates the ingress of its pods (labels app=web)"


@scenario("A policy without ingress rules is refused with the rule's message")
def refuses_policies_without_ingress(cluster):
    namespace = cluster.namespace()
    answer = cluster.kubectl.create(policy_without_ingress("closed", namespace))
    answer.is_refused("Error from server (Forbidden)", "denied the request", f"{INGRESS_RULE}: {namespace}/closed has none.")
    answer = cluster.kubectl.create(policy("empty-list", namespace, ingress=[]))
    answer.is_refused(f"{INGRESS_RULE}: {namespace}/empty-list has none.")
    cluster.kubectl.create(policy("open", namespace)).succeeds("networkpolicy.networking.k8s.io/open created")
    patch = '{"spec": {"ingress": null, "policyTypes": ["Ingress"]}}'
    cluster.kubectl("patch", "networkpolicy", "open", "--namespace", namespace, "--patch", patch).is_refused(INGRESS_RULE)
    cluster.kubectl("delete", "networkpolicy", "open", "--namespace", namespace).succeeds()


@scenario("A workload is refused, then accepted after its policy, and its pods exist")
def accepts_workloads_with_their_policy(cluster):
    namespace = cluster.namespace()
    web = deployment("web", namespace, WEB, replicas=3)
    cluster.kubectl.apply(web).is_refused("(Forbidden)", f"Deployment {namespace}/web: {WORKLOAD_RULE}", "Create one first, such as: kubectl apply -f -")
    cluster.kubectl.apply(policy("web", namespace, WEB), web).succeeds("deployment.apps/web created")
    for pod in cluster.await_pods(namespace, 3):
        owner = pod["metadata"]["ownerReferences"][0]
        assert owner["kind"] == "ReplicaSet" and owner["controller"], owner


@scenario("Every kind of workload is judged, and the real controllers create its pods")
def judges_every_kind(cluster):
    namespace = cluster.namespace()
    kinds = ["StatefulSet", "ReplicaSet", "Job"]
    for kind in [*kinds, "DaemonSet"]:
        answer = cluster.kubectl.create(workload(kind, kind.lower(), namespace, WEB))
        # A Job's pods have labels that the API server makes up besides.
        answer.is_refused(f"{kind} {namespace}/{kind.lower()}: {WORKLOAD_RULE.removesuffix(')')}")
    cluster.kubectl.create(policy("web", namespace, WEB)).succeeds()
    for kind in kinds:
        cluster.kubectl.create(workload(kind, kind.lower(), namespace, WEB)).succeeds()
    cluster.await_pods(namespace, len(kinds))


@scenario("The policy that a refusal suggests is enough")
def suggests_what_is_enough(cluster):
    namespace = cluster.namespace()
    web = deployment("web", namespace, WEB)
    answer = cluster.kubectl.create(web).is_refused("kubectl apply -f - <<< '{")
    suggestion = answer.errors.split("<<< '")[1].split("'")[0]
    cluster.kubectl("apply", "--filename", "-", text=suggestion).succeeds("networkpolicy.networking.k8s.io/")
    cluster.kubectl.create(web).succeeds("deployment.apps/web created")


@scenario("500 objects are applied, and the count of refusals is exact", seconds=300)
def counts_refusals(cluster):
    namespace = cluster.namespace()
    objects = [
        policy_without_ingress(f"p{number}", namespace) if number % 5 == 0 else policy(f"p{number}", namespace, {"app": f"a{number}"})
        for number in range(500)]
    answer = cluster.kubectl.create(*objects, seconds=240).is_refused()
    refused = answer.errors.count(f"{INGRESS_RULE}: {namespace}/")
    created = answer.output.count("created")
    assert (refused, created) == (100, 400), f"{refused} refused and {created} created:\n{answer}"
    assert len(cluster.kubectl.get("networkpolicies", "--namespace", namespace)["items"]) == 400
