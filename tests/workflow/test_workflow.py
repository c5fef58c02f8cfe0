"""The workflow as a user meets it: planned, run, run again, edited, mistyped. In a copy, from nothing."""

import json
import re
import sys

import netCDF4
import numpy as np
import pytest
import xarray as xr
from house import SMOKE, copy_of_the_house, planned, snakemake

from workflow import targets

# {rule: kind of its files}, where the two have different names.
KINDS = {"train": "training", "differences_slope": "slopes", "import_network": "weights"}
KINDS |= {"measure_network": "networks"}


def test_the_paper_can_be_planned(tmp_path):
    """The plan is told; what this machine could not hold is no error in a dry run."""
    said = snakemake(copy_of_the_house(tmp_path), "--dry-run", "--quiet", "--config", "units=100000")
    assert said.returncode == 0, said.stderr
    assert "the longest job, " in said.stdout and " GB, and this machine or container has " in said.stdout


def test_a_target_misspelled_is_one_line(tmp_path):
    asked, there = (f"results/paper/effective_lr/fresh/adding/{cell}.nc" for cell in ("mutli", "multi"))
    said = snakemake(copy_of_the_house(tmp_path), "--dry-run", "--quiet", "--", asked)
    words = said.stdout + said.stderr
    assert said.returncode != 0 and "Traceback" not in words
    assert f"no rule makes {asked}, did you mean '{there}'?" in words


def test_the_catalogue_finds_the_same_workflow(tmp_path):
    folder = copy_of_the_house(tmp_path)
    here, there = planned(folder), planned(folder, "-s", "workflow/Snakefile")
    assert here.pop("all") == there.pop("default") and here == there


IMPORTED = "results/smoke/networks/example/weights.nc"


@pytest.fixture
def house_and_project(tmp_path):
    """The repository, and a folder of someone who uses it from outside."""
    for name in ("house", "project"):
        (tmp_path / name).mkdir()
    return copy_of_the_house(tmp_path / "house"), tmp_path / "project"


def test_another_workflow_takes_it_as_a_module(house_and_project):
    house, project = house_and_project
    module = f'module timescales:\n    snakefile: "{house}/workflow/Snakefile"\nuse rule * from timescales\n'
    (project / "Snakefile").write_text(module, encoding="utf-8")
    words = ("--configfile", "../house/config/smoke.yaml")
    assert planned(project, config=words) == planned(house, "-s", "workflow/Snakefile")
    said = snakemake(project, *words, "--", IMPORTED)
    assert said.returncode == 0, said.stderr
    assert (project / IMPORTED).exists() and not (house / "results").exists()


@pytest.mark.parametrize("within, words", [("project", ("-s", "../house/Snakefile")), ("house", ("-d", "../project"))])
def test_results_lie_in_the_working_directory(house_and_project, within, words):
    house, project = house_and_project
    said = snakemake(project.parent / within, *words, "--configfile", "../house/config/smoke.yaml", "--", IMPORTED)
    assert said.returncode == 0, said.stderr
    assert (project / IMPORTED).exists() and not (house / "results").exists()


FIGURES = """
    alignment/fresh/adding       alignment/fresh/narma10      alignment/one_batch/adding   alignment/one_batch/narma10
    anisotropy/adding            anisotropy/narma10           claims                       networks
    coupling/fresh               coupling/one_batch           expansion/multi              expansion/scalar
    effective_lr/fresh/adding/leaky    effective_lr/fresh/adding/multi    effective_lr/fresh/adding/scalar
    gates/fresh/adding           gates/fresh/effective_lr     gates/fresh/narma10          predictors/fresh/adding
    gates/one_batch/adding       gates/one_batch/narma10      steps/fresh/multi-sgd        steps/one_batch/multi-sgd
    time_scales/fresh/adding     time_scales/fresh/narma10    time_scales/one_batch/adding time_scales/one_batch/narma10
    long_lags/fresh/adding       long_lags/fresh/narma10      long_lags/one_batch/adding   long_lags/one_batch/narma10
    unit_rates/fresh/adding/leaky      unit_rates/fresh/adding/multi      unit_rates/fresh/adding/scalar
"""
NUMBERED = {
    "figure_01": "expansion/scalar",
    "figure_02": "expansion/multi",
    "figure_03": "effective_lr/fresh/adding/leaky",
    "figure_04": "effective_lr/fresh/adding/scalar",
    "figure_05": "effective_lr/fresh/adding/multi",
    "figure_06": "anisotropy/adding",
    "figure_10": "anisotropy/narma10",
}


