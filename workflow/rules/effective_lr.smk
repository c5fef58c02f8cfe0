# Effective learning rates by lag (Figures 3 to 5).
rule effective_lr:
    input:
        networks=f"{RESULTS}/training/effective_lr/{{task}}/{{cell}}-{config['effective_lr']['optimizer']}.nc",
        code=code("effective_lr.py"),
    output:
        by_seeds("effective_lr/{task}/{cell}"),
    params:
        seeds=seeds_in_job,
        rate=config["optimizers"][config["effective_lr"]["optimizer"]]["rate"],
        protocol={k: config["effective_lr"][k] for k in ("T", "probe_batch")},
    log:
        f"{RESULTS}/logs/effective_lr/{{task}}/{{cell}}{{block}}.log",
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
        gpu=0,
    conda:
        "../../environment.yml"
    script:
        "../scripts/effective_lr.py"
