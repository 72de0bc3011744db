"""Portcullis's own certificates, renewed while requests go on."""
import base64
import json
import time

from endtoend.certificates import Authority
from endtoend.cluster import NAMESPACE
from endtoend.objects import policy_without_ingress
from endtoend.processes import eventually, run
from endtoend.registry import scenario
from endtoend.stream import Stream

from .rules import INGRESS_RULE

SECRET = "portcullis-certificates"
NAMES = ["DNS:portcullis.portcullis.svc", "DNS:portcullis.portcullis.svc.cluster.local"]


def secret(cluster):
    data = cluster.kubectl.get("secret", SECRET, "--namespace", NAMESPACE)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def write(cluster, data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    cluster.kubectl("patch", "secret", SECRET, "--namespace", NAMESPACE, "--type=merge", "--patch", json.dumps(
        {"data": encoded})).succeeds()


def bundles(cluster):
    """What the entries of the webhook configuration trust: one element where all trust the same."""
    return {base64.b64decode(hook["clientConfig"]["caBundle"]).decode() for hook in cluster.webhooks()}


def served(pod):
    """The serial number of the certificate that a replica serves."""
    text = run(["openssl", "s_client", "-connect", f"{pod.network.address}:8443", "-servername", "portcullis.portcullis.svc"])
    return run(["openssl", "x509", "-noout", "-serial"], text=text[text.index("-----BEGIN"):])


def await_served(cluster, certificate):
    serial = run(["openssl", "x509", "-noout", "-serial"], text=certificate)
    eventually("every replica serves the certificate", lambda: all(served(pod) == serial for pod in cluster.node.ready_pods()), 60)


@scenario("A server's certificate that is about to expire is renewed, and no request fails", seconds=180)
def leaf_is_renewed(cluster):
    namespace = cluster.namespace()
    now = secret(cluster)
    authority = Authority.existing(cluster.folder / "leaf", now["ca.crt"], now["ca.key"])
    certificate, key = authority.issue("short", "/CN=portcullis", NAMES, days=5)
    short = certificate.read_text()
    with Stream(cluster, namespace) as stream:
        write(cluster, {"tls.crt": short, "tls.key": key.read_text()})

        def check():
            data = secret(cluster)
            return data if data["tls.crt"] not in (short, now["tls.crt"]) else None
        renewed = eventually("the certificate is renewed", check, 60)
        await_served(cluster, renewed["tls.crt"])
        time.sleep(1)
    stream.check(100)


@scenario("An authority that is about to expire is followed by another, both are trusted meanwhile, and no request fails", seconds=420)
def authority_is_renewed(cluster):
    namespace = cluster.namespace()
    name = "Portcullis CA that ends"
    with Stream(cluster, namespace, clients=1) as stream:
        # Another authority takes over, in the steps of a rotation.
        old = secret(cluster)
        ending = Authority(cluster.folder / "ending", name, days=200)
        certificate, key = ending.issue("leaf", "/CN=portcullis", NAMES, days=89)
        both = ending.certificate.read_text() + old["ca.crt"]
        cluster.kubectl("patch", "validatingwebhookconfiguration", "portcullis", "--type=json", "--patch", json.dumps([
            {"op": "replace", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": base64.b64encode(both.encode()).decode()}
            for index in range(len(cluster.webhooks()))])).succeeds()
        time.sleep(2)
        write(cluster, {"ca.crt": both, "ca.key": ending.key.read_text(), "tls.crt": certificate.read_text(), "tls.key": key.read_text()})
        await_served(cluster, certificate.read_text())
        # And is found to expire in less time than what it signs.
        ending.sign_itself(name, days=60)
        write(cluster, {"ca.crt": ending.certificate.read_text()})
        ended = ending.certificate.read_text().strip()

        def check():
            data = secret(cluster)
            return None if data["ca.crt"].startswith(ended) else data
        renewed = eventually("there is a new authority", check, 60)
        assert ended in renewed["ca.crt"], "the old authority is not trusted any more"
        eventually("the API server trusts both", lambda: bundles(cluster) == {secret(cluster)["ca.crt"]}, 60)
        first = renewed["ca.crt"][:renewed["ca.crt"].index("-----END") + 25]
        (cluster.folder / "new-ca.crt").write_text(first)

        def is_signed_by_new():
            (cluster.folder / "leaf.crt").write_text(secret(cluster)["tls.crt"])
            return "OK" in run(["openssl", "verify", "-CAfile", cluster.folder / "new-ca.crt", cluster.folder / "leaf.crt"])
        eventually("the new authority signs", is_signed_by_new, 200, pause=2)
        await_served(cluster, secret(cluster)["tls.crt"])
        time.sleep(1)
    stream.check(100)


@scenario("The Secret of the certificates is deleted as documented: others take their place, and are trusted")
def are_made_anew(cluster):
    namespace = cluster.namespace()
    old = secret(cluster)
    (command,) = cluster.documented("Certificates")
    cluster.kubectl(*command).succeeds()

    def check():
        data = secret(cluster)
        return data if data["ca.crt"] != old["ca.crt"] else None
    made = eventually("there are new certificates", check, 60)
    await_served(cluster, made["tls.crt"])
    eventually("the API server trusts them", lambda: bundles(cluster) == {made["ca.crt"]}, 60)
    eventually("reviews are answered", lambda: INGRESS_RULE in cluster.kubectl.create(policy_without_ingress("closed", namespace)).errors)
