"""A workload that lost its policy can be run as before, and cannot be made worse."""
import json
import urllib.error

from endtoend.failure import Failure
from endtoend.objects import pod, policy
from endtoend.processes import eventually
from endtoend.registry import scenario

from .controllers import unguarded
from .rules import WEB

UNCHANGED = "admitted only because its pod labels are unchanged"


@scenario("A workload that lost its policy can be scaled")
def scales(cluster):
    namespace = unguarded(cluster)
    cluster.kubectl("scale", "deployment/web", "--namespace", namespace, "--replicas=4").succeeds("scaled")
    cluster.await_pods(namespace, 4)
    cluster.kubectl("scale", "deployment/web", "--namespace", namespace, "--replicas=0").succeeds()
    cluster.await_pods(namespace, 0)


@scenario("A workload that lost its policy can be restarted: a new ReplicaSet and its pods come, and a warning is shown")
def restarts(cluster):
    namespace = unguarded(cluster)
    cluster.kubectl("rollout", "restart", "deployment/web", "--namespace", namespace).succeeds("Warning: ", UNCHANGED)
    eventually("a second ReplicaSet has pods", lambda: sum(
        1 for one in cluster.kubectl.get("replicasets", "--namespace", namespace)["items"] if one["status"]["replicas"]) == 2)


@scenario("A workload that lost its policy cannot get other labels")
def relabelling_is_judged(cluster):
    namespace = unguarded(cluster)
    patch = json.dumps({"spec": {"template": {"metadata": {"labels": {"tier": "front"}}}}})
    answer = cluster.kubectl("patch", "deployment", "web", "--namespace", namespace, "--patch", patch)
    answer.is_refused("(Forbidden)", "no NetworkPolicy isolates the ingress of its pods (labels app=web,tier=front)")
    cluster.kubectl.create(policy("front", namespace, {"tier": "front"})).succeeds()
    cluster.kubectl("patch", "deployment", "web", "--namespace", namespace, "--patch", patch).succeeds("patched")


@scenario("Labels that are changed through a pod's status are judged")
def status_labels_are_judged(cluster):
    namespace = cluster.namespace()
    cluster.kubectl.create(policy("web", namespace, WEB), pod("web", namespace, WEB)).succeeds()
    path = f"/api/v1/namespaces/{namespace}/pods/web/status"
    try:
        cluster.api.merge(path, {"metadata": {"labels": {"app": "other"}}})
    except urllib.error.HTTPError as error:
        message = json.loads(error.read())["message"]
        assert error.code == 403 and "no NetworkPolicy isolates the ingress of its pods (labels app=other)" in message, message
    else:
        raise Failure("the label was changed through the pod's status")
    cluster.api.merge(path, {"status": {"message": "unchanged labels pass"}})


@scenario("A pod on the host's network gets a warning, which kubectl shows")
def warns(cluster):
    namespace = cluster.namespace()
    on_host = pod("host", namespace, WEB)
    on_host["spec"]["hostNetwork"] = True
    cluster.kubectl.create(on_host).succeeds("Warning: ", "uses the host's network")
