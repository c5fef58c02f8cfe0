# Training: one job a kind of data, task and model, all seeds inside.
rule train:
    input:
        code=code("train.py"),
    output:
        made("training"),
    log:
        log_of("training"),
    benchmark:
        benchmark_of("training")
    conda:
        ENVIRONMENT
    resources:
        **needs(sizes.training),
        gpu=0,
    params:
        seeds=seeds_in_job,
        training=config["training"],
        cell=lambda w: cell_settings(config, w.cell, config[w.experiment]["inputs"]),
        optimizer=lambda w: optimizer_settings(config, w.optimizer),
        protocol=lambda w: {
            **{k: config[w.experiment][k] for k in ("T", "batch", "updates", "checkpoints", "probe_batch")},
            **data_settings(config, w.data),
        },
    script:
        "../scripts/train.py"
