# Departures of the released code from the definitions, and their effect on the numbers (docs/differences.md).
DEPARTURES, SLOPES = targets.departures(config, "differences", config["differences"]["tasks"]), targets.slopes(config)
JITTERED = targets.departures(config, "differences_training", config["differences"]["training_tasks"])
COMPARED = {kind: targets.compared_trainings(config, kind) for kind in ("anisotropy", "training")}
PROTOCOL = {
    "r": config["anisotropy"]["rank"],
    **{k: config["anisotropy"][k] for k in ("T", "probe_batch", "lags", "pairs")},
}


rule differences:
    input:
        networks=path("training", experiment="anisotropy"),
        code=code_of("differences"),
    output:
        made("differences"),
    log:
        log_of("differences"),
    benchmark:
        benchmark_of("differences")
    conda:
        ENVIRONMENT
    resources:
        **needs(sizes.anisotropy),
        gpu=0,
    params:
        seeds=config["seeds"][: config["differences"]["seeds"]],
        checkpoints=config["differences"]["checkpoints"],
        quantity="differences",
        protocol=PROTOCOL,
    script:
        "../scripts/measure.py"


rule differences_training:
    input:
        code=code("differences_training.py"),
    output:
        made("differences_training"),
    log:
        log_of("differences_training"),
    benchmark:
        benchmark_of("differences_training")
    conda:
        ENVIRONMENT
    resources:
        **needs(sizes.anisotropy),
        gpu=0,
    params:
        seeds=config["seeds"][: config["differences"]["seeds"]],
        checkpoints=config["differences"]["training_checkpoints"],
        cell=lambda w: cell_settings(config, w.cell, config["anisotropy"]["inputs"]),
        optimizer=lambda w: optimizer_settings(config, w.optimizer),
        training=lambda w: {
            **{k: config["anisotropy"][k] for k in ("T", "batch", "updates", "probe_batch")},
            **config["training"],
            **data_settings(config, w.data),
        },
        protocol=PROTOCOL | {"gradients": config["anisotropy"]["gradients"]},
    script:
        "../scripts/differences_training.py"


rule differences_slope:
    input:
        networks=path("training", experiment="effective_lr", optimizer=config["effective_lr"]["optimizer"]),
        code=code_of("differences_slope"),
    output:
        made("slopes"),
    log:
        log_of("slopes"),
    benchmark:
        benchmark_of("slopes")
    conda:
        ENVIRONMENT
    resources:
        **needs(sizes.effective_lr),
        gpu=0,
    params:
        seeds=config["seeds"][: config["differences"]["seeds"]],
        checkpoints=config["differences"]["slope_checkpoints"],
        quantity="differences_slope",
        protocol={k: config["effective_lr"][k] for k in ("T", "probe_batch")},
    script:
        "../scripts/measure.py"


rule differences_page:
    input:
        measured=COMPARED["anisotropy"].values(),
        training=COMPARED["training"].values(),
        jittered=JITTERED.values(),
        products=DEPARTURES.values(),
        slopes=SLOPES.values(),
        code=code("differences_page.py"),
    output:
        csv=f"{RESULTS}/differences.csv",
        page=f"{RESULTS}/differences.md",
    log:
        f"{RESULTS}/logs/differences_page.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        measured=list(COMPARED["anisotropy"]),
        training=list(COMPARED["training"]),
        jittered=list(JITTERED),
        products=list(DEPARTURES),
        slopes=list(SLOPES),
        data=targets.released_data(config),
        checkpoints=config["differences"]["training_checkpoints"],
        lags=config["anisotropy"]["summary_lags"],
    script:
        "../scripts/differences_page.py"
