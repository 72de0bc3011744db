"""How many instructions a program executes, as Valgrind's callgrind counts them."""
import os
import pathlib
import re
import shutil

from .failure import Failure
from .prerequisites import program, run

SHIM = pathlib.Path(__file__).resolve().parent / "sigsuspend.c"


class Callgrind:
    """Counts for one binary."""

    def __init__(self, binary, folder):
        """`folder` gets a copy without debugging information, which Valgrind 3.19 cannot read."""
        self.folder = folder
        self.binary = folder / "portcullis"
        run([program("strip"), "--strip-debug", "-o", str(self.binary), str(binary)], 60)
        self.shim = folder / "sigsuspend.so"
        compiler = shutil.which("cc") or shutil.which("clang")
        if not compiler:
            raise Failure("neither cc nor clang is here, to compile what Valgrind needs")
        run([compiler, "-shared", "-fPIC", "-O1", "-o", str(self.shim), str(SHIM)], 60)

    def instructions(self, *arguments):
        environment = os.environ | {"SWIFT_DETERMINISTIC_HASHING": "1", "LD_PRELOAD": str(self.shim)}
        output = run(
            [program("valgrind"), "--tool=callgrind", "--callgrind-out-file=/dev/null", str(self.binary),
             *map(str, arguments)], 600, env=environment)
        found = re.search(r"Collected : (\d+)", output)
        if not found:
            raise Failure(f"callgrind counted nothing:\n{output[-4000:]}")
        return int(found[1])

    def of_each(self, few, many, command):
        """Instructions for each of the repetitions by which two runs differ: what a program does once cancels out."""
        return (self.instructions(*command(many)) - self.instructions(*command(few))) / (many - few)
