# Tables over all results of a run, the pages that show them, and what the report says first.
report: "../report/workflow.rst"


# {table: (category of the report, what it is called there)}
PAGES_OF = {
    "anisotropy": {"summary": ("Joint anisotropy", "Table of anisotropy")},
    "differences": {"differences": ("Released code", "Table of departures from the definitions")},
    "gates": {
        "table1": ("Gates as optimizers", "Table 1, measured"),
        "coupling": ("Gates as optimizers", "Table of couplings"),
        "claims": ("Claims", "Table of verdicts"),
        "claim_cases": ("Claims", "Table of all cases"),
        **({"decomposition": ("Gates as optimizers", "Table of gate, optimizer, interaction")} if FACTORIAL else {}),
    },
}
TABLES = {
    name: about
    for experiment, tables_of in PAGES_OF.items()
    if experiment in config["experiments"]
    for name, about in tables_of.items()
}


def tables():
    """Every table of the experiments that the configuration asks for."""
    names = []
    if "anisotropy" in config["experiments"]:
        names += ["summary.csv", "README.md"]
    if "differences" in config["experiments"]:
        names += ["differences.csv", "differences.md"]
    if "gates" in config["experiments"]:
        names += ["table1.csv", "table1.tex", "coupling.csv", "claims.csv", "claims.md", "decomposition.csv"]
    return [f"{RESULTS}/{name}" for name in [*names, *(f"tables/{name}.html" for name in TABLES)]]


rule summary:
    input:
        measured=expand(
            f"{RESULTS}/anisotropy/{{task}}/{{model}}.nc",
            task=config["anisotropy"]["tasks"],
            model=config["anisotropy"]["models"],
        ),
        code=code("summary.py"),
    output:
        csv=f"{RESULTS}/summary.csv",
        page=f"{RESULTS}/README.md",
    log:
        f"{RESULTS}/logs/summary.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    params:
        run=config["run"],
        tasks=config["anisotropy"]["tasks"],
        models=config["anisotropy"]["models"],
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
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    params:
        titles=[title for _, title in TABLES.values()],
    script:
        "../scripts/table_pages.py"
