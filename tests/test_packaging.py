"""What is declared, locked and committed fits together: pyproject.toml, environment.yml, lock files, profiles."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from workflow.sources import sources

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

# Where conda-forge, or an import statement, says a package's name differently.
CONDA_NAMES = {
    "matplotlib-base": "matplotlib",
    "seaborn-base": "seaborn",
    "snakemake-minimal": "snakemake",
    "cupy": "cupy-cuda13x",
}
IMPORT_NAMES = {
    "yaml": "pyyaml",
    "mpl_toolkits": "matplotlib",
    "cupy": "cupy-cuda13x",
    "cupyx": "cupy-cuda13x",
    "netCDF4": "netcdf4",
    "llvmlite": "numba",  # whose intrinsics are written with it, in the version that it pins
}

LOCKS = {
    "requirements.lock": ("workflow", "test", "lint", "slurm"),
    "requirements-bench.lock": ("workflow", "bench"),
    "requirements-docs.lock": ("docs",),
    "requirements-gpu-cuda12.lock": ("gpu-cuda12",),
    "requirements-gpu-cuda13.lock": ("gpu-cuda13",),
}
MACHINES = [
    {"sys_platform": system, "platform_machine": machine, "python_full_version": f"3.{minor}.0"}
    for system, machine in (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))
    for minor in (11, 12, 13, 14)
]


def bounds(requirements):
    """{package: SpecifierSet}"""
    return {canonicalize_name(r.name): r.specifier for r in map(Requirement, requirements)}


def added(*extras):
    """{package: SpecifierSet} of the dependencies of `extras`."""
    return bounds(r for extra in extras for r in EXTRAS[extra])


def declared(*extras):
    """As `added`, with the main dependencies."""
    return bounds(PROJECT["dependencies"]) | added(*extras)


def locked(name, machine=MACHINES[0]):
    """{package: Version} on a machine; every line is a comment or one exact pin, perhaps for some platforms alone."""
    lines = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all(re.match(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; |$)", line) for line in lines), f"not an exact pin in {name}"
    pins = [pin for pin in map(Requirement, lines) if pin.marker is None or pin.marker.evaluate(machine)]
    versions = {pin.name: Version(str(pin.specifier).removeprefix("==")) for pin in pins}
    assert len(versions) == len(pins), f"two versions of a package in {name}"
    return versions


def committed():
    """Paths of the files that git tracks."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "name, extras",
    {
        "environment.yml": ("workflow", "test", "lint", "slurm"),
        "workflow/envs/engine.yaml": (),
        "workflow/envs/gpu.yaml": ("gpu-cuda13",),
    }.items(),
)
def test_environments_of_conda_and_pyproject_are_the_same_set(name, extras):
    environment = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    conda = {package: spec for package, _, spec in (entry.partition(" ") for entry in environment["dependencies"])}
    assert conda.pop("python") == PROJECT["requires-python"]
    assert {CONDA_NAMES.get(name, name): SpecifierSet(spec) for name, spec in conda.items()} == declared(*extras)


def test_both_versions_of_cuda_get_the_same_cupy():
    cuda12, cuda13 = (EXTRAS[f"gpu-cuda{n}"] for n in (12, 13))
    assert [r.replace("cuda12x", "cuda13x") for r in cuda12] == cuda13


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: "-".join(machine.values()))
@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_what_is_declared_within_its_bounds(name, machine):
    pins, extras = locked(name, machine), LOCKS[name]
    for package, allowed in (declared if "workflow" in extras else added)(*extras).items():
        assert package in pins, f"{name} does not pin {package}: make lock"
        assert pins[package] in allowed, f"{name} pins {package}=={pins[package]}, not {allowed}: make lock"


@pytest.mark.parametrize("name", [name for name in LOCKS if "gpu" in name])
def test_cupy_changes_no_version(name):
    main = locked("requirements.lock")
    assert {package: main[package] for package in locked(name) if package in main}.items() <= locked(name).items()


def test_benchmarks_measure_the_versions_that_the_workflow_uses():
    main, bench = locked("requirements.lock"), locked("requirements-bench.lock")
    for package in declared():
        assert bench[package] == main[package]


@pytest.mark.parametrize(
    "folder, extras",
    [
        ("engine", ("gpu-cuda13",)),
        ("workflow", ("workflow",)),
        ("tests", ("test", "workflow", "gpu-cuda13", "frameworks")),
        ("tools", ("docs", "frameworks")),
        ("benchmarks", ("bench", "gpu-cuda13")),
    ],
)
def test_whatever_is_imported_is_declared(folder, extras):
    ours = {name for path in committed() for name in (path.stem, path.relative_to(ROOT).parts[0])}
    for path in (p for p in committed() if p.suffix == ".py" and p.is_relative_to(ROOT / folder)):
        for name in imports(path.read_text(encoding="utf-8")) - set(sys.stdlib_module_names) - ours:
            package = IMPORT_NAMES.get(name, canonicalize_name(name))
            assert package in declared(*extras), f"{path.relative_to(ROOT)} imports {name}"


def test_jobs_need_no_more_than_the_engine():
    scripts = [str(path.relative_to(ROOT)) for path in (ROOT / "workflow" / "scripts").glob("*.py")]
    files = {path for script in scripts for path in [script, *sources(script, ROOT)] if path.endswith(".py")}
    found = {name for path in files for name in imports((ROOT / path).read_text(encoding="utf-8"))}
    packages = {IMPORT_NAMES.get(name, name) for name in found - set(sys.stdlib_module_names) - {"engine", "workflow"}}
    assert packages <= declared("gpu-cuda13").keys()


