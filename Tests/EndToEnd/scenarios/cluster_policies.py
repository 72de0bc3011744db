"""Policies that are objects of the cluster: ConfigMaps of Portcullis's namespace, Gatekeeper's templates and constraints."""
import json
import time

from endtoend.cluster import NAMESPACE
from endtoend.objects import config_map, policy
from endtoend.processes import eventually
from endtoend.registry import scenario

from .rules import WEB

LABEL = {"portcullis.dev/policy": "true"}
TEAM_RULE = """
package example.team_required

deny contains message if {
	input.request.kind.kind == "NetworkPolicy"
	not input.request.object.metadata.labels.team
	message := "the label team is missing"
}
"""
BROKEN = "package example.team_required\n\ndeny contains message if { unknown_function(1) }\n"
SAYS = "the label team is missing"


def team_policy(text=TEAM_RULE):
    return config_map("team-required", NAMESPACE, {"policy.rego": text}, LABEL)


def is_judged(cluster, namespace, name="unlabelled"):
    """Whether creating a policy without the label is refused for it."""
    return SAYS in cluster.kubectl.create(policy(name, namespace, WEB), options=["--dry-run=server"]).errors


def remove_team_policy(cluster):
    cluster.kubectl("delete", "configmap", "team-required", "--namespace", NAMESPACE, "--ignore-not-found").succeeds()


def all_replicas(cluster, check):
    return all(check(text) for text in cluster.status().values())


def restart_every_replica(cluster):
    """Kills every program at once: what they say afterwards comes from the cluster's objects alone."""
    for pod in list(cluster.node.pods.values()):
        pod.program.kill()
        pod.is_ready = False
    time.sleep(1)
    cluster.await_replicas(2)


@scenario("A policy ConfigMap is added, refused where it is broken, repaired and taken away")
def config_maps(cluster):
    namespace = cluster.namespace()
    try:
        answer = cluster.kubectl.apply(team_policy(BROKEN))
        answer.is_refused("(Forbidden)", "unknown_function")
        cluster.kubectl.apply(team_policy()).succeeds()
        eventually("every request is judged by the policy", lambda: all(is_judged(cluster, namespace) for _ in range(6)))
        cluster.kubectl.apply(team_policy(BROKEN)).is_refused("unknown_function")
        assert is_judged(cluster, namespace), "a refused change had an effect"
    finally:
        remove_team_policy(cluster)
    eventually("no request is judged by it", lambda: not any(is_judged(cluster, namespace) for _ in range(6)))


@scenario("A policy that was written broken while the webhook was away is quarantined by every replica alike", seconds=180)
def quarantine(cluster):
    namespace = cluster.namespace()
    cluster.kubectl.apply(team_policy()).succeeds()
    eventually("the policy counts", lambda: is_judged(cluster, namespace))
    saved = cluster.kubectl("get", "validatingwebhookconfiguration", "portcullis", "--output", "json").json
    try:
        # As if no replica answered: the entry that looks after policies lets them pass then.
        away = json.loads(json.dumps(saved))
        away["webhooks"] = [hook for hook in away["webhooks"] if not hook["name"].startswith("policies.")]
        away["metadata"] = {"name": "portcullis", "resourceVersion": saved["metadata"]["resourceVersion"]}
        cluster.kubectl("replace", "--filename", "-", text=json.dumps(away)).succeeds()
        cluster.kubectl.apply(team_policy(BROKEN)).succeeds()
        restart_every_replica(cluster)
        eventually("every replica says what is quarantined", lambda: all_replicas(cluster, lambda text: "team-required" in text))
        cluster.kubectl.create(policy("unlabelled", namespace, WEB)).succeeds()
        assert all(cluster.metric(pod, "portcullis_policies_quarantined") == 1 for pod in cluster.node.ready_pods())
        eventually("an Event tells", lambda: any(
            "team-required" == event["involvedObject"].get("name")
            for event in cluster.kubectl.get("events", "--namespace", NAMESPACE)["items"]))
        cluster.kubectl.apply(team_policy()).succeeds()
        eventually("the repaired policy counts", lambda: all(is_judged(cluster, namespace) for _ in range(6)))
    finally:
        saved["metadata"] = {"name": "portcullis"}
        cluster.kubectl("replace", "--filename", "-", text=json.dumps(saved)).succeeds()
        remove_team_policy(cluster)


TEMPLATE = {
    "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate", "metadata": {"name": "requiredlabels"},
    "spec": {
        "crd": {"spec": {"names": {"kind": "RequiredLabels"}, "validation": {"openAPIV3Schema": {
            "type": "object", "properties": {"labels": {"type": "array", "items": {"type": "string"}}}}}}},
        "targets": [{"target": "admission.k8s.gatekeeper.sh", "rego": """
package requiredlabels

violation[{"msg": msg}] {
  required := input.parameters.labels[_]
  not input.review.object.metadata.labels[required]
  msg := sprintf("the label %v is required", [required])
}
"""}]}}


def constraint(labels, action="deny"):
    return {
        "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "RequiredLabels", "metadata": {"name": "policies-have-owner"},
        "spec": {"enforcementAction": action, "parameters": {"labels": labels}, "match": {
            "kinds": [{"apiGroups": ["networking.k8s.io"], "kinds": ["NetworkPolicy"]}]}}}


@scenario("A template of Gatekeeper and its constraint judge, and go", seconds=180)
def templates(cluster):
    namespace = cluster.namespace()
    cluster.kubectl("apply", "--filename", cluster.manifests / "constraint-templates/customresourcedefinition.yaml").succeeds()
    eventually("templates are known", lambda: cluster.kubectl("get", "constrainttemplates").status == 0)
    broken = json.loads(json.dumps(TEMPLATE))
    broken["spec"]["targets"][0]["rego"] = "package requiredlabels\n\nviolation[{\"msg\": msg}] { msg := missing(1) }\n"
    try:
        eventually("a template that does not compile is refused", lambda: "missing" in cluster.kubectl.apply(broken).errors)
        cluster.kubectl.apply(TEMPLATE).succeeds()
        eventually("the constraint's kind is defined", lambda: cluster.kubectl.apply(constraint(["owner"])).status == 0)
        refused = '[policies-have-owner] the label owner is required'
        eventually("the constraint judges", lambda: all(refused in cluster.kubectl.create(
            policy("unlabelled", namespace, WEB), options=["--dry-run=server"]).errors for _ in range(6)))
        cluster.kubectl.apply(constraint(["owner"], "warn")).succeeds()
        eventually("the constraint warns", lambda: (lambda answer: answer.status == 0 and "the label owner is required" in answer.errors)(
            cluster.kubectl.create(policy("unlabelled", namespace, WEB), options=["--dry-run=server"])))
        cluster.kubectl("delete", "requiredlabels", "policies-have-owner").succeeds()
    finally:
        cluster.kubectl("delete", "constrainttemplate", "requiredlabels", "--ignore-not-found", "--wait=false").succeeds()
    eventually("nothing is left of it", lambda: (lambda answer: answer.status == 0 and "required" not in answer.errors)(
        cluster.kubectl.create(policy("unlabelled", namespace, WEB), options=["--dry-run=server"])))
