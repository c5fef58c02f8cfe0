"""Which files a configuration asks for, and where they are."""

import re
from itertools import product
from pathlib import Path

from engine.common.registry import nearest
from engine.common.words import data_label
from engine.tasks import TASKS
from workflow.names import FIGURES, FILES, PAPER_FIGURES, SHOW
from workflow.networks import PROTOCOLS
from workflow.parts import build_cell, cell_settings, data_settings

RELEASED = ("plain", "leaky", "scalar", "multi")  # cells that the released code has


def folder(config):
    """Where everything of a run is."""
    return f"results/{config['run']}"


def filled(pattern, **parts):
    """A name with those of its {parts} filled in that are given; a model fills in cell and optimizer too."""
    if "model" in parts:
        parts["cell"], parts["optimizer"] = parts["model"].split("-")
    return re.sub(r"\{(\w+)\}", lambda part: parts.get(part[1], part[0]), pattern)


def path(config, kind, **parts):
    """The path of a file, or of all files that differ in the {parts} that are not given."""
    return f"{folder(config)}/{filled(FILES[kind].path, **parts)}.nc"


def parts(config):
    """{part of a path: the names that it can be}."""
    named = {"data": config["data"], "task": TASKS, "cell": config["cells"], "optimizer": config["optimizers"]}
    of_blocks = {"network": config.get("networks", {}), "autonomous": config["lyapunov"].get("autonomous", {})}
    return {part: list(names) for part, names in (named | of_blocks).items()}


def no_such_target(config, file):
    """A line on a file that no rule makes."""
    names = "; ".join(f"{part}: {', '.join(named)}" for part, named in parts(config).items() if named)
    return f"no rule makes {file}{nearest(file, everything(config))} (allowed in a path: {names})"


def asked(config, experiment):
    """The block of an experiment that the run makes; None where it does not."""
    return config[experiment] if experiment in config["experiments"] else None


def models(config, experiment):
    """Models that an experiment trains."""
    block = config[experiment]
    return block["models"] if "models" in block else [f"{cell}-{block['optimizer']}" for cell in block["cells"]]


def regimes(config, experiment):
    """Names of the data that an experiment trains on; none where the run does not make it."""
    return block.get("data", ["fresh"]) if (block := asked(config, experiment)) else []


def trained_on(config, experiment):
    """Every (data, task) of an experiment."""
    return product(regimes(config, experiment), config[experiment]["tasks"])


def of_models(config, kind, chosen=None, experiment="anisotropy"):
    """{(data, task, model): path} of a kind of file, of all models of an experiment or of those chosen."""
    found = product(trained_on(config, experiment), chosen or models(config, experiment))
    return {(d, t, m): path(config, kind, experiment=experiment, data=d, task=t, model=m) for (d, t), m in found}


def effective_rates(config):
    """{(data, task, cell): path}."""
    found = product(trained_on(config, "effective_lr"), config["effective_lr"]["cells"])
    return {(d, t, c): path(config, "effective_lr", data=d, task=t, cell=c) for (d, t), c in found}


def gates(config, kind="gates"):
    """{(experiment, data, task, model): path} of a kind of file, by default of `gates`.

    All models of `anisotropy`, and those of `effective_lr` that it does not train on the same kind of data.
    """
    found = {("anisotropy", *of): file for of, file in of_models(config, kind).items()}
    there = {(data, model) for _, data, _, model in found}
    for (data, task), model in product(trained_on(config, "effective_lr"), models(config, "effective_lr")):
        if (data, model) not in there:
            of = {"experiment": "effective_lr", "data": data, "task": task, "model": model}
            found[tuple(of.values())] = path(config, kind, **of)
    return found


def lyapunov(config):
    """{(experiment, data, task, model): path} of the networks of `gates`, and {name: path} of those without input."""
    block = asked(config, "lyapunov") or {}
    found = {n: path(config, "autonomous", autonomous=n) for n in block.get("autonomous", {})}
    return found | (gates(config, "lyapunov") if block else {})


def steps(config):
    """{(data, task, model): path}: the compared models beside the steps of the references."""
    block = asked(config, "gates")
    return of_models(config, "steps", block["compared"]) if block and block["compared"] else {}


def departures(config, kind, tasks):
    """{(data, task, model): path} of a kind of file about the models and the data of the released code."""
    found = of_models(config, kind, config["differences"]["models"])
    return {of: file for of, file in found.items() if of[0] == released_data(config) and of[1] in tasks}


