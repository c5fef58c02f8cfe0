"""Runs cut off or disturbed: nothing wrong is left that looks right, and the next run repairs it or says what to do."""

import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
import xarray as xr
from house import copy_of_the_house, planned, snakemake, snakemake_started, wait_until

# A training of a few seconds, and what is measured on it.
BRIEF = ("--configfile", "config/smoke.yaml", "brief.yaml")
SETTINGS = "effective_lr: {updates: 4000, checkpoints: [0, 4000], cells: [multi]}\n"
TRAINED = "results/smoke/training/effective_lr/fresh/adding/multi-sgd.nc"
MEASURED = "results/smoke/effective_lr/fresh/adding/multi.nc"
LOG = "results/smoke/logs/training/effective_lr/fresh/adding/multi-sgd.log"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A folder with an undisturbed run."""
    folder = copy_of_the_house(tmp_path_factory.mktemp("sound"))
    (folder / "brief.yaml").write_text(SETTINGS, encoding="utf-8")
    assert brief(folder).returncode == 0
    return folder


@pytest.fixture
def house(sound, tmp_path):
    """The same without results."""
    copy_of_the_house(tmp_path, sound)
    (tmp_path / "brief.yaml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def finished(sound, tmp_path):
    """The same with results."""
    return shutil.copytree(sound, tmp_path / "finished")


def brief(folder, *words):
    return snakemake(folder, *BRIEF, *words, "--", MEASURED)


@contextmanager
def training(folder):
    """A run whose training is under way."""
    run = snakemake_started(folder, "--cores", "1", *BRIEF, "--", MEASURED)
    try:
        wait_until(
            lambda: (folder / LOG).exists() and "train: asked for" in (folder / LOG).read_text(encoding="utf-8"), 300
        )
        yield run
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()


def process(run, script):
    """The id of the process of a run that executes `script`; None where there is none."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            session = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[3])
            if session == run.pid and f".{script}" in (folder / "cmdline").read_text(encoding="utf-8"):
                return int(folder.name)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return None


def files(folder):
    """All files of results, hidden ones too, but for logs."""
    return sorted(path.name for path in (folder / "results").rglob("*") if path.is_file() and path.suffix != ".log")


def assert_repaired(folder, sound):
    said = brief(folder)
    assert said.returncode == 0, said.stderr
    assert files(folder) == files(sound)
    for name in (TRAINED, MEASURED):
        assert (folder / name).read_bytes() == (sound / name).read_bytes(), name


def test_a_killed_job(house, sound):
    with training(house) as run:
        os.kill(process(run, "train.py"), signal.SIGKILL)
        assert run.wait(300) != 0
    said = (house / "said").read_text(encoding="utf-8")
    assert "Error in rule train" in said and "SIGKILL" in said and LOG in said
    assert files(house) == []
    assert_repaired(house, sound)


def test_a_job_killed_while_it_writes(house, sound):
    """What it leaves is hidden, and goes with the next run."""
    (house / TRAINED).parent.mkdir(parents=True)
    (house / TRAINED).with_name(f".12345-{Path(TRAINED).name}").write_bytes(b"half")
    assert_repaired(house, sound)


def test_a_killed_snakemake(house, sound):
    """Its job goes on alone; the next run is not begun by mistake beside it, and says what to do."""
    with training(house) as run:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        assert process(run, "train.py")
        said = brief(house)
        assert said.returncode != 0
        assert "It can be removed with the --unlock argument" in said.stdout + said.stderr
        assert brief(house, "--unlock").returncode == 0
        assert_repaired(house, sound)
        wait_until(lambda: process(run, "train.py") is None, 300)
    assert files(house) == files(sound)


@pytest.fixture
def small_disk(house):
    """A disk of 40 kB at results/; yields the means to make it larger."""

    def mount(*options):
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", house / "results"], check=False
        )

    (house / "results").mkdir()
    if os.geteuid() != 0 or mount("size=40k").returncode != 0:
        pytest.skip("a small disk can be mounted by root only, and where mounting is permitted")
    yield lambda: mount("remount", "size=40m")
    subprocess.run(["umount", "--lazy", house / "results"], check=True)


def test_a_full_disk(house, sound, small_disk):
    said = brief(house)
    assert said.returncode != 0
    assert f"{TRAINED} could not be written" in said.stderr and "MB are free there" in said.stderr
    assert files(house) == []
    small_disk()
    assert_repaired(house, sound)


def read_only(path):
    """Makes a file read-only, for root too; returns how to undo it."""
    path.chmod(0o444)
    if os.geteuid() != 0:
        return lambda: path.chmod(0o644)
    bound = [
        subprocess.run(["mount", *how, path], check=False) for how in (["--bind", path], ["-o", "remount,bind,ro"])
    ]
    if any(done.returncode for done in bound):
        pytest.skip("root may write to any file, and mounting is not permitted")
    return lambda: subprocess.run(["umount", path], check=True)


