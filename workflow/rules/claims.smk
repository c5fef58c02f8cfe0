# The abstract's claims and the decompositions, judged on all that the run has measured.
EVIDENCE = targets.evidence(config)


rule claims:
    input:
        measured=EVIDENCE.values(),
        claims=ROOT / "config/claims.yaml",
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
        "../envs/engine.yaml"
    resources:
        **needs(2000, minutes=60),
    params:
        measured=list(EVIDENCE),
        verdicts=targets.verdicts(config),
        sets={data: entry["sequences"] for data, entry in config["data"].items() if "sequences" in entry},
        tasks={
            **{source: config["anisotropy"]["tasks"] for source in ("training", "anisotropy", "gates", "steps")},
            "effective_lr": config["effective_lr"]["tasks"],
            "expansion": [""],
        },
        models=config["anisotropy"]["models"],
    script:
        "../scripts/claims.py"
