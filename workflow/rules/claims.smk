# The abstract's claims and the decompositions, judged on all that the run has measured.
def evidence():
    """Every file of this run that a claim may read."""
    asked, files = config["experiments"], []
    if "anisotropy" in asked:
        a = config["anisotropy"]
        folders = ["training/anisotropy", "anisotropy"]
        files += expand(
            f"{RESULTS}/{{folder}}/{{task}}/{{model}}.nc", folder=folders, task=a["tasks"], model=a["models"]
        )
    if "effective_lr" in asked:
        e = config["effective_lr"]
        files += expand(f"{RESULTS}/effective_lr/{{task}}/{{cell}}.nc", task=e["tasks"], cell=e["cells"])
    if "expansion" in asked:
        files += expand(f"{RESULTS}/expansion/{{cell}}.nc", cell=config["expansion"]["cells"])
    return files + gate_files() + step_files()


rule claims:
    input:
        measured=evidence(),
        claims="config/claims.yaml",
        code=code("claims.py"),
    output:
        claims=f"{RESULTS}/claims.csv",
        cases=f"{RESULTS}/claim_cases.csv",
        effects=f"{RESULTS}/decomposition.csv",
        means=f"{RESULTS}/decomposition_means.csv",
        page=f"{RESULTS}/claims.md",
    log:
        f"{RESULTS}/logs/claims.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(2000),
        runtime=minutes(60),
    params:
        results=RESULTS,
        tasks={
            **{source: config["anisotropy"]["tasks"] for source in ("training", "anisotropy", "gates", "steps")},
            "effective_lr": config["effective_lr"]["tasks"],
            "expansion": [""],
        },
        models=config["anisotropy"]["models"],
    script:
        "../scripts/claims.py"