def test_the_engine_is_installed_whole(tmp_path):
    """A wheel holds every source, CUDA's too, which Python does not look for; it is imported from elsewhere."""
    pytest.importorskip("setuptools", minversion="77")
    house, site = tmp_path / "house", tmp_path / "site"
    shutil.copytree(ROOT / "engine", house / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, house)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", tmp_path, house], check=True)
    [wheel] = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    sources_in = [{str(path.relative_to(top)) for path in (top / "engine").rglob("*.*")} for top in (house, site)]
    assert sources_in[0] == sources_in[1] and any(name.endswith(".cu") for name in sources_in[0])
    code = "import engine.network.gradient_cuda as module; print(module.__file__)"
    said = subprocess.run([sys.executable, "-c", code], cwd=site, capture_output=True, text=True)
    assert said.stdout.startswith(str(site)), said.stderr


def imports(source):
    """Top-level names of the modules that a source file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def test_no_committed_file_names_a_package_index_or_a_path_of_one_machine():
    # The brackets keep the pattern from finding itself.
    found = re.compile(
        rb"find[-]links|index[-]url|trusted[-]host|python[h]osted|pypi[.]org|[f]ile://"
        rb"|(?<![\w.-])/(?:[o]pt|[w]ork|[r]oot)/\w"
    )
    hits = [
        f"{path.relative_to(ROOT)}: {m[0].decode()}" for path in committed() for m in found.finditer(path.read_bytes())
    ]
    assert not hits


def test_the_changelog_begins_with_this_version():
    assert (
        re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[1]
        == PROJECT["version"]
    )


def test_the_hooks_are_those_of_make_lint():
    hooks = [
        hook
        for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
        for hook in repo["hooks"]
    ]
    lint = (ROOT / "Makefile").read_text(encoding="utf-8")
    for hook in hooks:
        assert hook["entry"].split(" --")[0].replace(".venv/bin/python", "$(PY)") in lint, hook["id"]


def test_the_host_checks_the_oldest_python():
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]["test"]
    assert f">={job['strategy']['matrix']['python'][0]}" == PROJECT["requires-python"]
    assert job["steps"][-1] == {"run": ".ci/run"}


def test_citation_names_the_software_and_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # what the format requires
    assert (citation["title"], citation["license"]) == (PROJECT["name"], PROJECT["license"])
    [paper] = citation["references"]
    assert {"type", "title", "authors"} <= paper.keys()
    assert paper["identifiers"][0]["value"] == "arXiv:2508.12121"


@pytest.mark.parametrize("name", ["a b", "a'b", 'a"b', "a$b", "a:b", "a(b"])
def test_a_folder_whose_path_commands_cannot_hold_is_refused_first(tmp_path, name):
    said = make(tmp_path / name, "smoke")
    assert said.returncode == 2 and said.stdout == "" and len(said.stderr.splitlines()) == 1
    assert f"a space, a quote or another special character: {tmp_path / name}. Move the folder" in said.stderr


@pytest.mark.parametrize("name", ["a-b_c.d", "é", "a+b=c@d~e%f"])
def test_other_paths_are_fine(tmp_path, name):
    assert "make paper" in make(tmp_path / name, "help").stdout


def make(folder, target):
    """Runs make in a folder that holds the Makefile alone."""
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    return subprocess.run(["make", "--no-print-directory", target], cwd=folder, capture_output=True, text=True)


def test_the_gpu_profile_asks_a_gpu_for_every_rule_that_can_use_one():
    rules = {
        name
        for path in (ROOT / "workflow" / "rules").glob("*.smk")
        for name, body in re.findall(
            r"^rule (\w+):\n((?:[ \t].*\n|\n)+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        if re.search(r"^\s+gpu=", body, re.MULTILINE)
    }
    profile = yaml.safe_load((ROOT / "profiles" / "gpu" / "config.yaml").read_text(encoding="utf-8"))
    assert profile["set-resources"] == {rule: {"gpu": 1} for rule in rules}


def test_the_gpu_profile_caps_nothing():
    """It adds to one for a machine or for a cluster, whose caps hold.

    Cores in it would be those of the machine that submits, and Snakemake would lower the threads of every job to them.
    """
    profile = yaml.safe_load((ROOT / "profiles" / "gpu" / "config.yaml").read_text(encoding="utf-8"))
    assert profile.keys() == {"set-resources", "set-threads"}


def test_no_profile_takes_the_gpu_away_in_silence():
    # Snakemake lowers what a job asks for to the cap: with gpu: 0 a job that was told to use the GPU runs on the CPU.
    profile = yaml.safe_load((ROOT / "profiles" / "default" / "config.yaml").read_text(encoding="utf-8"))
    assert profile["resources"]["gpu"] >= 1


@pytest.mark.parametrize("rule", ["conda: ENVIRONMENT", 'conda: "../envs/engine.yaml"'])
def test_jobs_have_small_environments(rule):
    """Those that can use a GPU the one that common.smk chooses, all others the engine's."""
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for body in re.findall(r"^rule \w+:\n((?:[ \t].*\n|\n)+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            can_use_gpu = bool(re.search(r"^\s+gpu=", body, re.MULTILINE))
            assert (rule in re.sub(r"conda:\s+", "conda: ", body)) == (can_use_gpu == rule.endswith("ENVIRONMENT"))
