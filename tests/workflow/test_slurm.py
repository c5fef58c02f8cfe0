"""The workflow on a real Slurm of one node: through sbatch, on a GPU that is none, killed for memory and for time."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from house import ROOT, SMOKE, copy_of_the_house, snakemake, snakemake_started, wait_until

pytestmark = pytest.mark.slurm

SCRIPTS = ROOT / "tests" / "slurm"
CONF = Path("/etc/slurm/slurm.conf")
PROFILE = ("--workflow-profile", "profiles/slurm")
FIGURE = "results/smoke/figures/effective_lr/fresh/adding/multi.png"
BY_SBATCH = "results/smoke/effective_lr/fresh/adding/multi.nc"

# One job grows past what it asked for, the other trains on and on.
GREEDY = {"run": "greedy", "seeds": [1], "units": 128, "experiments": ["expansion", "effective_lr"]}
GREEDY |= {"expansion": {"T": 3_000_000}, "effective_lr": {"updates": 10_000_000}}


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A real Slurm of one node, started for these tests and stopped after them."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a Slurm")
    if not all(map(shutil.which, ("slurmctld", "slurmd", "sbatch", "munged"))):
        pytest.skip("Slurm is not installed: tests/slurm/install does it, on a Debian made for tests")
    if CONF.exists() and "Written by tests/slurm/start" not in CONF.read_text(encoding="utf-8"):
        pytest.skip(f"{CONF} is not from tests/slurm/start: this machine seems to belong to a cluster")
    state = tmp_path_factory.mktemp("slurm")
    try:
        subprocess.run([SCRIPTS / "start", state], check=True)
        yield
    finally:
        subprocess.run([SCRIPTS / "stop", state], check=True)


@pytest.fixture(scope="module")
def runs(slurm, tmp_path_factory):
    """Two runs side by side, since one waits for a limit of a minute: {name: (folder, Slurm's jobs, what was said)}."""
    sound, greedy = (copy_of_the_house(tmp_path_factory.mktemp(name)) for name in ("sound", "greedy"))
    (greedy / "greedy.yaml").write_text(yaml.safe_dump(GREEDY), encoding="utf-8")
    greedy_run = snakemake_started(
        *(greedy, *PROFILE, "--configfile", "greedy.yaml", "--retries", "0"),
        *("--slurm-init-seconds-before-status-checks", "1"),  # that is, jobs are looked at after 11, 32, 63, 104 s
        *("--set-resources", "expansion:mem_mb=400", "train:runtime=1"),
        *("--", "results/greedy/expansion/multi.nc", "results/greedy/training/effective_lr/fresh/adding/multi-sgd.nc"),
    )
    sound_run = snakemake_started(
        *(sound, *PROFILE, *SMOKE, "--retries", "1", "--config", "seeds_per_job=1"),
        *("--set-resources", "expansion:gpu=1", "effective_lr:mem_mb=50 if attempt == 1 else 1100"),
        *("--", FIGURE, "results/smoke/expansion/multi.nc"),
    )
    try:
        sound_run.wait(600)
        wait_until(lambda: "DUE TO TIME LIMIT" in (greedy / "said").read_text(encoding="utf-8"), 600)
    finally:
        for run in (greedy_run, sound_run):
            run.kill()  # with nothing left to do, Snakemake would end after its next look at the jobs, a minute later
            run.wait()
    listed = subprocess.run(["scontrol", "--oneliner", "show", "job"], capture_output=True, text=True, check=True)
    lines = listed.stdout.splitlines()
    jobs = {folder: [job for job in lines if f"WorkDir={folder} " in job] for folder in (sound, greedy)}
    named = {"sound": sound, "greedy": greedy}
    return {
        name: (folder, jobs[folder], (folder / "said").read_text(encoding="utf-8")) for name, folder in named.items()
    }


def test_the_smoke_run_goes_through_sbatch_and_gives_the_same_bytes(runs, tmp_path):
    folder, jobs, said = runs["sound"]
    assert (folder / FIGURE).exists(), said
    # Two seeds trained and measured one by one, and a figure; what joins them runs here.
    assert sum("JobState=COMPLETED" in job for job in jobs) == 5
    here = copy_of_the_house(tmp_path, folder)
    assert snakemake(here, *SMOKE, "--", BY_SBATCH).returncode == 0
    assert (here / BY_SBATCH).read_bytes() == (folder / BY_SBATCH).read_bytes()


def test_a_gpu_job_is_given_the_gpu_and_says_that_it_is_none(runs):
    folder, jobs, said = runs["sound"]
    given = [job for job in jobs if "TresPerJob=gres:gpu:1" in job]
    assert given and all("JobState=FAILED" in job for job in given)
    assert "expansion: gpu = 1 was asked for, but" in said
    assert not list((folder / "results/smoke/expansion").glob("*"))


def test_a_job_killed_for_memory_is_tried_again_with_more(runs):
    _, jobs, _ = runs["sound"]
    killed, again = ([job for job in jobs if f"mem={asked}M" in job] for asked in (50, 1100))
    assert len(killed) == len(again) == 2, "one a seed"
    assert all("JobState=FAILED" in job for job in killed)
    assert all("JobState=COMPLETED" in job for job in again)


def test_a_run_that_ends_for_memory_names_it(runs):
    folder, jobs, said = runs["greedy"]
    assert any("mem=400M" in job and "JobState=FAILED" in job for job in jobs)
    assert "expansion: asked for 400 MB" in said
    assert "exceeded memory limit" in said
    assert not (folder / "results/greedy/expansion/multi.nc").exists()


def test_a_run_that_ends_for_time_names_it(runs):
    folder, jobs, said = runs["greedy"]
    assert any("TimeLimit=00:01:00" in job and "JobState=TIMEOUT" in job for job in jobs)
    assert "SLURM status is: 'TIMEOUT'" in said
    assert "and 1 min" in said
    assert not (folder / "results/greedy/training/effective_lr/fresh/adding/multi-sgd.nc").exists()