def compared_trainings(config, kind):
    """{(data, task, model): path} of a kind of file: the models of `differences`, on its data and on fresh data."""
    found = of_models(config, kind, config["differences"]["models"])
    data = [released_data(config), *(d for d in regimes(config, "anisotropy") if not data_settings(config, d))]
    return {of: file for of, file in found.items() if of[0] in data}


def released_data(config):
    """The data of the released code: the first that `anisotropy` trains on; None where it is not made."""
    return next(iter(regimes(config, "anisotropy")), None)


def slopes(config):
    """{(data, task, cell): path} where the released code has the cell."""
    cells, tasks = released(config, config["effective_lr"]["cells"]), config["differences"]["slope_tasks"]
    found = product(regimes(config, "effective_lr"), tasks, cells)
    return {(d, t, c): path(config, "slopes", data=d, task=t, cell=c) for d, t, c in found}


def released(config, models_or_cells):
    """Those whose cell the released code has."""
    kinds = {m: cell_settings(config, m.partition("-")[0], inputs=1)["kind"] for m in models_or_cells}
    return [m for m, kind in kinds.items() if kind in RELEASED]


def evidence(config):
    """{(source, data, task, cell, optimizer): path} of all that a claim may read; "" for what a file does not have."""
    measured = {
        "training": of_models(config, "training"),
        "anisotropy": of_models(config, "anisotropy"),
        "gates": of_models(config, "gates"),
        "steps": steps(config),
    }
    found = {(kind, d, t, *m.split("-")): file for kind, files in measured.items() for (d, t, m), file in files.items()}
    found |= {("effective_lr", *of, ""): file for of, file in effective_rates(config).items()}
    cells = block["cells"] if (block := asked(config, "expansion")) else []
    return found | {("expansion", "", "", c, ""): path(config, "expansion", cell=c) for c in cells}


def verdicts(config):
    """{data: {source: data}}: what each verdict on a claim is about, one for each kind of training data.

    An experiment that is not made with it enters with the first that it is made with.
    """
    of = dict.fromkeys(("training", "anisotropy", "gates", "steps"), regimes(config, "anisotropy"))
    of["effective_lr"] = regimes(config, "effective_lr")
    names = dict.fromkeys(data for found in of.values() for data in found)
    return {
        data: {source: data if data in found else found[0] for source, found in of.items() if found} for data in names
    }


def networks(config):
    """{network: {quantity: path}} of the networks of one's own."""
    named = asked(config, "networks") or {}
    return {n: {q: path(config, "networks", network=n, quantity=q) for q in PROTOCOLS} for n in named}


def everything(config):
    """All that a run makes but its index."""
    of_each = [of_models(config, name, experiment=kind.experiment) for name, kind in FILES.items() if kind.experiment]
    measured = [*of_each, lyapunov(config), *networks(config).values()]
    files = [file for found in measured for file in found.values()]
    return [*figure_files(config, figures(config)), *paper(config), *tables(config), *files]


def made_before(config):
    """Folders with results of a version whose files did not say on which data a network was trained."""
    named = [kind.path.replace("{data}/", "") for kind in FILES.values() if "{data}/" in kind.path]
    globs = [re.sub(r"\{\w+\}", "*", pattern) + ".nc" for pattern in named]
    return sorted({file.parent for pattern in globs for file in Path(folder(config)).glob(pattern)})


def figure(kind, **parts):
    """The name of a figure, or of all that differ in the {parts} that are not given."""
    return filled(FIGURES[kind], **parts)


def figure_files(config, names):
    """Both files of each figure."""
    return [f"{folder(config)}/figures/{name}.{ending}" for name in names for ending in ("pdf", "png")]


def figures(config):
    """Names of all figures of the experiments that the configuration asks for."""
    names = []
    if block := asked(config, "expansion"):
        names += [figure("expansion", cell=cell) for cell in block["cells"]]
    if asked(config, "effective_lr"):
        names += [figure("effective_lr", data=d, task=t, cell=c) for d, t, c in effective_rates(config)]
        names += [figure("predictors", data=d, task=t) for d, t in trained_on(config, "effective_lr")]
        names += [figure("unit_rates", data=d, task=t, cell=c) for d, t, c in effective_rates(config)]
    if block := asked(config, "anisotropy"):
        names += [figure("anisotropy", task=task) for task in block["tasks"]]
    if asked(config, "gates"):
        names += [*(name for family in families(config).values() for name in family), figure("claims")]
    if asked(config, "lyapunov"):
        names += [figure("long_lags", data=d, task=t) for d, t in trained_on(config, "anisotropy")]
    if asked(config, "networks"):
        names += [figure("networks")]
    return names


