# Tables over all results of a run, the pages that show them, the index of the run, and what the report says first.
report: "../report/workflow.rst"


TABLES = targets.table_pages(config)
ANISOTROPIES = targets.of_models(config, "anisotropy")


rule summary:
    input:
        measured=ANISOTROPIES.values(),
        training=TRAININGS.values(),
        code=code("summary.py"),
    output:
        csv=f"{RESULTS}/summary.csv",
        page=f"{RESULTS}/summary.md",
    log:
        f"{RESULTS}/logs/summary.log",
    localrule: True  # a second of work, which is not worth a job of a cluster
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        run=config["run"],
        measured=list(ANISOTROPIES),
        lags=config["anisotropy"]["summary_lags"],
    script:
        "../scripts/summary.py"


rule table_pages:
    input:
        tables=[f"{RESULTS}/{name}.csv" for name in TABLES],
        code=code("table_pages.py"),
    output:
        [
            in_report(f"{RESULTS}/tables/{name}.html", category, f"table_{name}", shows=title, of="all tasks")
            for name, (category, title) in TABLES.items()
        ],
    log:
        f"{RESULTS}/logs/table_pages.log",
    localrule: True
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        titles=[title for _, title in TABLES.values()],
    script:
        "../scripts/table_pages.py"


rule index:
    input:
        everything=targets.everything(config),
        code=code("index.py"),
    output:
        f"{RESULTS}/README.md",
    log:
        f"{RESULTS}/logs/index.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        config=config,
    script:
        "../scripts/index.py"
