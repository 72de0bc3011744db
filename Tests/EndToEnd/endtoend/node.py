"""What a scheduler and a kubelet do for Portcullis's own pods, and for no others: without them a control plane runs no pods.

Each pod gets a network namespace with the address that its status tells, a root folder with the volumes where its spec mounts them, the
service account's token, and the probes. The program is started with the arguments of the spec, as its user.
"""
import base64
import contextlib
import http.client
import itertools
import json
import os
import shutil
import ssl
import threading
import time
import urllib.error

from .failure import Failure
from .network import GATEWAY, PodNetwork
from .processes import Program, eventually, run

_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"
# Programs and libraries of this machine that a pod sees, for reading alone.
_SYSTEM = ["usr", "bin", "sbin", "lib", "lib64", "opt", "etc/ssl", "etc/ld.so.cache", "etc/passwd", "etc/nsswitch.conf"]


class Pod:
    def __init__(self, node, manifest, number):
        self.node, self.manifest = node, manifest
        self.name, self.namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        self.path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"
        self.container = manifest["spec"]["containers"][0]
        self.network = PodNetwork(number)
        self.folder = node.folder / self.name
        self.root = self.folder / "root"
        self.log = self.folder / "log"
        self.is_ready, self.restarts, self.binary = False, 0, node.binary
        self.program = None
        # A scenario takes the pod into its own hands.
        self.is_left_alone = False
        self._next_probe, self._next_start = 0, 0

    def start(self):
        self._lay_out()
        self.run()

    def run(self):
        context = {**self.manifest["spec"].get("securityContext", {}), **self.container.get("securityContext", {})}
        user = str(context.get("runAsUser", 0))
        shutil.copy(self.binary, self.root / "portcullis")
        mounts = list(self._mounts())
        if context.get("readOnlyRootFilesystem"):
            mounts.insert(0, (self.root, "", True))
        steps = "".join(
            f"mount --bind {'-o ro ' if read_only else ''}'{source}' '{self.root}{target}' && " for source, target, read_only in mounts)
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "KUBERNETES_SERVICE_HOST": GATEWAY, "KUBERNETES_SERVICE_PORT": str(self.node.plane.port),
            "POD_NAME": self.name, "POD_NAMESPACE": self.namespace, "HOSTNAME": self.name}
        for variable in self.container.get("env", []):
            environment[variable["name"]] = variable.get("value") or self._field(variable)
        # Each program here takes the place of the one before, so that signals reach Portcullis itself.
        script = (f'{steps}exec /usr/sbin/chroot "{self.root}" /usr/bin/setpriv --reuid {user} --regid {user} --clear-groups '
                  '--bounding-set=-all --inh-caps=-all --no-new-privs /portcullis "$@"')
        self.program = Program(self.name, [
            "ip", "netns", "exec", self.network.name, "unshare", "--mount", "sh", "-c", script, "sh", *self.container["args"]],
            self.log, env=environment)
        self.program.start()

    def restart_where_it_ended(self):
        if not self.program.is_running and time.monotonic() > self._next_start:
            # A kubelet waits longer after each time, for minutes in the end.
            self._next_start = time.monotonic() + 2
            self.restarts += 1
            self.run()

    def _field(self, variable):
        path = variable["valueFrom"]["fieldRef"]["fieldPath"]
        if path == "status.podIP":
            return self.network.address
        value = self.manifest
        for key in path.split("."):
            value = value[key]
        return value

    def _lay_out(self):
        self.root.mkdir(parents=True)
        for name in ("proc", "dev", "tmp", *(name for name in _SYSTEM if os.path.isdir(f"/{name}"))):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for name in _SYSTEM:
            if os.path.isfile(f"/{name}"):
                (self.root / name).touch()
        for _, target, _ in self._mounts():
            if not (self.root / target[1:]).exists():
                (self.root / target[1:]).mkdir(parents=True)
        self.update_volumes()

    def _mounts(self):
        """(folder outside, path inside, whether for reading alone)"""
        mounts = [(f"/{name}", f"/{name}", True) for name in _SYSTEM if os.path.exists(f"/{name}")]
        mounts += [("/dev", "/dev", False), ("/proc", "/proc", False)]
        mounts += [
            (self.folder / "volumes" / mount["name"], mount["mountPath"], True) for mount in self.container.get("volumeMounts", [])
            if mount["mountPath"] != _TOKEN]
        if self._has_token:
            mounts.append((self.folder / "token", _TOKEN, True))
        return mounts

    @property
    def _has_token(self):
        return self.manifest["spec"].get("automountServiceAccountToken") is not False

    def update_volumes(self):
        """Writes what ConfigMaps and Secrets hold now, each file at once."""
        mounted = {mount["name"] for mount in self.container.get("volumeMounts", []) if mount["mountPath"] != _TOKEN}
        for volume in self.manifest["spec"].get("volumes", []):
            # 1.20 adds a Secret with a token that never expires; later versions a token as it is written here.
            if volume["name"] not in mounted:
                continue
            folder = self.folder / "volumes" / volume["name"]
            folder.mkdir(parents=True, exist_ok=True)
            if "configMap" in volume:
                self._write(folder, self._object("configmaps", volume["configMap"]["name"], volume["configMap"]), str.encode)
            elif "secret" in volume:
                self._write(folder, self._object("secrets", volume["secret"]["secretName"], volume["secret"]), base64.b64decode)
        if self._has_token and not (self.folder / "token/token").exists():
            self.renew_token()

    def _object(self, resource, name, volume):
        try:
            return self.node.plane.api.get(f"/api/v1/namespaces/{self.namespace}/{resource}/{name}").get("data", {})
        except urllib.error.HTTPError as error:
            if error.code == 404 and volume.get("optional"):
                return {}
            raise Failure(f"{resource}/{name}: {error}") from None

    def _write(self, folder, data, decode):
        for name, text in data.items():
            _replace(folder / name, decode(text))

    def renew_token(self, seconds=3600):
        account = self.manifest["spec"].get("serviceAccountName", "default")
        answer = self.node.plane.api.post(
            f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}})
        folder = self.folder / "token"
        folder.mkdir(exist_ok=True)
        _replace(folder / "ca.crt", self.node.plane.authority.certificate.read_bytes())
        _replace(folder / "namespace", self.namespace.encode())
        _replace(folder / "token", answer["status"]["token"].encode())

    def ask(self, path, port="health", seconds=2):
        """(status, text) of a request in plain HTTP."""
        number = next(entry["containerPort"] for entry in self.container["ports"] if entry["name"] == port)
        connection = http.client.HTTPConnection(self.network.address, number, timeout=seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def review(self, manifest, operation="CREATE"):
        """What this replica, asked as the API server would, answers about an object that is to be created."""
        group, _, version = manifest["apiVersion"].rpartition("/")
        kind = {"group": group, "version": version, "kind": manifest["kind"]}
        resource = {"group": group, "version": version, "resource": manifest["kind"].lower() + "s"}
        request = {
            "uid": "00000000-0000-4000-8000-000000000000", "kind": kind, "resource": resource, "requestKind": kind,
            "requestResource": resource, "name": manifest["metadata"]["name"], "namespace": manifest["metadata"]["namespace"],
            "operation": operation, "userInfo": {"username": "admin", "groups": ["system:masters"]}, "object": manifest,
            "oldObject": None, "dryRun": False, "options": None}
        number = next(entry["containerPort"] for entry in self.container["ports"] if entry["name"] == "webhook")
        connection = http.client.HTTPSConnection(
            self.network.address, number, timeout=10, context=ssl._create_unverified_context())
        try:
            body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
            connection.request("POST", "/validate?timeout=3s", json.dumps(body), {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())["response"]
        finally:
            connection.close()

    def probe(self):
        if time.monotonic() < self._next_probe:
            return
        self._next_probe = time.monotonic() + 0.5
        check = self.container["readinessProbe"]["httpGet"]
        ready = False
        with contextlib.suppress(OSError, http.client.HTTPException):
            ready = self.program.is_running and self.ask(check["path"], check["port"])[0] == 200
        if ready != self.is_ready:
            self.is_ready = ready
            self.publish()

    def publish(self):
        conditions = [
            {"type": kind, "status": "True" if self.is_ready else "False"} for kind in ("Ready", "ContainersReady")]
        conditions += [{"type": kind, "status": "True"} for kind in ("Initialized", "PodScheduled")]
        with contextlib.suppress(OSError):
            self.node.plane.api.merge(f"{self.path}/status", {"status": {
                "phase": "Running", "podIP": self.network.address, "podIPs": [{"ip": self.network.address}], "hostIP": GATEWAY,
                "conditions": conditions}})

    def finish(self):
        """Ends the program as a kubelet does, and lets the API server forget the pod."""
        grace = self.manifest["spec"].get("terminationGracePeriodSeconds", 30)
        try:
            self.program.stop(grace)
        except Failure:
            self.program.kill()
        self.network.remove()
        eventually("the API server forgets the pod", self._forget, 120)

    def _forget(self):
        try:
            self.node.plane.api.delete(self.path, {"gracePeriodSeconds": 0})
        except urllib.error.HTTPError as error:
            return error.code == 404
        return True


def _replace(path, content):
    if path.exists() and path.read_bytes() == content:
        return
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.chmod(0o644)
    new.rename(path)


class Node:
    """Runs the pods of one namespace, in a thread."""

    # Pods of an earlier cluster may still be ending, each with its network.
    _numbers = itertools.count(10)

    def __init__(self, plane, namespace, binary, folder):
        self.plane, self.namespace, self.binary, self.folder = plane, namespace, binary, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.pods, self.problem = {}, None
        self._end, self._thread = threading.Event(), threading.Thread(target=self._loop, daemon=True)
        # Held while the loop works, so that a scenario can change things between two rounds.
        self.lock = threading.RLock()

    def start(self):
        self.plane.api.post("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}})
        # A new node is tainted until its kubelet has said that it is ready.
        self.plane.api.merge("/api/v1/nodes/node", {"spec": {"taints": None}})
        self._thread.start()

    def stop(self):
        self._end.set()
        self._thread.join(40)
        for pod in self.pods.values():
            if pod.program:
                pod.program.kill()
            pod.network.remove()

    def last_words(self, indent):
        """What the replicas logged last, for whoever reads about a failure."""
        lines = []
        for pod in list(self.pods.values()):
            lines += [f"--- {pod.name}:", *(pod.program.last_words(2000).splitlines()[1:] if pod.program else [])]
        return "\n".join(indent + line[:300] for line in lines)

    def _loop(self):
        while not self._end.wait(0.25):
            try:
                with self.lock:
                    self._round()
                self.problem = None
            except (Failure, OSError, http.client.HTTPException) as problem:
                # The API server is away, or a volume is not there yet: the next round tries again.
                self.problem = problem

    def _round(self):
        manifests = {
            pod["metadata"]["name"]: pod for pod in self.plane.api.get(f"/api/v1/namespaces/{self.namespace}/pods")["items"]}
        for name, manifest in manifests.items():
            if name not in self.pods and "deletionTimestamp" not in manifest["metadata"]:
                self._admit(manifest)
        for name, pod in list(self.pods.items()):
            manifest = manifests.get(name)
            if manifest is None or "deletionTimestamp" in manifest["metadata"]:
                del self.pods[name]
                # Ending takes seconds, in which the other pods are to be looked after.
                threading.Thread(target=pod.finish, daemon=True).start()
            elif not pod.is_left_alone:
                pod.restart_where_it_ended()
                pod.update_volumes()
                pod.probe()

    def _admit(self, manifest):
        name = manifest["metadata"]["name"]
        pod = Pod(self, manifest, next(Node._numbers))
        try:
            pod.start()
        except BaseException:
            pod.network.remove()
            shutil.rmtree(pod.folder, ignore_errors=True)
            raise
        if not manifest["spec"].get("nodeName"):
            self.plane.api.post(f"{pod.path}/binding", {
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": {"kind": "Node", "name": "node"}})
        self.pods[name] = pod
        pod.publish()

    def take_out(self, pod):
        """Has a pod be not ready whatever its program says, until `is_left_alone` is set back; returns once the Service knows."""
        with self.lock:
            pod.is_left_alone, pod.is_ready = True, False
            pod.publish()
        eventually("the endpoint is gone", lambda: pod.network.address not in self.endpoints())

    def endpoints(self):
        """The addresses of the Service."""
        subsets = self.plane.api.get(f"/api/v1/namespaces/{self.namespace}/endpoints/portcullis").get("subsets") or []
        return {address["ip"] for subset in subsets for address in subset.get("addresses", [])}

    def ready_pods(self):
        return [pod for pod in self.pods.values() if pod.is_ready]

    def await_ready(self, count, seconds=90):
        """The pods, once so many are ready and the Service's Endpoints list them, and no others."""
        def check():
            if self.problem:
                raise Failure(str(self.problem))
            ready = self.ready_pods()
            if len(ready) != count or len(self.pods) != count:
                return None
            return ready if self.endpoints() == {pod.network.address for pod in ready} else None
        try:
            return eventually(f"{count} replicas are ready", check, seconds)
        except Failure as failure:
            logs = "\n".join(f"--- {pod.name}:\n{pod.program.last_words(2000)}" for pod in self.pods.values() if pod.program)
            raise Failure(f"{failure}\n{logs}") from None
