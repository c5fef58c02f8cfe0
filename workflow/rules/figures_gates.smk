# Figures of gates as optimizers, time scales, alignment, decompositions and claims. One job draws a whole family of them.
rule draw_gates:
    input:
        gates=gate_files(),
        code=code("draw_gates.py"),
    output:
        pdf=pdf(GATES),
        png=png(GATES, "gates", "what is carried over the lags"),
    log:
        f"{RESULTS}/logs/figures/gates.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(10),
    params:
        pages=PAGES,
    script:
        "../scripts/draw_gates.py"


rule draw_time_scales:
    input:
        gates=expand(f"{RESULTS}/gates/anisotropy/{{task}}/{{model}}.nc", task=TASKS, model=LEARNED),
        coupling=f"{RESULTS}/coupling.csv",
        code=code("draw_time_scales.py"),
    output:
        pdf=pdf(TIME_SCALES),
        png=png(
            {name: task for name, (task, _) in TIME_SCALES.items()},
            "time_scales",
            "time scales of states and parameters",
        ),
    log:
        f"{RESULTS}/logs/figures/time_scales.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(10),
    params:
        results=lambda w, output: Path(output.pdf[0]).parents[1],
        pages=TIME_SCALES,
    script:
        "../scripts/draw_time_scales.py"


rule draw_coupling:
    input:
        coupling=f"{RESULTS}/coupling.csv",
        code=code("draw_coupling.py"),
    output:
        pdf=pdf(COUPLING),
        png=png(COUPLING, "coupling", "coupling of the time scales"),
    log:
        f"{RESULTS}/logs/figures/coupling.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    script:
        "../scripts/draw_coupling.py"


rule draw_alignment:
    input:
        gates=expand(f"{RESULTS}/gates/anisotropy/{{task}}/{{model}}.nc", task=TASKS, model=ANISOTROPY["models"]),
        training=expand(f"{RESULTS}/training/anisotropy/{{task}}/{{model}}.nc", task=TASKS, model=ANISOTROPY["models"]),
        code=code("draw_alignment.py"),
    output:
        pdf=pdf(ALIGNMENT),
        png=png(ALIGNMENT, "alignment", "alignment and updates"),
    log:
        f"{RESULTS}/logs/figures/alignment.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(10),
    params:
        tasks=TASKS,
        models=ANISOTROPY["models"],
    script:
        "../scripts/draw_alignment.py"


rule draw_steps:
    input:
        steps=step_files(),
        gates=expand(f"{RESULTS}/gates/anisotropy/{{task}}/{{model}}.nc", task=TASKS, model=G["compared"]),
        references=expand(f"{RESULTS}/training/anisotropy/{{task}}/{{model}}.nc", task=TASKS, model=G["references"]),
        code=code("draw_steps.py"),
    output:
        pdf=pdf(STEPS),
        png=png(STEPS, "steps", "multi gate beside Adam"),
    log:
        f"{RESULTS}/logs/figures/steps.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(10),
    params:
        tasks=TASKS,
        models=G["compared"],
        references=G["references"],
    script:
        "../scripts/draw_steps.py"


rule draw_decomposition:
    input:
        effects=f"{RESULTS}/decomposition.csv",
        means=f"{RESULTS}/decomposition_means.csv",
        code=code("draw_decomposition.py"),
    output:
        pdf=pdf(SHARES | MEANS),
        png=png(SHARES, "shares", "gate or optimizer: shares") + png(MEANS, "means", "gate or optimizer: means"),
    log:
        f"{RESULTS}/logs/figures/decomposition.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    params:
        tasks=TASKS,
    script:
        "../scripts/draw_decomposition.py"


rule draw_claims:
    input:
        claims=f"{RESULTS}/claims.csv",
        cases=f"{RESULTS}/claim_cases.csv",
        code=code("draw_claims.py"),
    output:
        pdf=f"{RESULTS}/figures/claims.pdf",
        png=in_report(
            f"{RESULTS}/figures/claims.png", "Claims", "claims", shows="every case with its interval", of="all tasks"
        ),
    log:
        f"{RESULTS}/logs/figures/claims.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(10),
    script:
        "../scripts/draw_claims.py"