def test_smoke_makes_every_figure_in_both_formats(smoke):
    figures = smoke[0] / "results" / "smoke" / "figures"
    made = [path for path in figures.rglob("*") if path.is_file()]
    named = {figures / f"{name}.{ending}" for name in FIGURES.split() for ending in ("pdf", "png")}
    assert set(made) == named
    assert all(path.stat().st_size > 5000 for path in made)


def test_what_the_paper_has_is_there_under_its_number(smoke):
    results = smoke[0] / "results" / "smoke"
    files = {copy: f"figures/{name}" for copy, name in NUMBERED.items()}
    copies = {f"{copy}.{ending}": f"{name}.{ending}" for copy, name in files.items() for ending in ("pdf", "png")}
    copies |= {"table_1.csv": "table1.csv", "table_1.tex": "table1.tex"}
    assert {path.name for path in (results / "paper").iterdir()} == set(copies)
    for copy, file in copies.items():
        assert (results / "paper" / copy).read_bytes() == (results / file).read_bytes()


def test_every_job_has_a_log_with_its_progress(smoke):
    log = smoke[0] / "results" / "smoke" / "logs" / "training" / "effective_lr" / "fresh" / "adding" / "multi-sgd.log"
    assert "update 120/120 | loss" in log.read_text(encoding="utf-8")
    assert "update 120/120 | loss" in smoke[1]  # and on the terminal


def test_every_file_is_described(smoke):
    files = list((smoke[0] / "results").rglob("*.nc"))
    assert files
    for path in files:
        ds = xr.open_dataset(path)
        for name, variable in ds.variables.items():
            assert {"long_name", "units"} <= set(variable.attrs), (path, name)
            assert name in ds.coords or "equation" in variable.attrs, (path, name)
        wildcards = re.findall(r"{(\w+)}", targets.FILES[KINDS.get(ds.rule, ds.rule)].path)
        for key in wildcards:
            assert ds.attrs[key] in str(path), (path, key)
        for key in ("title", "references", "git_commit", "engine_sha256", "config", "array_backend", "device", "dtype"):
            assert key in ds.attrs, (path, key)
        assert ds.seed.values.tolist() == ([1] if "networks" in path.parts else [1, 2])


def test_the_configuration_in_a_file_is_what_its_job_used(smoke):
    ds = xr.open_dataset(smoke[0] / "results/smoke/training/anisotropy/one_batch/adding/multi-sgd.nc")
    config = json.loads(ds.config)
    assert config["protocol"]["updates"] == ds.sizes["iteration"] == 60
    assert config["protocol"]["checkpoints"] == ds.checkpoint.values.tolist() == [0, 60]
    assert config["protocol"]["sequences"] == 16
    assert config["cell"]["units"] == ds.sizes["unit"] == 16


def test_every_file_has_only_types_of_netcdf_3(smoke):
    """So `nccopy -k classic` copies it, for programs that read nothing newer."""
    classic = {np.dtype(kind) for kind in ("S1", "i4", "f4", "f8")}
    for path in (smoke[0] / "results").rglob("*.nc"):
        with netCDF4.Dataset(path) as file:
            assert {variable.dtype for variable in file.variables.values()} <= classic, path
            for name in file.ncattrs():
                value = file.getncattr(name)
                assert value.isascii() if isinstance(value, str) else value.dtype in classic, (path, name)


# Variables with values that are missing or infinite in a sound run, and why.
OPEN = {
    "log_gradient_norm": "recurrent weights have no gradient at the lag where x_0 = 0 enters",
    "log_singular_values": "the smallest are below what double precision resolves",
    "gradient_singular_values": "centring takes one rank",
    **dict.fromkeys(
        ("coupled_units", "coupling_slope", "coupling_exponent", "coupling_rank_correlation"),
        "a cell with one gate for all units has no relation over units",
    ),
}
OPEN_PLAIN = dict.fromkeys(
    ("log_retention_product", "rate", "factor", "r_squared", "fit_horizon", "retention_horizon", "momentum_horizon"),
    "a plain cell retains nothing: the profile is 0",
)


