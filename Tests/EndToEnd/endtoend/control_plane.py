"""A control plane: etcd, the API server with RBAC and webhooks, and the controllers. No kubelet and no scheduler."""
import json
import signal
import time
import urllib.error
import urllib.request

from .api import API
from .certificates import Authority, server_names
from .failure import Failure
from .kubectl import Kubectl
from .network import GATEWAY, SERVICES
from .processes import Program, eventually, run

_CONTROLLERS = [
    "deployment", "replicaset", "statefulset", "daemonset", "job", "cronjob", "replicationcontroller", "endpoint", "namespace",
    "garbagecollector", "serviceaccount", "serviceaccount-token", "disruption", "clusterrole-aggregation", "root-ca-cert-publisher"]


class ControlPlane:
    port = 6443

    def __init__(self, binaries, folder, options=()):
        """`options` are further ones of the API server."""
        self.binaries, self.folder, self._options = binaries, folder, options
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(folder / "pki")
        self._server = self.authority.issue("apiserver", "/CN=kube-apiserver", server_names())
        self._signer = folder / "pki/service-accounts.key"
        run(["openssl", "genrsa", "-out", self._signer, "2048"])
        run(["openssl", "rsa", "-in", self._signer, "-pubout", "-out", folder / "pki/service-accounts.pub"])
        self._clients = {}
        self.admin = self._kubeconfig("admin", "/O=system:masters/CN=admin")
        self.kubectl = Kubectl(binaries / "kubectl", self.admin, folder)
        self.api = API(GATEWAY, self.port, self.authority.certificate, self._clients["admin"])
        self.etcd = Program("etcd", [
            "etcd", "--data-dir", folder / "etcd", "--listen-client-urls", "http://127.0.0.1:2379",
            "--advertise-client-urls", "http://127.0.0.1:2379", "--listen-peer-urls", "http://127.0.0.1:2380",
            # Nothing here outlives the run, so nothing needs to reach the disk.
            "--unsafe-no-fsync", "--logger", "zap", "--log-level", "warn"], folder / "etcd.log")
        self.api_server = Program("kube-apiserver", self._api_server_command(), folder / "kube-apiserver.log")
        self.controllers = Program("kube-controller-manager", [
            binaries / "kube-controller-manager", "--kubeconfig", self._kubeconfig(
                "controller-manager", "/CN=system:kube-controller-manager"),
            "--bind-address", "127.0.0.1", "--port", "0", "--leader-elect=false", "--use-service-account-credentials",
            "--service-account-private-key-file", self._signer, "--root-ca-file", self.authority.certificate,
            "--controllers", ",".join(_CONTROLLERS),
            "--kube-api-qps", "200", "--kube-api-burst", "400"], folder / "kube-controller-manager.log")

    def _kubeconfig(self, name, subject):
        certificate, key = self._clients[name] = self.authority.issue(name, subject)
        return self.write_kubeconfig(name, {"client-certificate": str(certificate), "client-key": str(key)})

    def write_kubeconfig(self, name, user):
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "end-to-end",
            "contexts": [{"name": "end-to-end", "context": {"cluster": "end-to-end", "user": name}}],
            "clusters": [{"name": "end-to-end", "cluster": {
                "server": f"https://{GATEWAY}:{self.port}", "certificate-authority": str(self.authority.certificate)}}],
            "users": [{"name": name, "user": user}]}))
        return path

    def _api_server_command(self):
        certificate, key = self._server
        return [
            self.binaries / "kube-apiserver", "--etcd-servers", "http://127.0.0.1:2379", "--bind-address", "0.0.0.0",
            "--secure-port", self.port, "--advertise-address", GATEWAY, "--service-cluster-ip-range", SERVICES,
            "--tls-cert-file", certificate, "--tls-private-key-file", key, "--client-ca-file", self.authority.certificate,
            "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-signing-key-file", self._signer,
            "--service-account-key-file", self.folder / "pki/service-accounts.pub", "--api-audiences",
            "https://kubernetes.default.svc", "--authorization-mode", "RBAC", "--enable-aggregator-routing=true",
            "--enable-admission-plugins", "ValidatingAdmissionWebhook", "--audit-policy-file", self._audit_policy(),
            "--audit-log-path", self.folder / "audit.log", "--event-ttl", "1h", "--allow-privileged=true", *self._options]

    def _audit_policy(self):
        """Who asked for what, and what was answered: the scenarios look for refusals in it."""
        path = self.folder / "audit-policy.json"
        path.write_text(json.dumps({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"],
            "rules": [{"level": "Metadata"}]}))
        return path

    def start(self):
        self.etcd.start()
        self.start_api_server()
        self.controllers.start()
        eventually("the controllers make service accounts", lambda: self.kubectl(
            "get", "serviceaccount", "default", "--namespace", "default").status == 0, 60)

    def start_api_server(self):
        self.api_server.start()
        eventually("kube-apiserver is ready", self._is_ready, 90)

    def stop_api_server(self):
        """As a node's shutdown does: asked to end, it waits a minute for its watchers, and is killed before that."""
        self.api_server.signal(signal.SIGTERM)
        time.sleep(3)
        self.api_server.kill()

    def _is_ready(self):
        self.api_server.check_running()
        try:
            return self.api.get("/readyz", is_json=False) == "ok"
        except urllib.error.HTTPError as error:
            raise Failure(error.read().decode()[-1000:]) from None

    def stop(self):
        for program in (self.controllers, self.api_server, self.etcd):
            program.kill()

    def compact_etcd(self):
        """Makes etcd forget all but the present, through its JSON gateway."""
        def call(path, body):
            request = urllib.request.Request(f"http://127.0.0.1:2379/v3/{path}", data=json.dumps(body).encode())
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read())
        revision = call("kv/range", {"key": "AA=="})["header"]["revision"]
        call("kv/compaction", {"revision": revision, "physical": True})

    def audit(self):
        """What the API server was asked so far, a dictionary a request."""
        with open(self.folder / "audit.log", encoding="utf-8") as log:
            return [json.loads(line) for line in log if line.endswith("}\n")]
