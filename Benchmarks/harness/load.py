"""One round of load: wrk with one thread and sixteen connections."""
import json
import pathlib
import subprocess

from .failure import Failure
from .prerequisites import program

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "rotate.lua"
CONNECTIONS = 16


def write_list(folder, paths):
    """Writes the file that tells wrk what to rotate through."""
    listing = folder / f"{paths[0].parent.name}.list"
    listing.write_text("".join(f"{path}\n" for path in paths))
    return listing


def apply(server, listing, seconds):
    """Loads a server for so many seconds; what wrk measured, with `rate` in requests a second.

    A round with an error or a status of 400 and more is no measurement.
    """
    command = [
        program("setpriv"), "--pdeathsig", "KILL", "--", program("wrk"), "--threads", "1", "--connections",
        str(CONNECTIONS), "--duration", f"{seconds}s", "--timeout", "10s", "--script", str(SCRIPT), server.url,
        "--", str(listing)]
    try:
        done = subprocess.run(
            command, timeout=seconds + 30, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        raise Failure(f"wrk did not end {seconds + 30} s after it began to load {server.name}") from None
    server.check_running()
    try:
        result = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise Failure(f"wrk failed at {server.name}:\n{done.stdout}") from None
    errors = {name: count for name, count in result["errors"].items() if count}
    if errors or not result["requests"]:
        raise Failure(f"{server.name} did not answer all of wrk's requests: {errors or 'none was answered'}")
    result["rate"] = result["requests"] / (result["duration"] / 1e6)
    return result
