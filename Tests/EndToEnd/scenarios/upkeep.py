"""What docs/operations.md tells people to do."""
import json

from endtoend.cluster import NAMESPACE
from endtoend.failure import Failure
from endtoend.objects import policy_without_ingress
from endtoend.processes import eventually
from endtoend.registry import scenario
from endtoend.stream import Stream

from .rules import INGRESS_RULE


@scenario("A configuration that cannot be used changes nothing, and a new replica with it does not take an old one's place", seconds=240)
def survives_configurations(cluster):
    namespace = cluster.namespace()
    saved = cluster.kubectl.get("configmap", "portcullis", "--namespace", NAMESPACE)["data"]

    def write(data):
        cluster.kubectl("patch", "configmap", "portcullis", "--namespace", NAMESPACE, "--patch", json.dumps({"data": data})).succeeds()
    before = {pod.name for pod in cluster.node.ready_pods()}
    with Stream(cluster, namespace, clients=1) as stream:
        try:
            write({"config.yaml": "polices: {}\n"})
            eventually("every replica says what is wrong", lambda: all("polices" in text for text in cluster.status().values()))
            cluster.kubectl("rollout", "restart", "deployment/portcullis", "--namespace", NAMESPACE).succeeds()
            cluster.kubectl("rollout", "status", "deployment/portcullis", "--namespace", NAMESPACE, "--timeout=10s").is_refused("timed out")
            assert before == {pod.name for pod in cluster.node.ready_pods()}, "an old replica went for a new one that is not ready"
        finally:
            write(saved)
        cluster.kubectl("rollout", "status", "deployment/portcullis", "--namespace", NAMESPACE, "--timeout=90s", seconds=100).succeeds()
        cluster.await_replicas(2)
    stream.check(50)


@scenario("An upgrade and its rollback go as documented, and no request fails", seconds=240)
def upgrades(cluster):
    namespace = cluster.namespace()
    with Stream(cluster, namespace, clients=1) as stream:
        for command in cluster.documented("Upgrading and rolling back"):
            cluster.kubectl(*command, seconds=100).succeeds()
        cluster.kubectl("rollout", "status", "deployment/portcullis", "--namespace", NAMESPACE, "--timeout=90s", seconds=100).succeeds()
        cluster.await_replicas(2)
    stream.check(50)
    for command in cluster.documented("When it blocks"):
        # There is no kubelet that would hand out logs.
        if "logs" not in command:
            cluster.kubectl(*command).succeeds("portcullis")


@scenario("It is removed as documented: nothing of it is left, and nobody is kept from working meanwhile", seconds=180)
def is_removed(cluster):
    namespace = cluster.namespace()
    cluster.kubectl.create(policy_without_ingress("closed", namespace)).is_refused(INGRESS_RULE)
    unregister, remove = cluster.documented("Removing it")
    if remove[:2] != ["delete", "-k"]:
        raise Failure(f"it is removed with {remove}")
    cluster.kubectl(*unregister).succeeds()
    eventually("nothing is refused any more", lambda: cluster.kubectl.create(policy_without_ingress("closed", namespace)).status == 0)
    # With the overlay that 1.20 needs, in which the webhook configuration is gone already.
    cluster.kubectl("delete", "--kustomize", cluster.manifests / "overlays/e2e", "--ignore-not-found", seconds=120).succeeds()
    cluster.await_gone("namespace", NAMESPACE)
    for kind in ("clusterroles", "clusterrolebindings", "validatingwebhookconfigurations"):
        assert NAMESPACE not in cluster.kubectl("get", kind, "--output", "name").output.split("/"), f"{kind} are left"
