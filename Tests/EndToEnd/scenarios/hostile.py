"""Objects that mean harm, or that nobody thought of."""
import base64
import urllib.error

from endtoend.cluster import NAMESPACE
from endtoend.failure import Failure
from endtoend.objects import config_map, deployment, policy, policy_without_ingress
from endtoend.processes import eventually
from endtoend.registry import scenario

from .cluster_policies import LABEL
from .rules import INGRESS_RULE, WEB, WORKLOAD_RULE


def check_decisions(cluster, namespace):
    """Whatever was written, the rules go on."""
    cluster.await_replicas(2)
    cluster.kubectl.create(policy_without_ingress("closed", namespace)).is_refused(INGRESS_RULE)
    assert all("portcullis" in pod.name and pod.program.check_running() for pod in cluster.node.ready_pods())


def post(cluster, path, manifest, wanted):
    """Checks the status code of what is answered to a request that may well be refused."""
    try:
        cluster.api.post(path, manifest)
        code, text = 201, ""
    except urllib.error.HTTPError as error:
        code, text = error.code, error.read().decode()[:1000]
    if code not in wanted:
        raise Failure(f"{str(manifest)[:300]} was answered with {code} {text}")


@scenario("A policy ConfigMap that holds no text, or far too much of it, harms nothing")
def strange_config_maps(cluster):
    namespace = cluster.namespace()
    restarts = {pod.name: pod.restarts for pod in cluster.node.pods.values()}
    garbage = config_map("garbage", NAMESPACE, {}, LABEL)
    garbage["binaryData"] = {"policy.rego": base64.b64encode(bytes(range(128, 256)) * 100).decode()}
    nested = config_map("nested", NAMESPACE, {"policy.rego": "package a\n\ndeny contains " + "[" * 200_000}, LABEL)
    long = config_map("long", NAMESPACE, {"policy.rego": "package a\n" + "# nothing\n" * 90_000}, LABEL)
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
    try:
        post(cluster, path, garbage, (201, 403))
        post(cluster, path, nested, (403,))
        post(cluster, path, long, (201, 403))
        check_decisions(cluster, namespace)
    finally:
        cluster.kubectl("delete", "configmap", "garbage", "nested", "long", "--namespace", NAMESPACE, "--ignore-not-found").succeeds()
    assert restarts == {pod.name: pod.restarts for pod in cluster.node.pods.values()}, "a replica ended"


@scenario("Thousands of labels on a namespace, a policy and a workload are judged in time")
def many_labels(cluster):
    labels = {f"label-{number}": f"value-{number}" for number in range(2_000)}
    namespace = cluster.namespace(labels)
    wide = deployment("web", namespace, {**labels, **WEB})
    deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    post(cluster, deployments, wide, (403,))
    post(cluster, f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies", policy("wide", namespace, labels), (201,))
    post(cluster, deployments, wide, (201,))
    cluster.kubectl.create(deployment("narrow", namespace, WEB)).is_refused(WORKLOAD_RULE)
    check_decisions(cluster, namespace)


@scenario("Objects without what every object has, and names full of signs, are refused by the API server or judged")
def odd_objects(cluster):
    namespace = cluster.namespace()
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    for manifest in ({**kind}, {**kind, "metadata": {}}, {**kind, "metadata": {"name": "a\u0000b"}, "spec": {}},
                     {**kind, "metadata": {"name": "no-spec"}}):
        post(cluster, path, manifest, (400, 403, 422))
    eventually("the replicas are ready", lambda: len(cluster.node.ready_pods()) == 2)
    check_decisions(cluster, namespace)
