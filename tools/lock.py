"""Writes the lock files from pyproject.toml: `make lock`, with the oldest Python that the project supports.

pip resolves each environment without installing it; names and versions are kept, never where a file came from.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent

# name: (what it is for, extras of pyproject.toml)
LOCKS = {
    "requirements.lock": ("what .venv holds: the workflow, its tests and linters, Slurm", ("test", "lint", "slurm")),
    "requirements-bench.lock": ("what .venv-bench holds: the workflow and the peers of `make bench`", ("bench",)),
    "requirements-gpu-cuda12.lock": ("what `make paper PROFILE=gpu CUDA=12` adds to .venv", ("gpu-cuda12",)),
    "requirements-gpu-cuda13.lock": ("what `make paper PROFILE=gpu CUDA=13` adds to .venv", ("gpu-cuda13",)),
}

HEADER = """\
# gate-timescales: {what}.
# Made by `make lock` from pyproject.toml on Python {python}; not edited by hand.
# No hashes: a hash names one file, and files differ by platform, by build and by index; a version holds everywhere.
# On another platform or Python, pip adds what these packages need there and not here.
"""


def main():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    python = project["requires-python"].removeprefix(">=")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if here != python:
        sys.exit(f"lock: versions found for Python {here} may not run on {python}: make lock PYTHON=python{python}")
    main_pins = {}
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        for name, (what, extras) in LOCKS.items():
            pins = resolve(
                project["dependencies"] + [r for extra in extras for r in project["optional-dependencies"][extra]],
                Path(folder),
            )
            main_pins = main_pins or pins
            if "gpu" in name:  # added to an environment that holds the others
                pins = {package: version for package, version in pins.items() if package not in main_pins}
            lines = [f"{package}=={version}\n" for package, version in sorted(pins.items())]
            (ROOT / name).write_text(HEADER.format(what=what, python=python) + "".join(lines))
            print(f"{name}: {len(lines)} packages")


def resolve(requirements, folder):
    """{package: version}: the newest that satisfy `requirements` and all they need, by the pip of the venv `folder`."""
    report = folder / "report.json"
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--dry-run", "--ignore-installed", "-qq"]
    if subprocess.run([*pip, "--report", report, *requirements]).returncode:
        sys.exit("lock: pip found no versions that go together")
    packages = [entry["metadata"] for entry in json.loads(report.read_text())["install"]]
    # A local label (2.13.0+cpu) names a build, not a release.
    return {re.sub(r"[-_.]+", "-", p["name"]).lower(): p["version"].partition("+")[0] for p in packages}


if __name__ == "__main__":
    main()
