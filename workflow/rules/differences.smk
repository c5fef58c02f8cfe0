# How the released code's numbers differ from the definitions, on the same trained networks (docs/differences.md).
D = config["differences"]


rule differences:
    input:
        networks=f"{RESULTS}/training/anisotropy/{D['task']}/{{cell}}-{{optimizer}}.nc",
        code=code("differences.py"),
    output:
        f"{RESULTS}/differences/{D['task']}/{{cell}}-{{optimizer}}.nc",
    log:
        f"{RESULTS}/logs/differences/{D['task']}/{{cell}}-{{optimizer}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(sizes.anisotropy),
        runtime=minutes(sizes.anisotropy),
        gpu=0,
    params:
        task=D["task"],
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
        networks=f"{RESULTS}/training/effective_lr/{D['task']}/{{cell}}-{config['effective_lr']['optimizer']}.nc",
        code=code("differences_slope.py"),
    output:
        f"{RESULTS}/differences/{D['task']}/slope_{{cell}}.nc",
    log:
        f"{RESULTS}/logs/differences/{D['task']}/slope_{{cell}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(sizes.effective_lr),
        runtime=minutes(sizes.effective_lr),
        gpu=0,
    params:
        task=D["task"],
        seeds=config["seeds"][: D["seeds"]],
        checkpoints=D["slope_checkpoints"],
        protocol={k: config["effective_lr"][k] for k in ("T", "probe_batch")},
    script:
        "../scripts/differences_slope.py"


rule differences_page:
    input:
        measured=expand(f"{RESULTS}/differences/{D['task']}/{{m}}.nc", m=released(config["anisotropy"]["models"])),
        slopes=expand(f"{RESULTS}/differences/{D['task']}/slope_{{c}}.nc", c=released(config["effective_lr"]["cells"])),
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
        task=D["task"],
        models=released(config["anisotropy"]["models"]),
        cells=released(config["effective_lr"]["cells"]),
    script:
        "../scripts/differences_page.py"
