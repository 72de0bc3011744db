"""A network of the harness's own: a namespace that nothing leaves, with a bridge, and a namespace behind it for each pod."""
import os
import pathlib
import shutil
import sys

from .failure import Failure
from .processes import run

# RFC 5737: addresses for documentation, which no network routes.
GATEWAY = "192.0.2.1"
SERVICES = "198.51.100.0/24"
_BRIDGE = "pods"
_INSIDE = "PORTCULLIS_END_TO_END_INSIDE"


def enter():
    """Runs this program again in namespaces of its own; whatever it starts there ends with it."""
    if os.environ.get(_INSIDE) == "1":
        pathlib.Path("/run/netns").mkdir(exist_ok=True)
        run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"])
        run(["ip", "link", "set", "lo", "up"])
        run(["ip", "link", "add", _BRIDGE, "type", "bridge"])
        run(["ip", "address", "add", f"{GATEWAY}/24", "dev", _BRIDGE])
        run(["ip", "link", "set", _BRIDGE, "up"])
        return
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        raise Failure("network namespaces are needed: run it as root, with util-linux and iproute2 installed")
    os.environ[_INSIDE] = "1"
    os.execvp("unshare", [
        "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, *sys.argv])


class PodNetwork:
    """A pod's namespace, with one address on the bridge."""

    def __init__(self, number):
        self.name, self.address = f"pod{number}", f"192.0.2.{number}"
        inner, outer = f"in{number}", f"out{number}"
        run(["ip", "netns", "add", self.name])
        run(["ip", "link", "add", outer, "type", "veth", "peer", "name", inner])
        run(["ip", "link", "set", outer, "master", _BRIDGE, "up"])
        run(["ip", "link", "set", inner, "netns", self.name])
        for words in (["link", "set", "lo", "up"], ["address", "add", f"{self.address}/24", "dev", inner],
                      ["link", "set", inner, "up"], ["route", "add", "default", "via", GATEWAY]):
            run(["ip", "-netns", self.name, *words])

    def remove(self):
        run(["ip", "netns", "delete", self.name])
