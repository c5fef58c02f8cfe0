"""Provenance of a result: code, configuration and libraries; nothing that changes from run to run."""

import json
import subprocess
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
REFERENCE = "L. Livi, Time-Scale Coupling Between States and Parameters in Recurrent Neural Networks, arXiv:2508.12121"
LIBRARIES = ("numpy", "scipy", "numba", "xarray", "netcdf4")


def provenance(title, settings, dtype, device):
    """Global attributes of a result: `settings` is the resolved configuration, `device` a backend.Device."""
    commit, dirty = git_state()
    return {
        "title": title,
        "references": REFERENCE,
        "git_commit": commit,
        "git_dirty": dirty,
        "engine_sha256": engine_hash(),
        "config": json.dumps(settings, sort_keys=True),
        "array_backend": device.backend,
        "device": device.name,
        "dtype": dtype,
        "library_versions": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }


def file_attributes(holds, path):
    """Attributes that say from which file of the user's something is: its name and the SHA-256 of its bytes."""
    return {f"{holds}_file": Path(path).name, f"{holds}_sha256": sha256(Path(path).read_bytes()).hexdigest()}


def git_state():
    """The commit, and whether tracked files differ from it ("yes", "no"); "unknown" outside a git checkout."""

    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD"), "yes" if git("status", "--porcelain", "--untracked-files=no") else "no"
    except (OSError, subprocess.CalledProcessError):
        return "unknown", "unknown"


def engine_hash():
    """SHA-256 over the engine's source files, Python and CUDA, by name."""
    digest = sha256()
    for path in sorted(path for path in (ROOT / "engine").rglob("*") if path.suffix in (".py", ".cu")):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
