"""The files of a run: what each is called, written here alone, and which of them a configuration asks for."""

import re
from itertools import product

from workflow.networks import PROTOCOLS
from workflow.parts import build_cell, cell_settings

# What is measured: names below results/{run}/, without .nc.
FILES = {
    "training": "training/{experiment}/{task}/{cell}-{optimizer}",
    "expansion": "expansion/{cell}",
    "effective_lr": "effective_lr/{task}/{cell}",
    "anisotropy": "anisotropy/{task}/{cell}-{optimizer}",
    "gates": "gates/{experiment}/{task}/{cell}-{optimizer}",
    "steps": "steps/{task}/{cell}-{optimizer}",
    "differences": "differences/{task}/{cell}-{optimizer}",
    "slopes": "differences/{task}/slope_{cell}",
    "weights": "networks/{network}/weights",
    "networks": "networks/{network}/{quantity}",
}
RELEASED = ("plain", "leaky", "scalar", "multi")  # cells that the released code has
PAPER_FIGURES = {
    "expansion_scalar": 1,
    "expansion_multi": 2,
    "effective_lr_leaky_adding": 3,
    "effective_lr_scalar_adding": 4,
    "effective_lr_multi_adding": 5,
    "anisotropy_adding": 6,
    "anisotropy_ar2": 7,
    "anisotropy_movingavg": 8,
    "anisotropy_delaysum": 9,
    "anisotropy_narma10": 10,
}


def folder(config):
    """Where everything of a run is."""
    return f"results/{config['run']}"


def name(kind, **parts):
    """The name in FILES with those of its {parts} filled in that are given; a model fills in cell and optimizer."""
    if "model" in parts:
        parts["cell"], parts["optimizer"] = parts.pop("model").split("-")
    return re.sub(r"\{(\w+)\}", lambda part: parts.get(part[1], part[0]), FILES[kind])


def path(config, kind, **parts):
    """The path of a file, or of all files that differ in the {parts} that are not given."""
    return f"{folder(config)}/{name(kind, **parts)}.nc"


def asked(config, experiment):
    """The block of an experiment that the run makes; None where it does not."""
    return config[experiment] if experiment in config["experiments"] else None


def models(config, experiment):
    """Models that an experiment trains."""
    block = config[experiment]
    return block["models"] if "models" in block else [f"{cell}-{block['optimizer']}" for cell in block["cells"]]


def tasks(config, experiment):
    """Tasks of an experiment; none where the run does not make it."""
    return block["tasks"] if (block := asked(config, experiment)) else []


def trainings(config, experiment, chosen=None):
    """{(task, model): path} of the trainings of an experiment, or of its `chosen` models."""
    found = product(tasks(config, experiment), chosen or models(config, experiment))
    return {(t, m): path(config, "training", experiment=experiment, task=t, model=m) for t, m in found}


def anisotropies(config):
    """{(task, model): path}."""
    found = product(tasks(config, "anisotropy"), models(config, "anisotropy"))
    return {(t, m): path(config, "anisotropy", task=t, model=m) for t, m in found}


def effective_rates(config):
    """{(task, cell): path}."""
    found = product(tasks(config, "effective_lr"), config["effective_lr"]["cells"])
    return {(t, c): path(config, "effective_lr", task=t, cell=c) for t, c in found}


def gates(config):
    """{(experiment, task, model): path}: all models of `anisotropy`, and those of `effective_lr` that are not there."""
    more = [model for model in models(config, "effective_lr") if model not in models(config, "anisotropy")]
    return {
        (e, t, m): path(config, "gates", experiment=e, task=t, model=m)
        for e, found in (("anisotropy", models(config, "anisotropy")), ("effective_lr", more))
        for t, m in product(tasks(config, e), found)
    }


def steps(config):
    """{(task, model): path}: the compared models beside the steps of the references."""
    found = product(tasks(config, "anisotropy"), config["gates"]["compared"])
    return {(t, m): path(config, "steps", task=t, model=m) for t, m in found}


def departures(config):
    """{(task, model): path} where the released code has the cell."""
    found = product(config["differences"]["tasks"], released(config, models(config, "anisotropy")))
    return {(t, m): path(config, "differences", task=t, model=m) for t, m in found}


def slopes(config):
    """{(task, cell): path} where the released code has the cell."""
    found = product(config["differences"]["slope_tasks"], released(config, config["effective_lr"]["cells"]))
    return {(t, c): path(config, "slopes", task=t, cell=c) for t, c in found}


def released(config, models_or_cells):
    """Those whose cell the released code has."""
    kinds = {m: cell_settings(config, m.partition("-")[0], inputs=1)["kind"] for m in models_or_cells}
    return [m for m, kind in kinds.items() if kind in RELEASED]


def evidence(config):
    """{(source, task, cell, optimizer): path} of every file that a claim may read; "" for what a file does not have."""
    of_models = {
        "training": trainings(config, "anisotropy"),
        "anisotropy": anisotropies(config),
        "gates": {(t, m): file for (experiment, t, m), file in gates(config).items() if experiment == "anisotropy"},
        "steps": steps(config),
    }
    found = {(source, t, *m.split("-")): file for source, files in of_models.items() for (t, m), file in files.items()}
    found |= {("effective_lr", t, c, ""): file for (t, c), file in effective_rates(config).items()}
    cells = block["cells"] if (block := asked(config, "expansion")) else []
    return found | {("expansion", "", c, ""): path(config, "expansion", cell=c) for c in cells}


