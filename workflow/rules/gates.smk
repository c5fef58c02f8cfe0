# Gates as optimizers, time scales and alignment (Table 1 and the abstract's claims), on networks trained above.
G = config["gates"]


rule gates:
    input:
        networks=f"{RESULTS}/training/{{experiment}}/{{task}}/{{cell}}-{{optimizer}}.nc",
        code=code("gates.py"),
    output:
        by_seeds("gates/{experiment}/{task}/{cell}-{optimizer}"),
    log:
        f"{RESULTS}/logs/gates/{{experiment}}/{{task}}/{{cell}}-{{optimizer}}{{block}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(sizes.gates),
        runtime=minutes(sizes.gates),
        gpu=0,
    params:
        seeds=seeds_in_job,
        protocol=lambda w: {
            "T": config[w.experiment]["T"],
            "r": G["rank"],
            **{k: G[k] for k in ("probe_batch", "samples", "lags")},
        },
    script:
        "../scripts/gates.py"


rule steps:
    input:
        gates=f"{RESULTS}/gates/anisotropy/{{task}}/{{cell}}-{{optimizer}}.nc",
        references=expand(f"{RESULTS}/training/anisotropy/{{{{task}}}}/{{model}}.nc", model=G["references"]),
        code=code("steps.py"),
    output:
        f"{RESULTS}/steps/{{task}}/{{cell}}-{{optimizer}}.nc",
    log:
        f"{RESULTS}/logs/steps/{{task}}/{{cell}}-{{optimizer}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    params:
        references=G["references"],
    script:
        "../scripts/steps.py"


rule table1:
    input:
        gates=gate_files(),
        steps=step_files(),
        code=code("table1.py"),
    output:
        csv=f"{RESULTS}/table1.csv",
        latex=f"{RESULTS}/table1.tex",
    log:
        f"{RESULTS}/logs/table1.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(30),
    params:
        optimizer=config["effective_lr"]["optimizer"],
    script:
        "../scripts/table1.py"


rule coupling:
    input:
        gates=gate_files(),
        code=code("coupling.py"),
    output:
        f"{RESULTS}/coupling.csv",
    log:
        f"{RESULTS}/logs/coupling.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(30),
    script:
        "../scripts/coupling.py"
