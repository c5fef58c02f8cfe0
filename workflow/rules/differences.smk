# How the released code's numbers differ from the definitions, on the same trained networks (docs/differences.md).
D = config["differences"]
# {(task, model or cell): file}
DEPARTURES = {
    (task, model): f"{RESULTS}/differences/{task}/{model}.nc"
    for task in D["tasks"]
    for model in released(config["anisotropy"]["models"])
}
SLOPES = {
    (task, cell): f"{RESULTS}/differences/{task}/slope_{cell}.nc"
    for task in D["slope_tasks"]
    for cell in released(config["effective_lr"]["cells"])
}


rule differences:
    input:
        networks=f"{RESULTS}/training/anisotropy/{{task}}/{{cell}}-{{optimizer}}.nc",
        code=code("differences.py"),
    output:
        f"{RESULTS}/differences/{{task}}/{{cell}}-{{optimizer}}.nc",
    log:
        f"{RESULTS}/logs/differences/{{task}}/{{cell}}-{{optimizer}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(sizes.anisotropy),
        runtime=minutes(sizes.anisotropy),
        gpu=0,
    params:
        seeds=config["seeds"][: D["seeds"]],
        checkpoints=D["checkpoints"],
        protocol={
            "r": config["anisotropy"]["rank"],
            **{k: config["anisotropy"][k] for k in ("T", "probe_batch", "lags", "pairs")},
        },
    script:
        "../scripts/differences.py"


rule differences_slope:
    input:
        networks=f"{RESULTS}/training/effective_lr/{{task}}/{{cell}}-{config['effective_lr']['optimizer']}.nc",
        code=code("differences_slope.py"),
    output:
        f"{RESULTS}/differences/{{task}}/slope_{{cell}}.nc",
    log:
        f"{RESULTS}/logs/differences/{{task}}/slope_{{cell}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(sizes.effective_lr),
        runtime=minutes(sizes.effective_lr),
        gpu=0,
    params:
        seeds=config["seeds"][: D["seeds"]],
        checkpoints=D["slope_checkpoints"],
        protocol={k: config["effective_lr"][k] for k in ("T", "probe_batch")},
    script:
        "../scripts/differences_slope.py"


rule differences_page:
    input:
        measured=DEPARTURES.values(),
        slopes=SLOPES.values(),
        code=code("differences_page.py"),
    output:
        csv=f"{RESULTS}/differences.csv",
        page=f"{RESULTS}/differences.md",
    log:
        f"{RESULTS}/logs/differences_page.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    params:
        measured=list(DEPARTURES),
        slopes=list(SLOPES),
    script:
        "../scripts/differences_page.py"
