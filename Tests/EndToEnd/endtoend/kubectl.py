"""kubectl as people use it, and what is expected of its answers."""
import json
import os
import subprocess

from .failure import Failure


class Answer:
    def __init__(self, command, status, output, errors):
        self.command, self.status, self.output, self.errors = command, status, output, errors

    def __str__(self):
        return f"$ kubectl {' '.join(self.command)}\n{self.output[-3000:]}{self.errors[-3000:]}(status {self.status})"

    def succeeds(self, *fragments):
        """Checks that it ended with 0, and that these are in what it printed."""
        if self.status != 0:
            raise Failure(f"this was to succeed:\n{self}")
        return self._has(fragments)

    def is_refused(self, *fragments, status=1):
        """Checks that it ended with this status, and that these are in what it printed."""
        if self.status != status:
            raise Failure(f"this was to be refused:\n{self}")
        return self._has(fragments)

    def says_no(self, *fragments):
        """Checks that none of these is in what it printed."""
        for fragment in fragments:
            if fragment in self.output + self.errors:
                raise Failure(f"{fragment!r} was not to be in this:\n{self}")
        return self

    def _has(self, fragments):
        for fragment in fragments:
            if fragment not in self.output + self.errors:
                raise Failure(f"{fragment!r} is missing in this:\n{self}")
        return self

    @property
    def json(self):
        self.succeeds()
        return json.loads(self.output)


class Kubectl:
    def __init__(self, binary, kubeconfig, home):
        self.binary, self.kubeconfig, self.home = binary, kubeconfig, home

    def __call__(self, *arguments, text=None, seconds=60):
        """Runs kubectl, whatever its exit code; that it ends in time is checked."""
        arguments = [str(argument) for argument in arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}
        try:
            done = subprocess.run(
                [str(self.binary), *arguments], env=environment, input=text or "", text=True, timeout=seconds,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except subprocess.TimeoutExpired:
            raise Failure(f"kubectl {' '.join(arguments)[:500]} did not end within {seconds} s") from None
        return Answer(arguments, done.returncode, done.stdout, done.stderr)

    def apply(self, *objects, verb="apply", options=(), seconds=60):
        """Applies objects in their order, as one list."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        return self(verb, "--filename", "-", *options, text=text, seconds=seconds)

    def create(self, *objects, options=(), seconds=60):
        return self.apply(*objects, verb="create", options=options, seconds=seconds)

    def get(self, *arguments):
        return self("get", *arguments, "--output", "json").json
