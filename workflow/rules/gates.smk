# Gates as optimizers, time scales and alignment (Table 1 and the abstract's claims), on networks trained above.
GATES, STEPS = targets.gates(config), targets.steps(config)


rule gates:
    input:
        networks=path("training"),
        code=code_of("gates"),
    output:
        made("gates"),
    log:
        log_of("gates"),
    benchmark:
        benchmark_of("gates")
    conda:
        ENVIRONMENT
    resources:
        **needs(sizes.gates),
        gpu=0,
    params:
        seeds=seeds_in_job,
        quantity="gates",
        protocol=lambda w: {
            "T": config[w.experiment]["T"],
            "r": config["gates"]["rank"],
            **{k: config["gates"][k] for k in ("probe_batch", "samples", "lags")},
        },
    script:
        "../scripts/measure.py"


rule steps:
    input:
        gates=path("gates", experiment="anisotropy"),
        networks=path("training", experiment="anisotropy"),
        references=[path("training", experiment="anisotropy", model=model) for model in config["gates"]["references"]],
        code=code("steps.py"),
    output:
        made("steps"),
    log:
        log_of("steps"),
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        references=config["gates"]["references"],
    script:
        "../scripts/steps.py"


rule table1:
    input:
        gates=GATES.values(),
        steps=STEPS.values(),
        code=code("table1.py"),
    output:
        csv=f"{RESULTS}/table1.csv",
        latex=f"{RESULTS}/table1.tex",
    log:
        f"{RESULTS}/logs/table1.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(1000, minutes=30),
    params:
        gates=list(GATES),
        steps=list(STEPS),
        optimizer=config["effective_lr"]["optimizer"],
    script:
        "../scripts/table1.py"


rule coupling:
    input:
        gates=GATES.values(),
        code=code("coupling.py"),
    output:
        f"{RESULTS}/coupling.csv",
    log:
        f"{RESULTS}/logs/coupling.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(1000, minutes=30),
    params:
        gates=list(GATES),
    script:
        "../scripts/coupling.py"