def test_sound_results_have_no_missing_values(smoke):
    for path in (smoke[0] / "results").rglob("*.nc"):
        allowed = OPEN | OPEN_PLAIN if path.stem.startswith("plain") else OPEN
        for name, variable in xr.open_dataset(path).data_vars.items():
            assert name in allowed or np.isfinite(variable).all(), (path, name)


def test_the_starts_of_jobs_are_not_limited(tmp_path):
    """With a limit, Snakemake's own work grows with every job that has started."""
    said = snakemake(copy_of_the_house(tmp_path), *SMOKE, "--verbose", "results/smoke/expansion/multi.nc")
    assert said.returncode == 0 and f"'_job_count': {sys.maxsize}}}" in said.stderr, said.stderr


def test_a_second_run_has_nothing_to_do(smoke):
    said = snakemake(smoke[0], *SMOKE)
    assert said.returncode == 0
    assert "Nothing to be done" in said.stderr


def test_the_same_inputs_give_the_same_bytes(smoke, tmp_path):
    name = "results/smoke/effective_lr/fresh/adding/multi.nc"
    again = copy_of_the_house(tmp_path, smoke[0])
    assert snakemake(again, *SMOKE, "--", name).returncode == 0
    assert (again / name).read_bytes() == (smoke[0] / name).read_bytes()


def test_blocks_of_seeds_give_the_same_bytes(smoke, tmp_path):
    measured = ("expansion/multi", "effective_lr/fresh/adding/multi", "anisotropy/one_batch/adding/plain-adam")
    names = [f"results/smoke/{name}.nc" for name in (*measured, "training/anisotropy/one_batch/adding/plain-adam")]
    split = copy_of_the_house(tmp_path, smoke[0])
    said = snakemake(split, *SMOKE, "--config", "seeds_per_job=1", "--", *names)
    assert said.returncode == 0, said.stderr
    for name in names:
        assert (split / name).read_bytes() == (smoke[0] / name).read_bytes(), name
    assert (split / "results/smoke/logs/expansion/multi.seeds2-2.log").exists()
    assert sorted(path.name for path in (split / "results/smoke/expansion").iterdir()) == ["multi.nc"]


def test_an_edit_reruns_what_depends_on_it_and_nothing_else(smoke):
    assert planned(smoke[0]) == {}
    edited = smoke[0] / "engine" / "measures" / "expansion.py"
    before = edited.read_text(encoding="utf-8")
    try:
        edited.touch()
        assert planned(smoke[0]) == {}, "touching a file is no edit"
        edited.write_text(before + "\n# edited\n", encoding="utf-8")
        judged = {"claims": 1, "draw_claims": 1, "table_pages": 1}
        expected = {"expansion": 2, "draw_expansion": 2, "measure_network": 1, "paper": 1, "index": 1, "all": 1}
        assert planned(smoke[0]) == expected | judged
    finally:
        edited.write_text(before, encoding="utf-8")


PLUGIN = """from engine.cells import CELLS
from engine.cells.multi import Multi


class Mine(Multi):
    name = "mine"


CELLS[Mine.name] = Mine
"""


def test_registering_reruns_nothing(smoke):
    """Neither in the engine nor by a plugin; a job of the new cell is all that there is to do."""
    folder = smoke[0]
    registries = [folder / "engine" / f"{kind}s" / "__init__.py" for kind in ("cell", "task", "optimizer")]
    before = {path: path.read_text(encoding="utf-8") for path in [*registries, folder / "engine" / "cells" / "lstm.py"]}
    (folder / "mine.py").write_text(PLUGIN, encoding="utf-8")
    (folder / "registered.yaml").write_text("plugins: [mine.py]\ncells: {mine: {}}\n", encoding="utf-8")
    (folder / "used.yaml").write_text("effective_lr: {cells: [leaky, scalar, multi, mine]}\n", encoding="utf-8")
    try:
        for path, text in before.items():
            path.write_text(text + "\n# edited\n", encoding="utf-8")
        index = {"index": 1, "all": 1}  # which shows the configuration
        assert planned(folder, config=(*SMOKE, "registered.yaml")) == index
        jobs = planned(folder, config=(*SMOKE, "registered.yaml", "used.yaml"))
        assert jobs["train"] == jobs["effective_lr"] == 1
    finally:
        for path, text in before.items():
            path.write_text(text, encoding="utf-8")


