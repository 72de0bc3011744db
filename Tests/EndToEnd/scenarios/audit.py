"""What exists is judged: by one replica, and by whoever looks from a laptop."""
import json

from endtoend.processes import eventually, run
from endtoend.registry import scenario

from .controllers import unguarded

POLICY_REPORTS = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "policyreports.wgpolicyk8s.io"},
    "spec": {
        "group": "wgpolicyk8s.io", "scope": "Namespaced",
        "names": {"kind": "PolicyReport", "listKind": "PolicyReportList", "plural": "policyreports", "singular": "policyreport"},
        "versions": [{"name": "v1alpha2", "served": True, "storage": True, "schema": {
            "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}
RULE = "workload_policy_required"


def audit(cluster, status):
    """What `portcullis audit` finds, which must end with this status."""
    return json.loads(run([
        cluster.node.binary, "audit", "--kubeconfig", cluster.plane.admin, "--format", "json"], status=status).split("\n}\n")[0] + "\n}")


def findings(report, namespace):
    return [(finding["object"]["kind"], finding["policy"]) for finding in report["findings"] if finding["object"].get("namespace") == namespace]


@scenario("Audit finds a workload that lost its policy, once with its pods: on a laptop, in an Event, a metric and a PolicyReport", seconds=360)
def finds(cluster):
    namespace = unguarded(cluster)
    cluster.kubectl.apply(POLICY_REPORTS).succeeds()
    try:
        report = audit(cluster, status=1)
        assert findings(report, namespace) == [("Deployment", RULE)], report["findings"]
        coverage = next(one for one in report["coverage"] if one["namespace"] == namespace)
        assert (coverage["workloads"], coverage["ingress"]) == (1, 0), coverage
        # The replica that held the Lease may have been killed before: another takes it after a minute.
        eventually("an Event tells", lambda: any(
            event["reason"] == "PolicyViolation" and event["involvedObject"]["name"] == "web"
            for event in cluster.kubectl.get("events", "--namespace", namespace)["items"]), 150)
        eventually("one replica has the metric", lambda: [
            f'portcullis_audit_violations{{policy="{RULE}",namespace="{namespace}",effect="deny"}} 1' in pod.ask("/metrics")[1]
            for pod in cluster.node.ready_pods()].count(True) == 1, 60)
        summary = eventually("there is a PolicyReport", lambda: cluster.kubectl.get(
            "policyreports", "portcullis", "--namespace", namespace), 60)["summary"]
        assert summary["fail"] == 1, summary
    finally:
        cluster.kubectl("delete", "namespace", namespace, "--wait=false").succeeds()
        cluster.kubectl("delete", "customresourcedefinition", "policyreports.wgpolicyk8s.io").succeeds()
    eventually("the metric is gone", lambda: not any(
        f'namespace="{namespace}"' in pod.ask("/metrics")[1] for pod in cluster.node.ready_pods()), 90)
