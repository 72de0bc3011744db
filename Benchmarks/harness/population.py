"""A cluster's worth of objects in a real API server, and changes to them at a steady rate."""
import json
import threading
import time

from .failure import Failure

NAMESPACES, POLICIES, PODS = 100, 10, 100
_THREADS = 6


def manifests(data):
    """What make_bench_data.py wrote, namespace by namespace, as it can be created: (path, object), namespaces first."""
    namespaces, rest = [], []
    for path in sorted((data / "manifests").glob("*.json")):
        for item in json.loads(path.read_bytes())["items"]:
            for key in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"):
                item["metadata"].pop(key, None)
            if item["kind"] == "Namespace":
                namespaces.append(("/api/v1/namespaces", item))
                continue
            # No service accounts are made, and none is asked for.
            item.get("spec", {}).pop("serviceAccountName", None)
            root = "/api/v1" if item["apiVersion"] == "v1" else f"/apis/{item['apiVersion']}"
            plural = {"Pod": "pods", "NetworkPolicy": "networkpolicies"}[item["kind"]]
            rest.append((f"{root}/namespaces/{item['metadata']['namespace']}/{plural}", item))
    return namespaces, rest


def create(connections, requests):
    """Creates objects over several connections, and returns how long that took."""
    start, todo, problems = time.monotonic(), iter(requests), []
    lock = threading.Lock()

    def work(connection):
        while not problems:
            with lock:
                request = next(todo, None)
            if request is None:
                return
            try:
                connection.request("POST", *request)
            except OSError as problem:
                problems.append(problem)

    threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise Failure(f"the cluster could not be filled: {problems[0]}")
    return time.monotonic() - start


class Changes:
    """Changes objects at a steady rate from a thread, while the block runs: an annotation each, one object after the other."""

    def __init__(self, connection, paths, rate):
        self.connection, self.paths, self.rate = connection, paths, rate
        self.made, self.problem = 0, None
        self._end, self._thread = threading.Event(), threading.Thread(target=self._work, daemon=True)

    def _work(self):
        start = time.monotonic()
        try:
            while not self._end.is_set():
                body = {"metadata": {"annotations": {"changed": str(self.made)}}}
                self.connection.request(
                    "PATCH", self.paths[self.made % len(self.paths)], body, "application/merge-patch+json")
                self.made += 1
                time.sleep(max(0, start + self.made / self.rate - time.monotonic()))
        except OSError as problem:
            self.problem = problem

    def __enter__(self):
        self._start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._end.set()
        self._thread.join(30)
        self.reached = self.made / (time.monotonic() - self._start)
        if kind is None and self.problem:
            raise Failure(f"changes could not be made: {self.problem}")
