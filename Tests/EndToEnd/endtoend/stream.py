"""Requests without a pause, of which none may fail."""
import threading
import urllib.error

from .failure import Failure
from .objects import policy, policy_without_ingress

_WEB = {"app": "web"}
_REFUSAL = "ingress_rules_required: Ingress rules required for all Network Policies"


class Stream:
    """Requests of several clients, one after the other without a pause and without a second try, until the block ends."""

    def __init__(self, cluster, namespace, clients=4):
        self.cluster, self.namespace = cluster, namespace
        self.answered, self.problems = 0, []
        self._end, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(number,), daemon=True) for number in range(clients)]

    def _ask(self, client):
        path = f"/apis/networking.k8s.io/v1/namespaces/{self.namespace}/networkpolicies?dryRun=All"
        good = policy(f"client-{client}", self.namespace, _WEB)
        bad = policy_without_ingress(f"client-{client}", self.namespace)
        while not self._end.is_set():
            for manifest, wanted in ((good, None), (bad, 403)):
                problem = None
                try:
                    self.cluster.api.post(path, manifest)
                    if wanted:
                        problem = "what was to be refused was admitted"
                except urllib.error.HTTPError as error:
                    text = error.read().decode()
                    if error.code != wanted or _REFUSAL not in text:
                        problem = text
                except OSError as error:
                    problem = str(error)
                with self._lock:
                    self.answered += 1
                    if problem:
                        self.problems.append(problem)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(30)

    def check(self, least):
        if self.problems:
            raise Failure(f"{len(self.problems)} of {self.answered} requests failed, for example: {self.problems[0][-1500:]}")
        if self.answered < least:
            raise Failure(f"only {self.answered} requests were answered, and at least {least} were to be")
