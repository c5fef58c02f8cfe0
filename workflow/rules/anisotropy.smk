# Joint anisotropy of propagation and updates (Figures 6 to 10).
rule anisotropy:
    input:
        networks=path("training", experiment="anisotropy"),
        code=code_of("anisotropy"),
    output:
        made("anisotropy"),
    log:
        log_of("anisotropy"),
    benchmark:
        benchmark_of("anisotropy")
    conda:
        ENVIRONMENT
    resources:
        **needs(sizes.anisotropy),
        gpu=0,
    params:
        seeds=seeds_in_job,
        quantity="anisotropy",
        protocol={
            "r": config["anisotropy"]["rank"],
            **{k: config["anisotropy"][k] for k in ("T", "probe_batch", "lags", "pairs", "gradients")},
        },
    script:
        "../scripts/measure.py"
