# Joint anisotropy of propagation and updates (Figures 6 to 10).
rule anisotropy:
    input:
        networks=f"{RESULTS}/training/anisotropy/{{task}}/{{cell}}-{{optimizer}}.nc",
        code=code("anisotropy.py"),
    output:
        by_seeds("anisotropy/{task}/{cell}-{optimizer}"),
    params:
        seeds=seeds_in_job,
        protocol={
            "r": config["anisotropy"]["rank"],
            **{k: config["anisotropy"][k] for k in ("T", "probe_batch", "lags", "pairs", "gradients")},
        },
    log:
        f"{RESULTS}/logs/anisotropy/{{task}}/{{cell}}-{{optimizer}}{{block}}.log",
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
        gpu=0,
    conda:
        "../../environment.yml"
    script:
        "../scripts/anisotropy.py"