def test_an_output_made_read_only(finished, sound):
    before = (finished / TRAINED).read_bytes()
    undo = read_only(finished / TRAINED)
    try:
        (finished / "brief.yaml").write_text(SETTINGS + "optimizers: {sgd: {rate: 0.02}}\n", encoding="utf-8")
        said = brief(finished)
        assert said.returncode != 0
        assert "Write-protected output files for rule train" in said.stdout + said.stderr
        assert TRAINED in said.stdout + said.stderr
        assert (finished / TRAINED).read_bytes() == before
    finally:
        undo()
    (finished / "brief.yaml").write_text(SETTINGS, encoding="utf-8")
    assert_repaired(finished, sound)


def test_a_truncated_file(finished, sound):
    os.truncate(finished / TRAINED, 5000)
    said = brief(finished)
    assert said.returncode != 0
    assert f"{TRAINED} is not a whole NetCDF file" in said.stderr and "delete it and run again" in said.stderr
    assert not (finished / MEASURED).exists()
    (finished / TRAINED).unlink()
    assert_repaired(finished, sound)


def test_two_runs_at_once(house, sound):
    with training(house) as run:
        os.killpg(run.pid, signal.SIGSTOP)  # or it might end before the other starts
        said = brief(house)
        os.killpg(run.pid, signal.SIGCONT)
        assert said.returncode != 0
        assert (
            "make sure that no other Snakemake process is trying to create the same files" in said.stdout + said.stderr
        )
        assert run.wait(300) == 0
    assert_repaired(house, sound)


def rates(folder):
    return [xr.open_dataset(folder / name).config.count('"rate": 0.02') for name in (TRAINED, MEASURED)]


def test_a_configuration_edited_meanwhile(house):
    """The run goes on as it began; the next one makes what the edit changes."""
    with training(house) as run:
        (house / "brief.yaml").write_text(SETTINGS + "optimizers: {sgd: {rate: 0.02}}\n", encoding="utf-8")
        assert run.wait(300) == 0
    assert rates(house) == [0, 0]
    assert planned(house, "--", MEASURED, config=BRIEF) == {"train": 1, "effective_lr": 1}
    assert brief(house).returncode == 0
    assert rates(house) == [1, 1]


def test_a_configuration_edited_before_a_job_of_a_cluster_reads_it(house, monkeypatch):
    monkeypatch.setenv("CONFIGURATION_OF_THE_RUN", "what it was when the run began")
    said = brief(house)
    assert said.returncode != 0
    assert "configuration: it was edited while the run went on" in said.stderr
    assert not (house / "results").exists()


def test_code_edited_while_a_job_runs(house, sound):
    """The job holds the code as it was, and its file would be newer than the edit."""
    code = house / "engine" / "training" / "train.py"
    before = code.read_text(encoding="utf-8")
    with training(house) as run:
        code.write_text(before + "# edited\n", encoding="utf-8")
        assert run.wait(300) != 0
    said = f"train: edited while this job ran: {house}/engine/training/train.py. Run again"
    assert said in (house / "said").read_text(encoding="utf-8")
    assert files(house) == []
    code.write_text(before, encoding="utf-8")
    assert_repaired(house, sound)


def test_a_long_training_goes_on_from_what_it_kept(sound, tmp_path):
    """Kept twice a second here, not every two minutes; else the code is the same, and so are the bits of the result."""
    copy_of_the_house(tmp_path, sound)
    code = tmp_path / "engine" / "training" / "checkpoint.py"
    code.write_text(code.read_text(encoding="utf-8").replace("INTERVAL = 120.0", "INTERVAL = 0.5"), encoding="utf-8")
    (tmp_path / "brief.yaml").write_text(SETTINGS, encoding="utf-8")
    kept = (tmp_path / TRAINED).with_name(".multi-sgd.nc.resume.npz")
    with training(tmp_path) as run:
        wait_until(kept.exists, 300)
        os.kill(process(run, "train.py"), signal.SIGKILL)
        assert run.wait(300) != 0
    assert files(tmp_path) == [kept.name]
    assert brief(tmp_path).returncode == 0
    assert re.search(
        r"adding multi-sgd: goes on from update \d\d+ of seeds \[1, 2\]", (tmp_path / LOG).read_text(encoding="utf-8")
    )
    assert files(tmp_path) == files(sound)
    for name in (TRAINED, MEASURED):
        resumed, undisturbed = (xr.load_dataset(folder / name) for folder in (tmp_path, sound))
        xr.testing.assert_equal(resumed, undisturbed)
