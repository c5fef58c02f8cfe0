# Tables over all results of a run, and the page that shows them.
def tables():
    """Every table of the experiments that the configuration asks for."""
    names = []
    if "anisotropy" in config["experiments"]:
        names += ["summary.csv", "README.md"]
    if "differences" in config["experiments"]:
        names += ["differences.csv", "differences.md"]
    if "gates" in config["experiments"]:
        names += ["table1.csv", "table1.tex", "coupling.csv", "claims.csv", "claims.md", "decomposition.csv"]
    return [f"{RESULTS}/{name}" for name in names]


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
