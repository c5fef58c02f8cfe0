"""Seeds in blocks, their datasets put together again, and the wide run that they allow."""

import numpy as np
import xarray as xr
import yaml
from house import copy_of_the_house, planned

from engine.common.quantity import Quantity
from engine.results.netcdf import dataset, join, load, save
from workflow.blocks import seed_blocks


def test_all_seeds_are_one_block_without_a_mark():
    assert seed_blocks([3, 1, 2]) == {"": [3, 1, 2]}
    assert seed_blocks([3, 1, 2], 3) == seed_blocks([3, 1, 2], 7) == {"": [3, 1, 2]}


def test_blocks_keep_the_order_and_are_named_by_their_seeds():
    assert seed_blocks([9, 1, 5], 2) == {".seeds9-1": [9, 1], ".seeds5-5": [5]}


QUANTITIES = {
    "height": Quantity("seed lag", "height of a thing", "[ELR.S]", dtype=""),
    "count": Quantity("lag seed", "number of things", "[ELR.S]", dtype="i4"),
}


def part(seeds, **attributes):
    rng = np.random.default_rng(0)
    arrays = {"height": rng.normal(size=(4, 3)).astype("f4"), "count": rng.integers(0, 9, (3, 4))}
    arrays = {"height": arrays["height"][seeds], "count": arrays["count"][:, seeds]}
    return dataset(QUANTITIES, arrays, {"seed": seeds, "lag": [1, 2, 4]}, {"title": "a test", "units": 3, **attributes})


def test_joined_parts_are_the_file_of_one_job(tmp_path):
    save(part([0, 1, 2, 3]), tmp_path / "whole.nc")
    for name, seeds in (("a", [0, 1]), ("b", [2]), ("c", [3])):
        save(part(seeds), tmp_path / f"{name}.nc")
    save(join([load(tmp_path / f"{name}.nc") for name in "abc"]), tmp_path / "joined.nc")
    assert (tmp_path / "joined.nc").read_bytes() == (tmp_path / "whole.nc").read_bytes()


def test_parts_of_different_machines_name_each():
    joined = join([part([0], device="A100"), part([1], device="H100"), part([2], device="A100")])
    assert joined.attrs == {"title": "a test", "units": 3, "device": "A100 | H100"}
    xr.testing.assert_identical(joined.drop_attrs(), part([0, 1, 2]).drop_attrs())


def test_two_thousand_jobs_are_planned(tmp_path):
    """Five tasks, two cells, five rates, 20 seeds one by one; the wait that this allows is in docs/cluster.md."""
    rates = {f"rate{i}": {"rule": "sgd", "rate": 0.01 * (i + 1)} for i in range(5)}
    models = [f"{cell}-{optimizer}" for cell in ("plain", "multi") for optimizer in rates]
    wide = {"run": "wide", "experiments": ["anisotropy"], "seeds_per_job": 1}
    wide |= {"optimizers": rates, "anisotropy": {"data": ["fresh"], "models": models}}
    copy_of_the_house(tmp_path)
    (tmp_path / "wide.yaml").write_text(yaml.safe_dump(wide), encoding="utf-8")
    jobs = planned(tmp_path, config=("--configfile", "wide.yaml"))
    assert jobs["train"] == jobs["anisotropy"] == 5 * 2 * 5 * 20
    in_blocks = [rule for rule, count in jobs.items() if count == jobs["train"]]
    assert jobs["join"] == 5 * 2 * 5 * len(in_blocks)
    assert sum(jobs.values()) - sum(jobs[rule] for rule in (*in_blocks, "join")) < 50
