"""Writes docs/files.md from the files of a run that covers every rule: make smoke, then

python -m tools.list_files results/smoke > docs/files.md
"""

import sys
from pathlib import Path

import xarray as xr

from engine.results.netcdf import COORDINATES
from workflow.names import FILES, HOLD

KINDS = {f"{FILES[kind]}.nc": about for kind, about in HOLD.items()}
HEAD = """# What is in each file

Results are NetCDF-4 files under `results/{{run}}/`. Each job writes one file, with all seeds in it. `ncdump -h file.nc`
and `xarray.open_dataset` show the same as this page, with the sizes of the run. Numbers that are not known are NaN, for
example those of a network whose training diverged. Labels such as `[ELR.S]` are defined in [theory.md](theory.md);
[PAPER_MAP.md](../PAPER_MAP.md) leads from them to the code.

`python -m tools.list_files results/smoke > docs/files.md` writes this page, and a test compares it with the files.

Only some cells or optimizers have the variables marked (some files). The attributes of every file say how it was made:
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
    found = {pattern: [] for pattern in KINDS}
    for path in sorted(Path(results).rglob("*.nc")):
        if (kind := kind_of(path.relative_to(results))) is not None:
            found[kind].append(xr.open_dataset(path))
    everywhere = set.intersection(*(set(ds.attrs) for datasets in found.values() for ds in datasets))
    coordinates = {name for datasets in found.values() for ds in datasets for name in ds.coords}
    text = HEAD.format(
        attributes=", ".join(f"`{name}`" for name in sorted(everywhere)),
        coordinates="\n".join(f"| `{n}` | {COORDINATES[n][1]} | {COORDINATES[n][0]} |" for n in sorted(coordinates)),
    )
    return text + "".join(section(pattern, datasets, everywhere) for pattern, datasets in found.items())


def kind_of(path):
    """The key of KINDS that a path below the results matches; None for a measurement of an imported network."""
    for pattern in KINDS:
        parts = Path(pattern).parts
        same_folder = len(parts) == len(path.parts) and parts[0] == path.parts[0]
        if same_folder and parts[-1].startswith("slope_") == path.name.startswith("slope_"):
            return pattern if parts[0] != "networks" or path.name == "weights.nc" else None
    raise ValueError(f"{path} is a file of no kind that this page has")


def section(pattern, datasets, everywhere):
    """One kind of file: its variables, and where not every file has them, which."""
    more = sorted({name for ds in datasets for name in ds.attrs} - everywhere)
    names = list(dict.fromkeys(name for ds in datasets for name in ds.data_vars))
    return KIND.format(
        pattern=pattern,
        about=KINDS[pattern],
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
