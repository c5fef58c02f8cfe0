# Blocks of seeds put together. Included only where `seeds_per_job` splits the seeds.
IN_BLOCKS = {kind.path.split("/")[0] for kind in FILES.values() if kind.in_blocks}


rule join:
    input:
        blocks=expand(f"{RESULTS}/{{{{path}}}}{{block}}.nc", block=BLOCKS),
        code=code("join.py"),
    output:
        f"{RESULTS}/{{path}}.nc",
    log:
        f"{RESULTS}/logs/{{path}}.log",
    wildcard_constraints:
        path=f"({'|'.join(sorted(IN_BLOCKS))})/[^.]+",
    localrule: True  # a second of work, which is not worth a job of a cluster
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(1000),
    script:
        "../scripts/join.py"
