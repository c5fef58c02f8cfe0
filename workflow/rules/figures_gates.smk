# Figures of gates as optimizers, time scales, alignment, decompositions and claims. One job draws a whole family of them.
from workflow.parts import build_cell


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
STEPS = {f"steps_{model}": "all tasks" for model in G["compared"] if TASKS}
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


rule draw_gates:
    input:
        gates=gate_files(),
        code=code("draw_gates.py"),
    output:
        pdf=pdf(GATES),
        png=png(GATES, "gates", "what is carried over the lags"),
    log:
        f"{RESULTS}/logs/figures/gates.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(10),
    params:
        pages=PAGES,
    script:
        "../scripts/draw_gates.py"


rule draw_time_scales:
    input:
        gates=expand(f"{RESULTS}/gates/anisotropy/{{task}}/{{model}}.nc", task=TASKS, model=LEARNED),
        coupling=f"{RESULTS}/coupling.csv",
        code=code("draw_time_scales.py"),
    output:
        pdf=pdf(TIME_SCALES),
        png=png(
            {name: task for name, (task, _) in TIME_SCALES.items()},
            "time_scales",
            "time scales of states and parameters",
        ),
    log:
        f"{RESULTS}/logs/figures/time_scales.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(10),
    params:
        results=RESULTS,
        pages=TIME_SCALES,
    script:
        "../scripts/draw_time_scales.py"


rule draw_coupling:
    input:
        coupling=f"{RESULTS}/coupling.csv",
        code=code("draw_coupling.py"),
    output:
        pdf=pdf(COUPLING),
        png=png(COUPLING, "coupling", "coupling of the time scales"),
    log:
        f"{RESULTS}/logs/figures/coupling.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    script:
        "../scripts/draw_coupling.py"


rule draw_alignment:
    input:
        gates=expand(f"{RESULTS}/gates/anisotropy/{{task}}/{{model}}.nc", task=TASKS, model=ANISOTROPY["models"]),
        training=expand(f"{RESULTS}/training/anisotropy/{{task}}/{{model}}.nc", task=TASKS, model=ANISOTROPY["models"]),
        code=code("draw_alignment.py"),
    output:
        pdf=pdf(ALIGNMENT),
        png=png(ALIGNMENT, "alignment", "alignment and updates"),
    log:
        f"{RESULTS}/logs/figures/alignment.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(10),
    params:
        tasks=TASKS,
        models=ANISOTROPY["models"],
    script:
        "../scripts/draw_alignment.py"


rule draw_steps:
    input:
        steps=step_files(),
        gates=expand(f"{RESULTS}/gates/anisotropy/{{task}}/{{model}}.nc", task=TASKS, model=G["compared"]),
        references=expand(f"{RESULTS}/training/anisotropy/{{task}}/{{model}}.nc", task=TASKS, model=G["references"]),
        code=code("draw_steps.py"),
    output:
        pdf=pdf(STEPS),
        png=png(STEPS, "steps", "multi gate beside Adam"),
    log:
        f"{RESULTS}/logs/figures/steps.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(10),
    params:
        tasks=TASKS,
        models=G["compared"],
        references=G["references"],
    script:
        "../scripts/draw_steps.py"


rule draw_decomposition:
    input:
        effects=f"{RESULTS}/decomposition.csv",
        means=f"{RESULTS}/decomposition_means.csv",
        code=code("draw_decomposition.py"),
    output:
        pdf=pdf(SHARES | MEANS),
        png=png(SHARES, "shares", "gate or optimizer: shares") + png(MEANS, "means", "gate or optimizer: means"),
    log:
        f"{RESULTS}/logs/figures/decomposition.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    params:
        tasks=TASKS,
    script:
        "../scripts/draw_decomposition.py"


rule draw_claims:
    input:
        claims=f"{RESULTS}/claims.csv",
        cases=f"{RESULTS}/claim_cases.csv",
        code=code("draw_claims.py"),
    output:
        pdf=f"{RESULTS}/figures/claims.pdf",
        png=in_report(
            f"{RESULTS}/figures/claims.png", "Claims", "claims", shows="every case with its interval", of="all tasks"
        ),
    log:
        f"{RESULTS}/logs/figures/claims.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    script:
        "../scripts/draw_claims.py"
