# Effective learning rates by lag (Figures 3 to 5).
rule effective_lr:
    input:
        networks=path("training", experiment="effective_lr", optimizer=config["effective_lr"]["optimizer"]),
        code=code_of("effective_lr"),
    output:
        made("effective_lr"),
    log:
        log_of("effective_lr"),
    benchmark:
        benchmark_of("effective_lr")
    conda:
        ENVIRONMENT
    resources:
        **needs(sizes.effective_lr),
        gpu=0,
    params:
        seeds=seeds_in_job,
        quantity="effective_lr",
        protocol={
            "rate": config["optimizers"][config["effective_lr"]["optimizer"]]["rate"],
            **{
                k: config["effective_lr"][k]
                for k in ("T", "probe_batch", "pairs", "predictor_checkpoints")
                if k in config["effective_lr"]
            },
        },
    script:
        "../scripts/measure.py"
