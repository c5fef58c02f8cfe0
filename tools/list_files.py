"""Writes docs/files.md from the files of a run that covers every rule: make smoke, then

python -m tools.list_files results/smoke > docs/files.md
"""

import re
import sys
from pathlib import Path

import xarray as xr

from engine.results.netcdf import COORDINATES
from workflow.names import FILES

HEAD = """# What is in each file

Results are NetCDF-4 files under `results/{{run}}/`. Each job writes one file, with all seeds in it. `ncdump -h file.nc`
and `xarray.open_dataset` show the same as this page, with the sizes of the run. Numbers that are not known are NaN, for
example those of a network whose training diverged. Labels such as `[ELR.S]` are defined in [theory.md](theory.md);
[PAPER_MAP.md](../PAPER_MAP.md) leads from them to the code.

`python -m tools.list_files results/smoke > docs/files.md` writes this page, and a test compares it with the files.

Only some cells or optimizers have the variables marked (some files). Where `effective_lr.pairs` are drawn, files of
`effective_lr` have `log_sensitivity_error`, `pair_sample` and `pair_time` too; imported networks with a trained initial
state have `x_0` in their weights. The attributes of every file say how it was made:
{attributes}.

## Coordinates

| coordinate | unit | values |
| --- | --- | --- |
{coordinates}
"""
KIND = """
## `{pattern}`

{about}{more}

| variable | over | unit | what it is | label |
| --- | --- | --- | --- | --- |
{rows}
"""


def page(results):
    """The page of a run's folder; ValueError for a file of no kind."""
    found = {kind: [] for kind in FILES if kind != "networks"}  # of those the page says that they are like the others
    for path in sorted(Path(results).rglob("*.nc")):
        if (kind := kind_of(path.relative_to(results))) in found:
            found[kind].append(xr.open_dataset(path))
    everywhere = set.intersection(*(set(ds.attrs) for datasets in found.values() for ds in datasets))
    coordinates = {name for datasets in found.values() for ds in datasets for name in ds.coords}
    text = HEAD.format(
        attributes=", ".join(f"`{name}`" for name in sorted(everywhere)),
        coordinates="\n".join(f"| `{n}` | {COORDINATES[n][1]} | {COORDINATES[n][0]} |" for n in sorted(coordinates)),
    )
    return text + "".join(section(kind, datasets, everywhere) for kind, datasets in found.items())


def kind_of(path):
    """The kind of FILES of a path below the results: of several that match it the one with the fewest wildcards."""
    matching = [kind for kind, about in FILES.items() if fits(path, f"{about.path}.nc")]
    if not matching:
        raise ValueError(f"{path} is a file of no kind that workflow/names.py has")
    return min(matching, key=lambda kind: FILES[kind].path.count("{"))


def fits(path, pattern):
    """Whether a path is a pattern with its {wildcards} filled in."""
    parts = re.split(r"\{\w+\}", pattern)
    return re.fullmatch("[^/]+".join(map(re.escape, parts)), str(path)) is not None


def section(kind, datasets, everywhere):
    """One kind of file: its variables, and where not every file has them, which."""
    more = sorted({name for ds in datasets for name in ds.attrs} - everywhere)
    names = list(dict.fromkeys(name for ds in datasets for name in ds.data_vars))
    return KIND.format(
        pattern=f"{FILES[kind].path}.nc",
        about=FILES[kind].holds,
        more=f" Further attributes: {', '.join(f'`{name}`' for name in more)}." if more else "",
        rows="\n".join(row(name, datasets) for name in names),
    )


def row(name, datasets):
    variables = [ds[name] for ds in datasets if name in ds]
    about = variables[0].attrs
    labels = {variable.attrs["equation"] for variable in variables}
    label = labels.pop() if len(labels) == 1 else "[CELL.*]"
    where = "" if len(variables) == len(datasets) else " (some files)"
    long_name = about["long_name"].replace("|", r"\|")
    return f"| `{name}`{where} | {', '.join(variables[0].dims)} | {about['units']} | {long_name} | {label} |"


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1]))
