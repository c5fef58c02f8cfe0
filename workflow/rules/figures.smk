# Figures, as PDF and PNG; those of the paper again under their numbers there.
from itertools import product

TRAINED = list(product(targets.regimes(config, "anisotropy"), config["anisotropy"]["models"]))


rule draw_effective_lr:
    input:
        measured=path("effective_lr"),
        code=code("draw_effective_lr.py"),
    output:
        drawn("effective_lr", "Effective learning rates", "{cell}, {task}"),
    log:
        log_of_drawing("effective_lr"),
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    script:
        "../scripts/draw_effective_lr.py"


rule draw_unit_rates:
    input:
        measured=path("effective_lr"),
        code=code("draw_unit_rates.py"),
    output:
        drawn("unit_rates", "Effective learning rates", "{cell}, {task}"),
    log:
        log_of_drawing("unit_rates"),
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    script:
        "../scripts/draw_unit_rates.py"


rule draw_predictors:
    input:
        measured=[path("effective_lr", cell=cell) for cell in config["effective_lr"]["cells"]],
        code=code("draw_predictors.py"),
    output:
        drawn("predictors", "Effective learning rates", "all cells, {task}"),
    log:
        log_of_drawing("predictors"),
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        cells=config["effective_lr"]["cells"],
    script:
        "../scripts/draw_predictors.py"


rule draw_expansion:
    input:
        measured=path("expansion"),
        code=code("draw_expansion.py"),
    output:
        drawn("expansion", "First-order expansion", "{cell}"),
    log:
        log_of_drawing("expansion"),
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    script:
        "../scripts/draw_expansion.py"


rule draw_anisotropy:
    input:
        measured=[path("anisotropy", data=data, model=model) for data, model in TRAINED],
        training=[path("training", experiment="anisotropy", data=data, model=model) for data, model in TRAINED],
        code=code("draw_anisotropy.py"),
    output:
        drawn("anisotropy", "Joint anisotropy", "{task}"),
    log:
        log_of_drawing("anisotropy"),
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        trained=TRAINED,
        rank=config["anisotropy"]["rank"],
    script:
        "../scripts/draw_anisotropy.py"


PAPER = targets.paper(config)


rule paper:
    input:
        files=PAPER.values(),
        code=code("paper.py"),
    output:
        PAPER.keys(),
    log:
        f"{RESULTS}/logs/paper.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    script:
        "../scripts/paper.py"
