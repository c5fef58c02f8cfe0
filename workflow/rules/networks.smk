# Networks of the user's own, imported from files and measured as they are (docs/own-networks.md).
from workflow import networks as own


rule import_network:
    input:
        file=lambda w: config["networks"][w.network]["file"],
        code=code("import_network.py"),
    output:
        made("weights"),
    log:
        log_of("weights"),
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(1000),
    params:
        seeds=config["seeds"][:1],
        network=lambda w: own.network_settings(config, w.network),
    script:
        "../scripts/import_network.py"


rule measure_network:
    input:
        networks=rules.import_network.output[0],
        data=lambda w: own.recorded(config, w.network),
        code=lambda w: code_of(w.quantity)(w),
    output:
        made("networks"),
    log:
        log_of("networks"),
    benchmark:
        benchmark_of("networks")
    wildcard_constraints:
        quantity="|".join(own.PROTOCOLS),
    conda:
        ENVIRONMENT
    resources:
        **needs(own.size),
        gpu=0,
    params:
        seeds=config["seeds"][:1],
        task=lambda w: config["networks"][w.network].get("task"),
        loss=lambda w: config["networks"][w.network].get("loss"),
        quantity=lambda w: w.quantity,
        protocol=lambda w: own.protocol(config, w.network, w.quantity),
    script:
        "../scripts/measure.py"


rule draw_networks:
    input:
        **{
            quantity: [measured[quantity] for measured in NETWORKS.values()]
            for quantity in ("effective_lr", "anisotropy", "gates")
        },
        code=code("draw_networks.py"),
    output:
        f"{RESULTS}/figures/networks.pdf",
        in_report(
            f"{RESULTS}/figures/networks.png", "Networks of one's own", "networks", shows=SHOW["networks"], of="all"
        ),
    log:
        f"{RESULTS}/logs/figures/networks.log",
    conda:
        "../envs/engine.yaml"
    resources:
        **needs(500),
    params:
        names=[f"{name} ({config['networks'][name]['cell']})" for name in NETWORKS],
    script:
        "../scripts/draw_networks.py"
