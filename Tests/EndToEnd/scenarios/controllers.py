"""What controllers do goes on: Portcullis never stands in the way of clean-up, and nobody passes for a controller."""
import json

from endtoend.objects import deployment, pod, policy, workload
from endtoend.processes import eventually
from endtoend.registry import scenario

from .rules import WEB, WORKLOAD_RULE


def unguarded(cluster):
    """A namespace with a Deployment whose policy went away: what is in it would be refused if it were created today."""
    namespace = cluster.namespace()
    cluster.kubectl.create(policy("web", namespace, WEB), deployment("web", namespace, WEB, replicas=2)).succeeds()
    cluster.await_pods(namespace, 2)
    cluster.kubectl("delete", "networkpolicy", "web", "--namespace", namespace).succeeds()
    return namespace


@scenario("A forged ownerReference is refused")
def refuses_forged_owners(cluster):
    namespace = unguarded(cluster)
    owner = cluster.kubectl.get("replicasets", "--namespace", namespace)["items"][0]["metadata"]
    forged = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner["name"], "uid": owner["uid"], "controller": True}
    answer = cluster.kubectl.create(pod("forged", namespace, WEB, ownerReferences=[forged]))
    answer.is_refused(f"Pod {namespace}/forged: {WORKLOAD_RULE}")


@scenario("A namespace full of objects that would be refused is gone after its deletion")
def namespaces_go(cluster):
    namespace = unguarded(cluster)
    cluster.kubectl("delete", "namespace", namespace, "--wait=false").succeeds()
    cluster.await_gone("namespace", namespace, seconds=90)


@scenario("Garbage collection removes an orphan")
def orphans_go(cluster):
    namespace = unguarded(cluster)
    cluster.kubectl("delete", "deployment", "web", "--namespace", namespace, "--cascade=orphan").succeeds()
    remaining = cluster.kubectl.get("replicasets", "--namespace", namespace)["items"]
    assert len(remaining) == 1, remaining
    name = remaining[0]["metadata"]["name"]
    # An owner that never was: the collector takes the ReplicaSet away, and its pods after it.
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "00000000-0000-4000-8000-000000000000"}
    patch = ["patch", "replicaset", name, "--namespace", namespace, "--type=merge", "--patch",
             json.dumps({"metadata": {"ownerReferences": [owner]}})]
    # A change of owners is judged, and what it was to become has no policy.
    cluster.kubectl(*patch).is_refused(f"ReplicaSet {namespace}/{name}: {WORKLOAD_RULE.removesuffix(')')}")
    cluster.kubectl.create(policy("web", namespace, WEB)).succeeds()
    cluster.kubectl(*patch).succeeds()
    cluster.kubectl("delete", "networkpolicy", "web", "--namespace", namespace).succeeds()
    cluster.await_gone("replicaset", name, "--namespace", namespace)
    cluster.await_pods(namespace, 0)


@scenario("Cascading deletion of a workload that lost its policy takes its pods away")
def cascades_go(cluster):
    namespace = unguarded(cluster)
    cluster.kubectl("delete", "deployment", "web", "--namespace", namespace, "--cascade=foreground", seconds=90).succeeds()
    cluster.await_pods(namespace, 0)


@scenario("A policy that a finalizer holds still counts, and can still be edited")
def held_policies_count(cluster):
    namespace = cluster.namespace()
    held = policy("web", namespace, WEB)
    held["metadata"]["finalizers"] = ["portcullis.dev/test"]
    cluster.kubectl.create(held).succeeds()
    cluster.kubectl("delete", "networkpolicy", "web", "--namespace", namespace, "--wait=false").succeeds()
    cluster.kubectl.create(deployment("web", namespace, WEB)).succeeds()
    cluster.kubectl("annotate", "networkpolicy", "web", "--namespace", namespace, "note=1").succeeds()
    cluster.kubectl("patch", "networkpolicy", "web", "--namespace", namespace, "--type=merge", "--patch",
                    '{"metadata": {"finalizers": null}}').succeeds()
    cluster.await_gone("networkpolicy", "web", "--namespace", namespace)
    eventually("the policy no longer counts", lambda: cluster.kubectl.create(
        workload("StatefulSet", "web", namespace, WEB), options=["--dry-run=server"]).status == 1)
