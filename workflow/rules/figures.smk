# Figures, as PDF and PNG. Those of the paper carry its number in their name.
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


rule draw_effective_lr:
    input:
        measured=f"{RESULTS}/effective_lr/{{task}}/{{cell}}.nc",
        code=code("draw_effective_lr.py"),
    output:
        drawn("effective_lr_{cell}_{task}", "Effective learning rates", "effective rates by lag", "{cell}, {task}"),
    log:
        f"{RESULTS}/logs/figures/{{number}}effective_lr_{{cell}}_{{task}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    script:
        "../scripts/draw_effective_lr.py"


rule draw_predictors:
    input:
        measured=expand(f"{RESULTS}/effective_lr/{{{{task}}}}/{{cell}}.nc", cell=config["effective_lr"]["cells"]),
        code=code("draw_predictors.py"),
    output:
        drawn("predictors_{task}", "Effective learning rates", "what predicts them", "all cells, {task}"),
    log:
        f"{RESULTS}/logs/figures/{{number}}predictors_{{task}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    params:
        cells=config["effective_lr"]["cells"],
    script:
        "../scripts/draw_predictors.py"


rule draw_expansion:
    input:
        measured=f"{RESULTS}/expansion/{{cell}}.nc",
        code=code("draw_expansion.py"),
    output:
        drawn("expansion_{cell}", "First-order expansion", "first-order expansion", "{cell}"),
    log:
        f"{RESULTS}/logs/figures/{{number}}expansion_{{cell}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    script:
        "../scripts/draw_expansion.py"


rule draw_anisotropy:
    input:
        measured=expand(f"{RESULTS}/anisotropy/{{{{task}}}}/{{model}}.nc", model=config["anisotropy"]["models"]),
        code=code("draw_anisotropy.py"),
    output:
        drawn("anisotropy_{task}", "Joint anisotropy", "anisotropy of propagation and updates", "{task}"),
    log:
        f"{RESULTS}/logs/figures/{{number}}anisotropy_{{task}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    params:
        models=config["anisotropy"]["models"],
        rank=config["anisotropy"]["rank"],
    script:
        "../scripts/draw_anisotropy.py"
