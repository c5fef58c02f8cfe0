# First-order expansion of the product of Jacobians (Figures 1 and 2).
rule expansion:
    input:
        code=code("expansion.py"),
    output:
        made("expansion"),
    log:
        log_of("expansion"),
    benchmark:
        benchmark_of("expansion")
    conda:
        ENVIRONMENT
    resources:
        **needs(sizes.expansion),
        gpu=0,
    params:
        seeds=seeds_in_job,
        cell=lambda w: cell_settings(config, w.cell, config["expansion"]["inputs"]),
        protocol={k: config["expansion"][k] for k in ("T", "epsilons", "weight_scale", "noise")},
    script:
        "../scripts/expansion.py"
