"""The index of a run: times, memory and origins as they are in its files, and nothing left out."""

import os
from datetime import UTC, datetime

import yaml

from engine.results.netcdf import dataset, save
from workflow import index

ORIGIN = {"git_commit": "abc", "git_dirty": "no", "engine_sha256": "0123456789abcdef"}
ORIGIN |= {"device": "cpu", "array_backend": "numpy 2", "library_versions": "numpy 2, scipy 1"}
HEAD = "s\th:m:s\tmax_rss\tmean_load\n"


def write(path, text="", hour=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if hour is not None:
        os.utime(path, (datetime(2026, 1, 2, hour, tzinfo=UTC).timestamp(),) * 2)


def test_a_folder_has_the_times_of_its_files_and_what_its_jobs_took(tmp_path):
    for hour, name in ((7, "adding/multi.nc"), (23, "ar2/multi.nc"), (9, "ar2/.1-leaky.nc")):  # the last is unfinished
        write(tmp_path / "effective_lr/fresh" / name, hour=hour)
    write(tmp_path / "benchmarks/effective_lr/fresh/adding/multi.tsv", HEAD + "3600.4\t1:00:00\t300.20\t99\n")
    write(tmp_path / "benchmarks/effective_lr/fresh/ar2/multi.seeds1-2.tsv", HEAD + "65.0\t0:01:05\tNA\t-\n")
    [found, _] = index.folders(tmp_path)
    assert found["folder"] == "`effective_lr/`" and found["explained in"] == "docs/files.md"
    assert found["files"] == 2 and found["jobs took"] == "1:01:05" and found["largest job"] == "300 MB"
    assert (found["first made"], found["last made"]) == ("2026-01-02 07:00", "2026-01-02 23:00")


def test_the_first_kind_of_file_in_a_folder_says_what_it_holds():
    found = index.measured_folders()
    assert list(found)[:4] == ["training", "expansion", "effective_lr", "anisotropy"]
    assert found["differences"][1] == "docs/differences.md" and found["networks"][1] == "docs/own-networks.md"
    assert "along sequences" in found["lyapunov"][0]


def test_a_folder_without_measured_jobs_says_nothing_of_them(tmp_path):
    write(tmp_path / "steps/fresh/adding/multi-sgd.nc")
    [found] = index.folders(tmp_path)
    assert found["jobs took"] == found["largest job"] == ""


def test_files_of_one_origin_are_counted_together(tmp_path):
    changed = ORIGIN | {"git_dirty": "yes"}
    for name, attributes in (("a.nc", ORIGIN), ("b/c.nc", ORIGIN), ("b/d.nc", changed)):
        save(dataset({}, {}, {}, attributes), tmp_path / name)
    rest = "engine 0123456789ab; on cpu with numpy 2; numpy 2, scipy 1"
    lines = {f"- 2 files: commit abc, {rest}", f"- 1 files: commit abc, with changes, {rest}"}
    assert set(index.origins(tmp_path)) == lines


def test_a_run_without_tables_has_an_index(tmp_path):
    save(dataset({}, {}, {}, ORIGIN), tmp_path / "expansion/multi.nc")
    config = {"run": "brief", "seeds": [1, 2], "units": 16, "experiments": ["expansion"]}
    assert index.size(config | {"seeds": [1], "experiments": ["networks"]}) == "1 seed."
    text = index.page(tmp_path, config)
    assert text.startswith("# Run brief\n\n2 seeds, 16 units.") and "| `expansion/` " in text
    assert "| table " not in text and "| figures " not in text


def test_every_file_of_a_run_is_in_its_index(smoke):
    results = smoke[0] / "results" / "smoke"
    text = (results / "README.md").read_text(encoding="utf-8")
    for path in results.iterdir():
        assert path.name == "README.md" or f"`{path.name}{'/' if path.is_dir() else ''}`" in text, path
    for path in (results / "figures").iterdir():
        assert f"`figures/{path.stem}" in text, path
    configuration = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    assert configuration["run"] == "smoke" and configuration["effective_lr"]["updates"] == 60
