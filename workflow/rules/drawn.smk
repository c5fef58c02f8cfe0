# What a run draws and shows in its report: figures, tables and their names there.
from workflow.parts import build_cell

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


def figure(name):
    """The two files of a figure."""
    number = f"figure_{PAPER_FIGURES[name]:02d}_" if name in PAPER_FIGURES else ""
    return expand(f"{RESULTS}/figures/{number}{name}.{{ext}}", ext=["pdf", "png"])


def figures():
    """Every figure of the experiments that the configuration asks for."""
    names = []
    if "expansion" in config["experiments"]:
        names += expand("expansion_{cell}", cell=config["expansion"]["cells"])
    if "effective_lr" in config["experiments"]:
        e = config["effective_lr"]
        names += expand("effective_lr_{cell}_{task}", cell=e["cells"], task=e["tasks"])
        names += expand("predictors_{task}", task=e["tasks"])
    if "anisotropy" in config["experiments"]:
        names += expand("anisotropy_{task}", task=config["anisotropy"]["tasks"])
    if "gates" in config["experiments"]:
        names += gate_figures()
    return [path for name in names for path in figure(name)]


def drawn(pattern, category, shows, of):
    """The two files that a job draws, the PNG for the report."""
    path, caption = f"{RESULTS}/figures/{{number}}{pattern}", pattern.split("_{")[0]

    def labels(wildcards):
        number = wildcards.number.partition("_")[2].strip("_")
        return {"shows": f"Figure {int(number):2}: {shows}" if number else shows, "of": of}

    return [f"{path}.pdf", report(f"{path}.png", f"../report/{caption}.rst", category, labels=labels)]


def in_report(path, category, caption, **labels):
    """A file that the report shows, with what tells it from others of its category: what it shows, and of what."""
    return report(path, f"../report/{caption}.rst", category, labels=labels)


def gate_pages():
    """{page: {(task, model): file}}: one page a task of `anisotropy`, and one for all tasks of `effective_lr`."""
    pages = {}
    for path in gate_files():
        experiment, task, name = path.split("/")[-3:]
        page = task if experiment == "anisotropy" else experiment
        pages.setdefault(page, {})[task, name.removesuffix(".nc")] = path
    return pages


def learned(models):
    """Those whose gate learns: the cell has weights beyond those of its candidate."""
    return [m for m in models if len(build_cell(cell_settings(config, m.split("-")[0], 1)).blocks) > 2]


def is_factorial(models):
    """Whether every cell is trained with every optimizer, so that the two can be told apart."""
    cells, optimizers = map(set, zip(*(model.split("-") for model in models)))
    return min(len(cells), len(optimizers)) > 1 and len(cells) * len(optimizers) == len(models)


def time_scale_pages():
    """{figure: (task, models)}: one page a task, or one a cell and task where there are many models."""
    parts = {"": LEARNED}
    if len(LEARNED) > 5:
        cells = dict.fromkeys(model.split("-")[0] for model in LEARNED)
        parts = {f"{cell}_": [model for model in LEARNED if model.startswith(f"{cell}-")] for cell in cells}
    return {f"time_scales_{part}{task}": (task, models) for task in TASKS for part, models in parts.items() if models}


ANISOTROPY = config["anisotropy"]
PAGES = gate_pages()
TASKS = [task for task in PAGES if task in ANISOTROPY["tasks"]]
LEARNED = learned(ANISOTROPY["models"])

# {figure: task} of each family.
GATES = {f"gates_{page}": page if page in TASKS else "tasks of Figures 3 to 5" for page in PAGES}
TIME_SCALES = time_scale_pages()
COUPLING = {"coupling": "all tasks"} if learned(model for page in PAGES.values() for _, model in page) else {}
ALIGNMENT = {f"alignment_{task}": task for task in TASKS}
STEPS = {f"steps_{model}": "all tasks" for model in config["gates"]["compared"] if TASKS}
FACTORIAL = is_factorial(ANISOTROPY["models"]) and TASKS
SHARES = {"shares": "all tasks"} if FACTORIAL else {}
MEANS = {f"means_{task}": task for task in TASKS if FACTORIAL}


def gate_figures():
    return [*GATES, *TIME_SCALES, *COUPLING, *ALIGNMENT, *STEPS, *SHARES, *MEANS, "claims"]


def pdf(family):
    return [f"{RESULTS}/figures/{name}.pdf" for name in family]


def png(family, caption, shows):
    """The PNGs of a family, for the report."""
    return [
        in_report(f"{RESULTS}/figures/{name}.png", "Gates as optimizers", caption, shows=shows, of=task)
        for name, task in family.items()
    ]


# {table: (category of the report, what it is called there)}
PAGES_OF = {
    "anisotropy": {"summary": ("Joint anisotropy", "Table of anisotropy")},
    "differences": {"differences": ("Released code", "Table of departures from the definitions")},
    "gates": {
        "table1": ("Gates as optimizers", "Table 1, measured"),
        "coupling": ("Gates as optimizers", "Table of couplings"),
        "claims": ("Claims", "Table of verdicts"),
        "claim_cases": ("Claims", "Table of all cases"),
        **({"decomposition": ("Gates as optimizers", "Table of gate, optimizer, interaction")} if FACTORIAL else {}),
    },
}
TABLES = {
    name: about
    for experiment, tables_of in PAGES_OF.items()
    if experiment in config["experiments"]
    for name, about in tables_of.items()
}


def tables():
    """Every table of the experiments that the configuration asks for."""
    names = []
    if "anisotropy" in config["experiments"]:
        names += ["summary.csv", "README.md"]
    if "differences" in config["experiments"]:
        names += ["differences.csv", "differences.md"]
    if "gates" in config["experiments"]:
        names += ["table1.csv", "table1.tex", "coupling.csv", "claims.csv", "claims.md", "decomposition.csv"]
    return [f"{RESULTS}/{name}" for name in [*names, *(f"tables/{name}.html" for name in TABLES)]]