def networks(config):
    """{network: {quantity: path}} of the networks of one's own."""
    named = asked(config, "networks") or {}
    return {n: {q: path(config, "networks", network=n, quantity=q) for q in PROTOCOLS} for n in named}


# Figures: names below results/{run}/figures/, without their number and ending.


def figure(config, figure_name):
    """The two files of a figure."""
    number = f"figure_{PAPER_FIGURES[figure_name]:02d}_" if figure_name in PAPER_FIGURES else ""
    return [f"{folder(config)}/figures/{number}{figure_name}.{ending}" for ending in ("pdf", "png")]


def figures(config):
    """Every figure of the experiments that the configuration asks for."""
    names = []
    if block := asked(config, "expansion"):
        names += [f"expansion_{cell}" for cell in block["cells"]]
    if block := asked(config, "effective_lr"):
        names += [f"effective_lr_{cell}_{task}" for cell, task in product(block["cells"], block["tasks"])]
        names += [f"predictors_{task}" for task in block["tasks"]]
    if block := asked(config, "anisotropy"):
        names += [f"anisotropy_{task}" for task in block["tasks"]]
    if asked(config, "gates"):
        names += [*(name for family in families(config).values() for name in family), "claims"]
    if asked(config, "networks"):
        names += ["networks"]
    return [file for figure_name in names for file in figure(config, figure_name)]


def families(config):
    """{family: {figure: what it is of, in words}}: figures that one job draws."""
    of, pages = tasks(config, "anisotropy"), gate_pages(config)
    factorial = of if is_factorial(config) else []
    return {
        "gates": {f"gates_{page}": page if page in of else "tasks of Figures 3 to 5" for page in pages},
        "time_scales": {figure_name: task for figure_name, (task, _) in time_scale_pages(config).items()},
        "coupling": {"coupling": "all tasks"}
        if learned(config, (m for page in pages.values() for _, m in page))
        else {},
        "alignment": {f"alignment_{task}": task for task in of},
        "steps": {f"steps_{model}": "all tasks" for model in config["gates"]["compared"] if of},
        "shares": {"shares": "all tasks"} if factorial else {},
        "means": {f"means_{task}": task for task in factorial},
    }


def gate_pages(config):
    """{page: {(task, model): path}}: one page a task of `anisotropy`, and one for all tasks of `effective_lr`."""
    pages = {}
    for (experiment, task, model), file in gates(config).items():
        page = task if experiment == "anisotropy" else experiment
        pages.setdefault(page, {})[task, model] = file
    return pages


def time_scale_pages(config):
    """{figure: (task, {model: path of gates})}: one page a task, or one a cell and task where there are many models."""
    found = learned(config, models(config, "anisotropy"))
    parts = {"": found}
    if len(found) > 5:
        cells = dict.fromkeys(model.split("-")[0] for model in found)
        parts = {f"{cell}_": [model for model in found if model.startswith(f"{cell}-")] for cell in cells}
    measured = gates(config)
    return {
        f"time_scales_{part}{task}": (task, {model: measured["anisotropy", task, model] for model in chosen})
        for task in tasks(config, "anisotropy")
        for part, chosen in parts.items()
        if chosen
    }


def learned(config, found):
    """Those models whose gate learns: the cell has weights beyond those of its candidate."""
    return [m for m in found if len(build_cell(cell_settings(config, m.split("-")[0], 1)).blocks) > 2]


def is_factorial(config):
    """Whether `anisotropy` trains every cell with every optimizer, so that the two can be told apart."""
    found = models(config, "anisotropy")
    cells, optimizers = map(set, zip(*(model.split("-") for model in found), strict=True))
    return min(len(cells), len(optimizers)) > 1 and len(cells) * len(optimizers) == len(found)


# Tables: names below results/{run}/.


def tables(config):
    """Every table of the experiments that the configuration asks for."""
    found = {
        "anisotropy": ["summary.csv", "README.md"],
        "differences": ["differences.csv", "differences.md"],
        "gates": ["table1.csv", "table1.tex", "coupling.csv", "claims.csv", "claims.md", "decomposition.csv"],
    }
    return [
        f"{folder(config)}/{table}"
        for experiment, named in found.items()
        if asked(config, experiment)
        for table in named
    ] + [f"{folder(config)}/tables/{table}.html" for table in table_pages(config)]


def table_pages(config):
    """{table: (category of the report, what it is called there)}."""
    of_gates = {
        "table1": ("Gates as optimizers", "Table 1, measured"),
        "coupling": ("Gates as optimizers", "Table of couplings"),
        "claims": ("Claims", "Table of verdicts"),
        "claim_cases": ("Claims", "Table of all cases"),
    }
    if families(config)["shares"]:
        of_gates["decomposition"] = ("Gates as optimizers", "Table of gate, optimizer, interaction")
    found = {
        "anisotropy": {"summary": ("Joint anisotropy", "Table of anisotropy")},
        "differences": {"differences": ("Released code", "Table of departures from the definitions")},
        "gates": of_gates,
    }
    return {
        table: of for experiment, named in found.items() if asked(config, experiment) for table, of in named.items()
    }
