"""Shapes of requests: dry runs, generated names, collections."""
from endtoend.objects import deployment, pod, policy, policy_without_ingress
from endtoend.registry import scenario

from .rules import INGRESS_RULE, WEB, WORKLOAD_RULE


@scenario("A dry run is judged like any other request, and changes nothing")
def dry_runs(cluster):
    namespace = cluster.namespace()
    options = ["--dry-run=server"]
    cluster.kubectl.create(policy_without_ingress("closed", namespace), options=options).is_refused(INGRESS_RULE)
    cluster.kubectl.create(policy("web", namespace, WEB), options=options).succeeds("created (server dry run)")
    assert not cluster.kubectl.get("networkpolicies", "--namespace", namespace)["items"]
    # The policy of the dry run is none.
    cluster.kubectl.create(deployment("web", namespace, WEB), options=options).is_refused(WORKLOAD_RULE)


@scenario("An object with generateName is judged, and the refusal names it")
def generated_names(cluster):
    namespace = cluster.namespace()
    generated = pod(None, namespace, WEB, generateName="web-")
    del generated["metadata"]["name"]
    cluster.kubectl.create(generated).is_refused(f"Pod {namespace}/web-", WORKLOAD_RULE)
    cluster.kubectl.create(policy("web", namespace, WEB), generated).succeeds("pod/web-")


@scenario("deletecollection of policies and workloads goes through")
def collections(cluster):
    namespace = cluster.namespace()
    cluster.kubectl.create(policy("web", namespace, WEB), deployment("web", namespace, WEB)).succeeds()
    cluster.await_pods(namespace, 1)
    cluster.api.delete(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies")
    cluster.api.delete(f"/apis/apps/v1/namespaces/{namespace}/deployments")
    assert not cluster.kubectl.get("networkpolicies", "--namespace", namespace)["items"]
    cluster.await_pods(namespace, 0)


@scenario("kubectl diff and server-side apply are judged")
def server_side_apply(cluster):
    namespace = cluster.namespace()
    options = ["--server-side"]
    cluster.kubectl.apply(policy_without_ingress("closed", namespace), options=options).is_refused(INGRESS_RULE)
    cluster.kubectl.apply(policy("web", namespace, WEB), options=options).succeeds("serverside-applied")
    cluster.kubectl.apply(policy("web", namespace, WEB, ingress=[]), verb="diff").is_refused(INGRESS_RULE, status=2)