def number(name):
    """The number that a figure has in the paper; None if it is not there."""
    return PAPER_FIGURES.index(name) + 1 if name in PAPER_FIGURES else None


def figure_labels(kind, of, **parts):
    """What the report says of a figure: what it shows, and of what; `of` may name {parts}."""
    number_there = number(figure(kind, **parts))
    of_data = f"{of}, {data_label(parts['data'])}" if "data" in parts else of
    return {
        "shows": f"Figure {number_there:2}: {SHOW[kind]}" if number_there else SHOW[kind],
        "of": of_data.format(**parts),
    }


def paper(config):
    """{copy: file} of the figures and the table that the paper has too, under their numbers there."""
    copies = {f"figures/{name}": f"figure_{number(name):02d}" for name in figures(config) if number(name)}
    files = {f"{name}.{ending}": f"{copy}.{ending}" for name, copy in copies.items() for ending in ("pdf", "png")}
    if asked(config, "gates"):
        files |= {f"table1.{ending}": f"table_1.{ending}" for ending in ("csv", "tex")}
    return {f"{folder(config)}/paper/{copy}": f"{folder(config)}/{file}" for file, copy in files.items()}


def families(config):
    """{family: {figure: what it is of, in words}}: figures that one job draws."""
    of = {(data, task): f"{task}, {data_label(data)}" for data, task in trained_on(config, "anisotropy")}
    all_tasks = {data: f"all tasks, {data_label(data)}" for data in regimes(config, "anisotropy")}
    told_apart, compared = is_factorial(config), config["gates"]["compared"]
    return {
        "gates": {figure("gates", data=d, page=p): f"{p}, {data_label(d)}" for d, p in gate_pages(config)},
        "time_scales": {name: of[d, t] for name, (d, t, _) in time_scale_pages(config).items()},
        "coupling": {figure("coupling", data=d): f"all tasks, {data_label(d)}" for d in coupled(config)},
        "alignment": {figure("alignment", data=d, task=t): words for (d, t), words in of.items()},
        "steps": {figure("steps", data=d, model=m): words for d, words in all_tasks.items() for m in compared},
        "shares": {figure("shares", data=d): words for d, words in all_tasks.items() if told_apart},
        "means": {figure("means", data=d, task=t): words for (d, t), words in of.items() if told_apart},
    }


def gate_pages(config):
    """{(data, page): {(task, model): path}}: a page for each task of `anisotropy`, one for all of `effective_lr`."""
    pages = {}
    for (experiment, data, task, model), file in gates(config).items():
        page = task if experiment == "anisotropy" else experiment
        pages.setdefault((data, page), {})[task, model] = file
    return pages


def coupled(config):
    """Names of the data on which a gate learns."""
    return list(dict.fromkeys(data for _, data, _, model in gates(config) if learned(config, [model])))


def time_scale_pages(config):
    """{figure: (data, task, {model: path of gates})}: a page a task; where there are many models, a page a cell."""
    found = learned(config, models(config, "anisotropy"))
    parts = {"": found}
    if len(found) > 5:
        cells = dict.fromkeys(model.split("-")[0] for model in found)
        parts = {f"/{cell}": [model for model in found if model.startswith(f"{cell}-")] for cell in cells}
    measured = gates(config)
    return {
        figure("time_scales", data=data, page=f"{task}{part}"): (
            data,
            task,
            {model: measured["anisotropy", data, task, model] for model in chosen},
        )
        for data, task in trained_on(config, "anisotropy")
        for part, chosen in parts.items()
        if chosen
    }


def learned(config, found):
    """Those models whose gate learns, and so reacts to the state."""
    return [m for m in found if build_cell(cell_settings(config, m.split("-")[0], 1)).gate_reacts]


def is_factorial(config):
    """Whether `anisotropy` trains every cell with every optimizer, so that the two can be told apart."""
    found = models(config, "anisotropy")
    cells, optimizers = map(set, zip(*(model.split("-") for model in found), strict=True))
    return min(len(cells), len(optimizers)) > 1 and len(cells) * len(optimizers) == len(found)


# Tables: names below results/{run}/.


def tables(config):
    """Every table of the experiments that the configuration asks for."""
    found = {
        "anisotropy": ["summary.csv", "summary.md"],
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
