# Blocks of seeds put together. Included only where `seeds_per_job` splits the seeds, after the rules that split.
rule join:
    input:
        blocks=expand(f"{RESULTS}/{{{{path}}}}{{block}}.nc", block=BLOCKS),
        code=code("join.py"),
    output:
        f"{RESULTS}/{{path}}.nc",
    log:
        f"{RESULTS}/logs/{{path}}.log",
    wildcard_constraints:
        path=f"({'|'.join(sorted(SPLIT))})/[^.]+",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    conda:
        "../../environment.yml"
    script:
        "../scripts/join.py"
