"""What clusters do to their webhooks. Each scenario leaves two ready replicas behind."""
import signal
import time

from endtoend.failure import Failure, Skipped
from endtoend.objects import deployment, policy, policy_without_ingress, workload
from endtoend.processes import eventually
from endtoend.registry import scenario
from endtoend.stream import Stream

from .rules import INGRESS_RULE, WEB


def drain(cluster, pod):
    """SIGTERM, and the endpoint goes five seconds later, as it can in a cluster. Returns how the program ended."""
    pod.is_left_alone = True
    with cluster.node.lock:
        pod.program.signal(signal.SIGTERM)
    time.sleep(5)
    pod.is_ready = False
    pod.publish()
    status = pod.program.wait(30)
    if status != 0:
        raise Failure(f"the drained replica ended with {status}:\n{pod.program.last_words()}")


@scenario("A replica is drained, its endpoint goes 5 s later, and no request fails")
def drains(cluster):
    namespace = cluster.namespace()
    with Stream(cluster, namespace) as stream:
        time.sleep(1)
        pod = cluster.node.ready_pods()[0]
        drain(cluster, pod)
        time.sleep(2)
        pod.is_left_alone = False
        cluster.await_replicas(2)
        time.sleep(1)
    stream.check(100)


@scenario("The previous commit's program serves beside this one, and no request fails")
def runs_beside_previous(cluster):
    if cluster.previous is None:
        raise Skipped("there is no earlier program; --previous FILE names one")
    namespace = cluster.namespace()
    pod = cluster.node.ready_pods()[0]
    with Stream(cluster, namespace) as stream:
        for binary in (cluster.previous, cluster.node.binary):
            drain(cluster, pod)
            pod.binary, pod.is_left_alone = binary, False
            cluster.await_replicas(2)
            time.sleep(2)
    stream.check(100)


@scenario("A rolling update replaces every replica, and no request fails", seconds=180)
def rolls(cluster):
    namespace = cluster.namespace()
    before = set(cluster.node.pods)
    with Stream(cluster, namespace) as stream:
        cluster.kubectl("rollout", "restart", "deployment/portcullis", "--namespace", "portcullis").succeeds()
        cluster.kubectl("rollout", "status", "deployment/portcullis", "--namespace", "portcullis", "--timeout=150s", seconds=160).succeeds()
        eventually("the old replicas are gone", lambda: not before & set(cluster.node.pods), 60)
        cluster.await_replicas(2)
    stream.check(100)


@scenario("A replica that is killed comes back, and the other decides meanwhile")
def comes_back(cluster):
    namespace = cluster.namespace()
    pod = cluster.node.ready_pods()[0]
    restarts = pod.restarts
    pod.program.signal(signal.SIGKILL)
    eventually("its program is started again", lambda: pod.restarts > restarts)
    cluster.await_replicas(2)
    for _ in range(10):
        cluster.kubectl.create(policy_without_ingress("closed", namespace)).is_refused(INGRESS_RULE)


@scenario("The API server is restarted while the webhook runs")
def survives_api_server(cluster):
    namespace = cluster.namespace()
    starts = {pod.name: pod.restarts for pod in cluster.node.pods.values()}
    cluster.plane.stop_api_server()
    time.sleep(3)
    cluster.plane.start_api_server()
    cluster.await_replicas(2)
    assert starts == {pod.name: pod.restarts for pod in cluster.node.pods.values()}, "a replica ended with the API server"
    cluster.kubectl.create(policy_without_ingress("closed", namespace)).is_refused(INGRESS_RULE)
    cluster.kubectl.create(policy("web", namespace, WEB), deployment("web", namespace, WEB)).succeeds()
    cluster.await_pods(namespace, 1)


@scenario("With every replica down, what keeps the cluster going goes through, and the break-glass command opens the rest", seconds=180)
def breaks_glass(cluster):
    namespace = cluster.namespace()
    *breaking, undoing = cluster.documented("Breaking the glass")
    cluster.kubectl("scale", "deployment/portcullis", "--namespace", "portcullis", "--replicas=0").succeeds()
    eventually("every replica is gone", lambda: not cluster.node.pods and not cluster.kubectl.get(
        "pods", "--namespace", "portcullis")["items"], 60)
    try:
        cluster.kubectl.create(policy("web", namespace, WEB)).is_refused("failed calling webhook")
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "node-a", "namespace": "kube-node-lease"},
                 "spec": {"holderIdentity": "node-a"}}
        cluster.kubectl.apply(lease).succeeds()
        dns = deployment("coredns", "kube-system", {"k8s-app": "kube-dns"})
        cluster.kubectl.apply(dns, policy("dns", "kube-system", {"k8s-app": "kube-dns"})).succeeds("deployment.apps/coredns created")
        cluster.await_pods("kube-system", 1, "k8s-app=kube-dns")
        cni = workload("DaemonSet", "cni", "kube-system", {"k8s-app": "cni"})
        cni["spec"]["template"]["spec"]["hostNetwork"] = True
        cluster.kubectl.apply(cni).succeeds("daemonset.apps/cni created")
        cluster.await_pods("kube-system", 1, "k8s-app=cni")
        for command in breaking:
            cluster.kubectl(*command).succeeds()
        eventually("changes pass", lambda: cluster.kubectl.create(policy("web", namespace, WEB)).status == 0)
    finally:
        # As documented, with the overlay that 1.20 needs.
        if undoing[:2] != ["apply", "-k"]:
            raise Failure(f"the glass is mended with {undoing}")
        cluster.apply()
        cluster.kubectl("scale", "deployment/portcullis", "--namespace", "portcullis", "--replicas=2").succeeds()
        cluster.await_replicas(2)
    eventually("the webhooks are in use", cluster.is_in_use, 60)
    eventually("policies are refused again", lambda: cluster.kubectl.create(
        policy_without_ingress("closed", namespace)).status == 1)
