"""An API server that holds what it was given and sends more events than a real one could make on two cores: a process of its own, over TLS."""
import contextlib
import http.server
import json
import multiprocessing
import pathlib
import ssl
import sys
import threading
import time
import urllib.parse

from . import population
from .failure import Failure

# The pod whose label tells when its last event was sent, in nanoseconds of the monotonic clock, which all processes share.
STAMPED_NAMESPACE, STAMPED_NAME, LABEL = "default", "stamped", "sent"
_KINDS = {
    "/api/v1": [("namespaces", "Namespace", False), ("pods", "Pod", True)],
    "/apis/networking.k8s.io/v1": [("networkpolicies", "NetworkPolicy", True)],
}
_PODS = "/api/v1/pods"
_FIRST = 1_000_000


class _Source(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, data, rate, stamps):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rate, self.stamps = rate, stamps
        self.items = {f"{root}/{plural}": [] for root, kinds in _KINDS.items() for plural, _, _ in kinds}
        namespaces, rest = population.manifests(data)
        for path, item in namespaces + rest:
            root, plural = path.split("/namespaces")[0], path.rpartition("/")[2]
            self._hold(f"{root}/{plural}", item)
        self.pods = list(self.items[_PODS])
        self._hold("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STAMPED_NAMESPACE}})
        self.stamped = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": STAMPED_NAME, "namespace": STAMPED_NAMESPACE, "labels": {LABEL: "0"}},
            "spec": {"containers": [{"name": "main", "image": "registry.example/main:1"}]}}
        self._hold(_PODS, self.stamped)
        # Nothing is sent before everything has been listed and asked about.
        self.may_send = threading.Event()

    def _hold(self, path, item):
        number = len(self.items[path])
        item["metadata"] |= {"uid": f"{path}/{number}", "resourceVersion": str(_FIRST), "annotations": {}}
        self.items[path].append(item)

    def handle_error(self, request, client_address):
        # A client that goes away ends its requests.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/send":
            self.server.may_send.set()
            return self._answer({})
        if url.path == "/apis":
            groups = [root.split("/")[2:] for root in _KINDS if root.startswith("/apis/")]
            return self._answer({"kind": "APIGroupList", "groups": [
                {"name": name, "preferredVersion": {"version": version}, "versions": [{"version": version}]} for name, version in groups]})
        if url.path in _KINDS:
            return self._answer({"kind": "APIResourceList", "groupVersion": url.path.partition("/")[2].partition("/")[2], "resources": [
                {"name": plural, "kind": kind, "namespaced": namespaced, "verbs": ["get", "list", "watch"]}
                for plural, kind, namespaced in _KINDS[url.path]]})
        if url.path not in self.server.items and not url.path.endswith("/configmaps"):
            return self._answer({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "not found"}, 404)
        if query.get("watch") == "true":
            return self._watch(url.path)
        items, start = self.server.items.get(url.path, []), int(query.get("continue", 0))
        end = start + int(query.get("limit", len(items)))
        self._answer({"kind": "List", "apiVersion": "v1", "items": items[start:end], "metadata": {
            "resourceVersion": str(_FIRST), **({"continue": str(end)} if end < len(items) else {})}})

    def _answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _watch(self, path):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        if path != _PODS:
            time.sleep(600)
            return
        self.server.may_send.wait(600)
        # Written once, with places for what differs from event to event.
        lines = [json.dumps(
            {"type": "MODIFIED", "object": {**pod, "metadata": {**pod["metadata"], "resourceVersion": "@", "annotations": {"changed": "@"}}}})
            for pod in self.server.pods]
        start, every = time.monotonic(), self.server.rate // self.server.stamps
        sent = 0
        while True:
            time.sleep(max(0, start + sent / self.server.rate - time.monotonic()))
            sent += 1
            version = str(_FIRST + sent)
            if sent % every == 0:
                metadata = {**self.server.stamped["metadata"], "resourceVersion": version, "labels": {LABEL: str(time.monotonic_ns())}}
                line = json.dumps({"type": "MODIFIED", "object": {**self.server.stamped, "metadata": metadata}})
            else:
                line = lines[sent % len(lines)].replace('"@"', f'"{version}"')
            line = line.encode() + b"\n"
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))


def _serve(data, rate, stamps, certificate, key, ports):
    source = _Source(data, rate, stamps)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # Each connection's handshake is its own thread's.
    source.socket = context.wrap_socket(source.socket, server_side=True, do_handshake_on_connect=False)
    ports.put(source.server_address[1])
    source.serve_forever()


@contextlib.contextmanager
def running(data, rate, stamps, certificates, folder):
    """A kubeconfig for a server that sends `rate` events a second, `stamps` of them of the stamped pod, once `/send` is asked for."""
    authority, certificate, key = certificates
    ports = multiprocessing.Queue()
    process = multiprocessing.Process(target=_serve, args=(data, rate, stamps, certificate, key, ports), daemon=True)
    process.start()
    try:
        try:
            port = ports.get(timeout=60)
        except Exception:
            raise Failure("the source of events does not start") from None
        kubeconfig = pathlib.Path(folder) / "events.kubeconfig"
        kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "events",
            "contexts": [{"name": "events", "context": {"cluster": "events", "user": "events"}}],
            "clusters": [{"name": "events", "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(authority)}}],
            "users": [{"name": "events", "user": {"token": "any"}}]}))
        yield kubeconfig, port
    finally:
        process.terminate()
        process.join()
