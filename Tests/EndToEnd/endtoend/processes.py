"""Programs that run beside the scenarios, and commands that must end."""
import contextlib
import os
import signal
import subprocess
import time

from .failure import Failure


def run(command, seconds=60, text=None, status=0, **options):
    """Runs a command that must end with a status within its time, and returns what it printed."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(
            command, timeout=seconds, text=True, input=text or "", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)[:500]} did not end within {seconds} s") from None
    if done.returncode != status:
        raise Failure(f"{' '.join(command)[:500]} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def eventually(wanted, check, seconds=30, pause=0.2):
    """Asks again until the check gives something true, which is returned; `wanted` says what is waited for."""
    end = time.monotonic() + seconds
    last = None
    while True:
        try:
            found = check()
            if found:
                return found
            last = found
        except (Failure, OSError) as problem:
            last = problem
        if time.monotonic() > end:
            raise Failure(f"{wanted}: not within {seconds} s; last seen: {str(last)[-2000:]}")
        time.sleep(pause)


class Program:
    """A program that runs until it is ended, with its output in a file."""

    def __init__(self, name, command, log, **options):
        self.name, self.log = name, log
        self.command, self.options = [str(word) for word in command], options
        self.process = None

    def start(self):
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **self.options)

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def check_running(self):
        if not self.is_running:
            raise Failure(f"{self.name} ended with {self.process.returncode}:\n{self.last_words()}")
        return True

    def last_words(self, size=4000):
        with contextlib.suppress(OSError):
            return self.log.read_text(errors="replace")[-size:]
        return ""

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def wait(self, seconds):
        """The exit code; negative where a signal ended it."""
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {seconds} s:\n{self.last_words()}") from None

    def stop(self, seconds=30):
        if not self.is_running:
            return self.process.returncode if self.process else None
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self):
        if self.is_running:
            self.signal(signal.SIGKILL)
            self.wait(10)
