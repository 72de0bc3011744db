"""The other Rego engines that can be installed here: those that PyPI has as wheels for Python."""
import json
import pathlib
import subprocess
import sys

from .failure import Failure
from .prerequisites import run, say

CHILD = pathlib.Path(__file__).resolve().parent / "peer.py"


class Peer:
    """An engine, where it comes from, and what its numbers include beside the work that is compared."""

    def __init__(self, name, package, version, evaluation, reading):
        self.name, self.package, self.version = name, package, version
        self.evaluation, self.reading = evaluation, reading


PEERS = [
    Peer("rego-cpp", "regopy", "1.5.2",
         "running a bundle that was compiled once, and writing and reading the answer as JSON",
         "Python's json.loads and the conversion of what it made, the fastest way that the package offers"),
    Peer("Regorus", "gordon-to-regorus", "0.13.0",
         "running a program that was compiled once for its virtual machine, the fastest way that the package offers, and "
         "writing the answer as JSON",
         "Regorus's own JSON reader"),
]
READER = "orjson==3.13.0"


def install(folder):
    """Makes a virtual environment with the peers and returns its interpreter."""
    say("installing the peers from PyPI into a temporary folder")
    run([sys.executable, "-m", "venv", str(folder)], 120)
    python = folder / "bin/python"
    packages = [f"{peer.package}=={peer.version}" for peer in PEERS] + [READER]
    run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:",
         *packages], 600)
    return python


class Engine:
    """A peer with policy and data loaded, in a process of its own that is asked line by line."""

    def __init__(self, python, engine, policy, inventory, query):
        self.engine = engine
        self.process = subprocess.Popen(
            [str(python), str(CHILD), engine, str(policy), str(inventory), query], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def measure(self, folder, count, seconds):
        """What `count` evaluations took, or as many as fit in the time; and the answer to each input of the folder."""
        self.process.stdin.write(json.dumps({"folder": str(folder), "count": count, "seconds": seconds}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"{self.engine} ended with status {self.process.wait()}")
        return json.loads(line)
