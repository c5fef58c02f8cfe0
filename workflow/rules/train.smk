# Training: one job a task and model, all seeds inside.
rule train:
    input:
        code=code("train.py"),
    output:
        by_seeds("training/{experiment}/{task}/{cell}-{optimizer}"),
    params:
        seeds=seeds_in_job,
        training=config["training"],
        cell=lambda w: cell_settings(config, w.cell, config[w.experiment]["inputs"]),
        optimizer=lambda w: optimizer_settings(config, w.optimizer),
        protocol=lambda w: {k: config[w.experiment][k] for k in ("T", "batch", "updates", "checkpoints")},
    log:
        f"{RESULTS}/logs/training/{{experiment}}/{{task}}/{{cell}}-{{optimizer}}{{block}}.log",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
        gpu=0,
    conda:
        "../../environment.yml"
    script:
        "../scripts/train.py"
