# Lyapunov exponents of the networks trained above, along sequences of their task, and of untrained ones without input.
LYAPUNOV = {key: value for key, value in config["lyapunov"].items() if key != "autonomous"}


rule lyapunov:
    input:
        networks=path("training"),
        code=code_of("lyapunov"),
    output:
        made("lyapunov"),
    log:
        log_of("lyapunov"),
    benchmark:
        benchmark_of("lyapunov")
    conda:
        ENVIRONMENT
    resources:
        **needs(sizes.lyapunov),
        gpu=0,
    params:
        seeds=seeds_in_job,
        quantity="lyapunov",
        protocol=LYAPUNOV,
    script:
        "../scripts/measure.py"


rule autonomous:
    input:
        code=code("autonomous.py"),
    output:
        made("autonomous"),
    log:
        log_of("autonomous"),
    benchmark:
        benchmark_of("autonomous")
    conda:
        ENVIRONMENT
    resources:
        **needs(sizes.autonomous),
        gpu=0,
    params:
        seeds=seeds_in_job,
        cell=lambda w: autonomous_cell(config, w.autonomous),
        gain=lambda w: config["lyapunov"]["autonomous"][w.autonomous]["gain"],
        protocol={key: value for key, value in LYAPUNOV.items() if key != "samples"},
    script:
        "../scripts/autonomous.py"


rule draw_long_lags:
    input:
        **{
            kind: [path(kind, experiment="anisotropy", model=model) for model in config["anisotropy"]["models"]]
            for kind in ("gates", "lyapunov")
        },
        code=code("draw_long_lags.py"),
    output:
        drawn("long_lags", "Lyapunov exponents", "all models, {task}"),
    log:
        log_of_drawing("long_lags"),
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        models=config["anisotropy"]["models"],
    script:
        "../scripts/draw_long_lags.py"
