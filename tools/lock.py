"""Writes the lock files from pyproject.toml: `make lock`.

uv finds versions for all platforms and Pythons at once, and takes them from where its own settings say, not pip's. A
lock names packages, versions and the platforms that need them, never where a file came from: plain pip installs it.
"""

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAIN = "requirements.lock"

# name: (what it is for, lists of requirements: the main one and extras of pyproject.toml)
LOCKS = {
    MAIN: ("what .venv holds", ("dependencies", "workflow", "test", "lint", "slurm")),
    "requirements-bench.lock": (
        "what .venv-bench holds, the peers of `make bench` among it",
        ("dependencies", "workflow", "bench"),
    ),
    "requirements-docs.lock": ("what .venv-docs holds: what makes the site of `make docs`", ("docs",)),
    "requirements-gpu-cuda12.lock": ("what `make paper PROFILE=gpu CUDA=12` adds to .venv", ("gpu-cuda12",)),
    "requirements-gpu-cuda13.lock": ("what `make paper PROFILE=gpu` adds to .venv", ("gpu-cuda13",)),
}
# Libraries of CUDA that PyTorch wants on Linux, unless it is a build for CPUs: pip adds them where that is so.
NOT_PINNED = {"requirements-bench.lock": ("cuda-", "nvidia-", "triton")}

HEADER = """\
# gate-timescales: {what}.
# Made by `make lock` from pyproject.toml for every platform and Python {python}; not edited by hand.
# No hashes: a hash names one file, and files differ by platform, by build and by index; a version holds everywhere.
"""


def main():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = {"dependencies": project["dependencies"]} | project["optional-dependencies"]
    python = project["requires-python"]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / "bin"
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", "uv>=0.9"], check=True)
        for name, (what, names) in LOCKS.items():
            pins = resolve(
                programs / "uv",
                [requirement for key in names for requirement in lists[key]],
                python.removeprefix(">="),
                [ROOT / MAIN] if "gpu" in name else [],  # added to an environment that holds those
            )
            lines = [line for line in pins if not line.startswith(NOT_PINNED.get(name, ()))]
            text = HEADER.format(what=what, python=python) + "".join(lines)
            (ROOT / name).write_text(text, encoding="utf-8")
            print(f"{name}: {len(lines)} packages")


def resolve(uv, requirements, python, constraints):
    """Lines of a requirements file: the newest versions, one of each package, that satisfy `requirements`."""
    command = [uv, "pip", "compile", "-", "--universal", "--python-version", python, "--fork-strategy", "fewest"]
    command += ["--quiet", "--no-header", "--no-annotate"] + [word for file in constraints for word in ("-c", file)]
    said = subprocess.run(command, input="\n".join(requirements), stdout=subprocess.PIPE, text=True)
    if said.returncode:
        sys.exit("lock: uv found no versions that go together")
    return said.stdout.splitlines(keepends=True)


if __name__ == "__main__":
    main()
