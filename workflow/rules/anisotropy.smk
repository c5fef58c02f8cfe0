# Joint anisotropy of propagation and updates (Figures 6 to 10).
rule anisotropy:
    input:
        networks=f"{RESULTS}/training/anisotropy/{{task}}/{{cell}}-{{optimizer}}.nc",
        code=code("anisotropy.py"),
    output:
        by_seeds("anisotropy/{task}/{cell}-{optimizer}"),
    log:
        f"{RESULTS}/logs/anisotropy/{{task}}/{{cell}}-{{optimizer}}{{block}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(sizes.anisotropy),
        runtime=minutes(sizes.anisotropy),
        gpu=0,
    params:
        seeds=seeds_in_job,
        protocol={
            "r": config["anisotropy"]["rank"],
            **{k: config["anisotropy"][k] for k in ("T", "probe_batch", "lags", "pairs", "gradients")},
        },
    script:
        "../scripts/anisotropy.py"
