# Figures, as PDF and PNG. Those of the paper carry its number in their name.
from itertools import product

TRAINED = list(product(targets.regimes(config, "anisotropy"), config["anisotropy"]["models"]))


rule draw_effective_lr:
    input:
        measured=path("effective_lr"),
        code=code("draw_effective_lr.py"),
    output:
        drawn(
            "effective_lr_{cell}_{task}",
            "Effective learning rates",
            "effective rates by lag",
            "{cell}, {task}",
            within="{data}/",
        ),
    log:
        f"{RESULTS}/logs/figures/{{data}}/{{number}}effective_lr_{{cell}}_{{task}}.log",
    conda:
        "../envs/engine.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    script:
        "../scripts/draw_effective_lr.py"


rule draw_predictors:
    input:
        measured=[path("effective_lr", cell=cell) for cell in config["effective_lr"]["cells"]],
        code=code("draw_predictors.py"),
    output:
        drawn(
            "predictors_{task}",
            "Effective learning rates",
            "what predicts them",
            "all cells, {task}",
            within="{data}/",
        ),
    log:
        f"{RESULTS}/logs/figures/{{data}}/{{number}}predictors_{{task}}.log",
    conda:
        "../envs/engine.yaml"
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
        measured=path("expansion"),
        code=code("draw_expansion.py"),
    output:
        drawn("expansion_{cell}", "First-order expansion", "first-order expansion", "{cell}"),
    log:
        f"{RESULTS}/logs/figures/{{number}}expansion_{{cell}}.log",
    conda:
        "../envs/engine.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    script:
        "../scripts/draw_expansion.py"


rule draw_anisotropy:
    input:
        measured=[path("anisotropy", data=data, model=model) for data, model in TRAINED],
        training=[path("training", experiment="anisotropy", data=data, model=model) for data, model in TRAINED],
        code=code("draw_anisotropy.py"),
    output:
        drawn("anisotropy_{task}", "Joint anisotropy", "anisotropy of propagation and updates", "{task}"),
    log:
        f"{RESULTS}/logs/figures/{{number}}anisotropy_{{task}}.log",
    conda:
        "../envs/engine.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    params:
        trained=TRAINED,
        rank=config["anisotropy"]["rank"],
    script:
        "../scripts/draw_anisotropy.py"
