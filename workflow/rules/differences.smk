# How the released code's numbers differ from the definitions, on the same trained networks (docs/differences.md).
D = config["differences"]
DEPARTURES, SLOPES = targets.departures(config), targets.slopes(config)


rule differences:
    input:
        networks=path("training", experiment="anisotropy"),
        code=code("differences.py"),
    output:
        path("differences"),
    log:
        log_of("differences"),
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
        networks=path("training", experiment="effective_lr", optimizer=config["effective_lr"]["optimizer"]),
        code=code("differences_slope.py"),
    output:
        path("slopes"),
    log:
        log_of("slopes"),
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
