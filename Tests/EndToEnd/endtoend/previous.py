"""Programs of earlier commits, kept so that a later one can be tested beside them."""
import os
import pathlib
import shutil
import subprocess

_KEPT = 3


def _git(root, *words):
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    return done.stdout.split() if done.returncode == 0 else []


def _folder():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "portcullis/programs"


def find(root):
    """The program of the latest earlier commit of which one was kept, or None."""
    for commit in _git(root, "rev-list", "--max-count=200", "HEAD~1"):
        if (_folder() / commit).is_file():
            return _folder() / commit
    return None


def keep(root, program):
    """Keeps the program for later commits, where it is that of a commit."""
    commit = _git(root, "rev-parse", "HEAD")
    if not commit or _git(root, "status", "--porcelain", "--", "Sources", "Package.swift"):
        return
    _folder().mkdir(parents=True, exist_ok=True)
    shutil.copy(program, _folder() / commit[0])
    for old in sorted((path for path in _folder().iterdir() if not path.name.startswith(".")), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.unlink()
