# First-order expansion of the product of Jacobians (Figures 1 and 2).
rule expansion:
    input:
        code=code("expansion.py"),
    output:
        by_seeds("expansion/{cell}"),
    params:
        seeds=seeds_in_job,
        cell=lambda w: cell_settings(config, w.cell, config["expansion"]["inputs"]),
        protocol={k: config["expansion"][k] for k in ("T", "epsilons", "weight_scale", "noise")},
    log:
        f"{RESULTS}/logs/expansion/{{cell}}{{block}}.log",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
        gpu=0,
    conda:
        "../../environment.yml"
    script:
        "../scripts/expansion.py"
