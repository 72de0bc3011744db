"""What a scenario is given: the control plane with Portcullis installed in it."""
import itertools
import shlex

from .failure import Failure
from .node import Node
from .objects import deployment
from .processes import eventually

NAMESPACE = "portcullis"
# What Portcullis's own manifests exclude, and 1.20 does not label by itself.
_LABELLED = ["default", "kube-system", "kube-public", "kube-node-lease"]


class Cluster:
    def __init__(self, plane, manifests, binary, folder, previous=None):
        self.plane, self.manifests, self.previous = plane, manifests, previous
        self.kubectl, self.api = plane.kubectl, plane.api
        self.node = Node(plane, NAMESPACE, binary, folder / "pods")
        self.folder = folder
        self._numbers = itertools.count(1)

    def install(self):
        """As docs/operations.md tells it, with the overlay that 1.20 needs."""
        for name in _LABELLED:
            self._label(name)
        self.apply()
        # No replica runs yet: that must not keep anyone from working.
        self.kubectl.create(deployment("early", "default", {"app": "early"})).succeeds()
        self.node.start()
        self.kubectl("scale", "deployment/portcullis", "--namespace", NAMESPACE, "--replicas=2").succeeds()
        self.await_replicas(2)
        eventually("the webhooks are in use", self.is_in_use, 60)

    def apply(self):
        return self.kubectl("apply", "--kustomize", self.manifests / "overlays/e2e", seconds=120).succeeds()

    def documented(self, heading):
        """The kubectl commands below a heading of docs/operations.md, as lists of arguments."""
        text = (self.manifests.parent / "docs/operations.md").read_text()
        section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        return [shlex.split(line)[1:] for line in section.splitlines() if line.startswith("    kubectl ")]

    def is_in_use(self):
        """Whether a replica has let the API server trust it, and has it refuse what nobody answers."""
        hooks = self.webhooks()
        return hooks and all(hook["clientConfig"].get("caBundle") for hook in hooks) and [
            hook["failurePolicy"] for hook in hooks] == ["Fail"] * 3 + ["Ignore"] * 3

    def webhooks(self):
        return self.kubectl.get("validatingwebhookconfiguration", "portcullis").get("webhooks", [])

    def _label(self, namespace):
        """1.20 does not set this label, which every namespace has since 1.21."""
        self.kubectl("label", "namespace", namespace, f"kubernetes.io/metadata.name={namespace}", "--overwrite").succeeds()

    def await_replicas(self, count, seconds=120):
        return self.node.await_ready(count, seconds)

    def namespace(self, labels=None):
        """A namespace for one scenario, labelled as those of later versions are."""
        name = f"scenario-{next(self._numbers)}"
        self.kubectl.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": name, "labels": {"kubernetes.io/metadata.name": name, **(labels or {})}}}).succeeds()
        eventually("the namespace has its service account", lambda: self.kubectl(
            "get", "serviceaccount", "default", "--namespace", name).status == 0)
        return name

    def pods(self, namespace, selector=None):
        arguments = ["--selector", selector] if selector else []
        return self.kubectl.get("pods", "--namespace", namespace, *arguments)["items"]

    def await_pods(self, namespace, count, selector=None, seconds=60):
        def check():
            pods = self.pods(namespace, selector)
            return (pods,) if len(pods) == count else None
        return eventually(f"{count} pods exist in {namespace}", check, seconds)[0]

    def await_gone(self, *resource, seconds=60):
        """Waits until kubectl finds it no more."""
        eventually(f"{' '.join(resource)} is gone", lambda: "NotFound" in self.kubectl("get", *resource).errors, seconds)

    def status(self):
        """What `/readyz?verbose` of each replica says, by pod."""
        return {pod.name: pod.ask("/readyz?verbose")[1] for pod in self.node.pods.values()}

    def metric(self, pod, name):
        """The sum over all labels of a metric of one replica."""
        found = [
            float(line.rsplit(" ", 1)[1]) for line in pod.ask("/metrics")[1].splitlines()
            if line.startswith((f"{name} ", f"{name}{{"))]
        if not found:
            raise Failure(f"{pod.name} has no metric {name}")
        return sum(found)
