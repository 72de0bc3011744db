"""What a measurement needs before it starts: programs, the release build, reviews and an inventory."""
import os
import pathlib
import shutil
import subprocess
import sys

from .failure import Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Debian keeps nginx where only root's PATH leads.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
# What each program that `throughput` needs is in.
PACKAGES = {"nginx": "nginx-light", "wrk": "wrk", "setpriv": "util-linux"}


def say(sentence):
    """Progress goes to standard error, so that standard output is the report alone."""
    print(sentence, file=sys.stderr, flush=True)


def program(name):
    return shutil.which(name, path=SEARCH_PATH)


def run(command, seconds, status=0, **options):
    """Runs a command that must end with a status within its time; its output is shown where it does not."""
    try:
        done = subprocess.run(
            command, timeout=seconds, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, **options)
        if done.returncode != status:
            raise Failure(f"{' '.join(map(str, command))[:1000]} failed:\n{done.stdout[:4000]}")
        return done.stdout
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[0]} did not finish within {seconds} s") from None
    except OSError as error:
        raise Failure(f"{command[0]}: {error.strerror}") from None


def install_programs(packages=PACKAGES):
    """Installs what is missing through apt, and turns off the service that Debian starts with nginx."""
    missing = [package for name, package in packages.items() if not program(name)]
    if not missing:
        return
    apt = program("apt-get")
    if not apt:
        raise Failure(f"this machine has no apt-get; install what Debian calls {' '.join(missing)}")
    prefix = []
    if os.geteuid() != 0:
        if not program("sudo"):
            raise Failure(f"installing takes root: apt-get install {' '.join(missing)}")
        prefix = ["sudo"]
    prefix += ["env", "DEBIAN_FRONTEND=noninteractive"]
    say(f"installing {' '.join(missing)}")
    run([*prefix, apt, "update", "-qq"], 300)
    run([*prefix, apt, "install", "-y", "-qq", "--no-install-recommends", *missing], 600)
    if "nginx-light" in missing and pathlib.Path("/run/systemd/system").is_dir():
        # It would listen on every address.
        run([*prefix, "systemctl", "disable", "--now", "nginx"], 60)


def release_build(product="portcullis"):
    """The path of a release binary, brought up to date as `make build` does."""
    say(f"building {product} in release")
    run(["make", "--no-print-directory", "build", f"product={product}"], 3600, cwd=ROOT)
    return ROOT / ".build/release" / product


def shared_bench():
    """Where make_bench_data.py is."""
    shared = pathlib.Path(os.environ.get("PORTCULLIS_SHARED") or ROOT.parent / "shared")
    script = shared / "bench/make_bench_data.py"
    if not script.is_file():
        raise Failure(f"{script}: not there; it writes the reviews, so there is nothing to measure without it")
    return script


def make_data(folder):
    """Writes reviews and an inventory of the default size into a folder."""
    run([sys.executable, str(shared_bench()), str(folder)], 300)
    return folder