def test_a_job_takes_its_cell_from_a_plugin_and_depends_on_it(tmp_path):
    folder = copy_of_the_house(tmp_path)
    (folder / "mine.py").write_text(PLUGIN, encoding="utf-8")
    (folder / "mine.yaml").write_text(
        "plugins: [mine.py]\ncells: {mine: {}}\nexpansion: {cells: [multi, mine]}\n", encoding="utf-8"
    )
    words = ["--", *(f"results/smoke/expansion/{cell}.nc" for cell in ("multi", "mine"))]
    said = snakemake(folder, *SMOKE, "mine.yaml", *words)
    assert said.returncode == 0, said.stderr
    ours, mine = (xr.open_dataset(folder / name) for name in words[1:])
    xr.testing.assert_equal(ours, mine)
    assert "plugins_sha256" not in ours.attrs and list(json.loads(mine.plugins_sha256)) == ["mine.py"]
    (folder / "mine.py").write_text(PLUGIN + "# edited\n", encoding="utf-8")
    assert planned(folder, *words, config=(*SMOKE, "mine.yaml")) == {"expansion": 1}


def test_more_data_leave_what_is_there(smoke):
    """A third set is trained and measured; on the others nothing is."""
    folder = smoke[0]
    (folder / "wider.yaml").write_text(
        "data: {n32: {sequences: 32}}\nanisotropy: {data: [one_batch, fresh, n32]}\n", encoding="utf-8"
    )
    jobs = planned(folder, config=(*SMOKE, "wider.yaml"))
    assert jobs["train"] == jobs["anisotropy"] == jobs["gates"] == 2 * 3
    assert not {"expansion", "effective_lr", "differences", "differences_page"} & set(jobs)
    narrower = planned(
        folder, "--", "results/smoke/summary.csv", config=(*SMOKE, "--config", "anisotropy={data: [fresh]}")
    )
    assert set(narrower) <= {"summary"}


def test_results_of_an_earlier_version_are_refused(tmp_path):
    folder = copy_of_the_house(tmp_path)
    old = folder / "results/smoke/training/anisotropy/adding/multi-sgd.nc"
    old.parent.mkdir(parents=True)
    old.touch()
    said = snakemake(folder, *SMOKE)
    assert said.returncode != 0
    assert "results/smoke/training/anisotropy/adding: results of an earlier version" in said.stderr
    assert f"move {folder}/results/smoke away, or give this run another name" in said.stderr


def test_a_figure_edit_trains_nothing(smoke):
    edited = smoke[0] / "engine" / "figures" / "effective_lr.py"
    before = edited.read_text(encoding="utf-8")
    try:
        edited.write_text(before + "\n# edited\n", encoding="utf-8")
        assert set(planned(smoke[0])) <= {"draw_effective_lr", "draw_predictors", "paper", "index", "all"}
    finally:
        edited.write_text(before, encoding="utf-8")


def test_a_typo_is_explained_and_nothing_runs(tmp_path):
    folder = copy_of_the_house(tmp_path)
    (folder / "mine.yaml").write_text("effective_lr: {update: 900}\n", encoding="utf-8")
    said = snakemake(folder, "--configfile", "mine.yaml")
    assert said.returncode != 0
    assert "effective_lr: unknown key 'update', did you mean 'updates'?" in said.stderr
    assert not (folder / "results").exists()


def test_the_gpu_profile_adds_to_that_of_one_machine(tmp_path):
    folder = copy_of_the_house(tmp_path)
    said = snakemake(folder, *SMOKE, "--profile", "profiles/gpu", "--dry-run", "--", "results/smoke/expansion/multi.nc")
    assert "gpu=1" in said.stdout + said.stderr


def test_a_gpu_that_is_not_there_is_named(smoke, tmp_path):
    """Asked for through the job's resource; never replaced by the CPU in silence."""
    from engine.common.backend import DeviceError, find_device

    try:
        find_device(1)
    except DeviceError:
        pass
    else:
        pytest.skip("this machine has a GPU")
    words = ("--set-resources", "expansion:gpu=1", "--resources", "gpu=1", "--forcerun", "expansion")
    target = "results/smoke/expansion/multi.nc"
    folder = copy_of_the_house(tmp_path)
    said = snakemake(folder, *SMOKE, *words, "--", target)
    assert said.returncode != 0
    assert "gpu = 1 was asked for, but" in said.stderr
    assert not (folder / target).exists()
