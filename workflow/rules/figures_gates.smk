# Figures of gates as optimizers, time scales, alignment, decompositions and claims. One job draws a whole family of them.
GATE_PAGES, TIME_SCALE_PAGES = targets.gate_pages(config), targets.time_scale_pages(config)
REFERENCES = targets.of_models(config, "training", config["gates"]["references"])


rule draw_gates:
    input:
        gates=GATES.values(),
        code=code("draw_gates.py"),
    output:
        pdf=pdf("gates"),
        png=png("gates"),
    log:
        f"{RESULTS}/logs/figures/gates.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(1000),
    params:
        pages=[list(page) for page in GATE_PAGES.values()],
    script:
        "../scripts/draw_gates.py"


rule draw_time_scales:
    input:
        gates=[file for *_, measured in TIME_SCALE_PAGES.values() for file in measured.values()],
        coupling=f"{RESULTS}/coupling.csv",
        code=code("draw_time_scales.py"),
    output:
        pdf=pdf("time_scales"),
        png=png("time_scales"),
    log:
        f"{RESULTS}/logs/figures/time_scales.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(1000),
    params:
        pages=[(data, task, list(measured)) for data, task, measured in TIME_SCALE_PAGES.values()],
    script:
        "../scripts/draw_time_scales.py"


rule draw_coupling:
    input:
        coupling=f"{RESULTS}/coupling.csv",
        code=code("draw_coupling.py"),
    output:
        pdf=pdf("coupling"),
        png=png("coupling"),
    log:
        f"{RESULTS}/logs/figures/coupling.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        data=targets.coupled(config),
    script:
        "../scripts/draw_coupling.py"


rule draw_alignment:
    input:
        gates=[GATES["anisotropy", *of] for of in TRAININGS],
        training=TRAININGS.values(),
        code=code("draw_alignment.py"),
    output:
        pdf=pdf("alignment"),
        png=png("alignment"),
    log:
        f"{RESULTS}/logs/figures/alignment.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(1000),
    params:
        trained=list(TRAININGS),
    script:
        "../scripts/draw_alignment.py"


rule draw_steps:
    input:
        steps=STEPS.values(),
        gates=[GATES["anisotropy", *of] for of in STEPS],
        networks=[TRAININGS[of] for of in STEPS],
        references=REFERENCES.values(),
        code=code("draw_steps.py"),
    output:
        pdf=pdf("steps"),
        png=png("steps"),
    log:
        f"{RESULTS}/logs/figures/steps.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(1000),
    params:
        steps=list(STEPS),
        references=list(REFERENCES),
    script:
        "../scripts/draw_steps.py"


rule draw_decomposition:
    input:
        effects=f"{RESULTS}/decomposition.csv",
        means=f"{RESULTS}/decomposition_means.csv",
        code=code("draw_decomposition.py"),
    output:
        pdf=pdf("shares") + pdf("means"),
        png=png("shares") + png("means"),
    log:
        f"{RESULTS}/logs/figures/decomposition.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        data=targets.regimes(config, "anisotropy"),
        trained=list(targets.trained_on(config, "anisotropy")),
    script:
        "../scripts/draw_decomposition.py"


rule draw_claims:
    input:
        claims=f"{RESULTS}/claims.csv",
        cases=f"{RESULTS}/claim_cases.csv",
        code=code("draw_claims.py"),
    output:
        pdf=f"{RESULTS}/figures/claims.pdf",
        png=in_report(f"{RESULTS}/figures/claims.png", "Claims", "claims", shows=SHOW["claims"], of="all tasks"),
    log:
        f"{RESULTS}/logs/figures/claims.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    script:
        "../scripts/draw_claims.py"
