# What the rules share: the checked configuration, and what a rule says of its files and jobs.
import json
import re
import sys
from hashlib import sha256

sys.path.insert(0, str(ROOT.resolve()))

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from engine.common.files import full_path
from engine.common.machine import memory
from workflow import plan, sizes, targets
from workflow.blocks import seed_blocks
from workflow.config_check import ConfigError, check
from workflow.names import FIGURES, FILES, SHOW
from workflow.parts import autonomous_cell, cell_settings, data_settings, optimizer_settings, part_files
from workflow.paths import place_mistakes
from workflow.sources import sources

if found := [*place_mistakes([ROOT, "."], sys.executable)]:
    raise WorkflowError("; ".join(found))

LAYERS = [*reversed(workflow.overwrite_configfiles), *workflow.configfiles]  # the strongest first
try:
    check(config, [(file, load_configfile(file)) for file in LAYERS])
except ConfigError as error:
    raise WorkflowError(f"configuration: {error}")
if before := targets.made_before(config):
    more = f" and {len(before) - 1} more folders" if len(before) > 1 else ""
    raise WorkflowError(
        f"{full_path(before[0])}{more}: results of an earlier version, which do not say on what data their networks were trained. They "
        f"are not mixed with new ones: move {full_path(targets.folder(config))} away, or give this run another name (`run`)"
    )

# On a cluster each job reads the configuration again; its results are recorded as made by that of the run.
CONTENT = sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
if os.environ.setdefault("CONFIGURATION_OF_THE_RUN", CONTENT) != CONTENT:
    raise WorkflowError(
        "configuration: it was edited while the run went on. What is made stays; run again for the rest"
    )

os.environ.update(MPLBACKEND="agg")  # a notebook hands its own to its jobs, and that need not be there

# With `--sdm conda`: the environment of the rules that can use a GPU, in a run that gives one to some of them.
GPU = any("gpu" in asked for asked in workflow.resource_settings.overwrite_resources.values())
ENVIRONMENT = f"../envs/{'gpu' if GPU else 'engine'}.yaml"

RESULTS = targets.folder(config)
BLOCKS = seed_blocks(config["seeds"], config.get("seeds_per_job"))
FAMILIES, NETWORKS = targets.families(config), targets.networks(config)
TRAININGS = targets.of_models(config, "training")
BLOCK = "{block}" if len(BLOCKS) > 1 else ""


def tell_plan():
    """Logs a line on the largest jobs of this run; returns one if they do not fit into this machine, else None."""
    jobs = [job for job in workflow.dag.needrun_jobs(exclude_finished=False) if job.resources.get("mem_mb")]
    if not jobs or not workflow.is_main_process:
        return None
    if line := plan.large_jobs(jobs):
        logger.info(line)
    return plan.too_large(jobs, memory() / 1e6) if workflow.local_exec else None


def tell_plan_of_dry_run(record):
    """Tells it with Snakemake's table of jobs: a dry run calls no `onstart`."""
    if getattr(record, "event", None) == LogEvent.RUN_INFO and workflow.dryrun and (refused := tell_plan()):
        logger.warning(refused)
    return True


def tell_nearest_target(record):
    """Adds the nearest name to Snakemake's word that no rule makes a target."""
    if found := re.search(r"to produce (\S+) \(if you use input", str(record.msg)):
        record.msg = targets.no_such_target(config, found[1])
    return True


logger.addFilter(tell_plan_of_dry_run)
logger.addFilter(tell_nearest_target)


onstart:
    # Snakemake 9.27 limits how many jobs start in a second. For this it looks for jobs every second, and once more for
    # each job that has started: after 200 jobs this takes a third of a core.
    workflow.scheduler.job_rate_limiter = None
    if refused := tell_plan():
        raise WorkflowError(refused)


wildcard_constraints:
    **{part: "|".join(map(re.escape, named)) or "(?!)" for part, named in targets.parts(config).items()},
    experiment="[a-z0-9_]+",
    block=r"\.seeds[0-9]+-[0-9]+",


def code(script, *modules):
    """The files that a script and further modules import, and those of the job's cell, task and optimizer.

    They are inputs, so that an edit reruns what depends on them.
    """

    def files(wildcards):
        found = sources(f"workflow/scripts/{script}", ROOT, *modules, **part_files(config, wildcards))
        return [os.path.relpath(ROOT / path) for path in found]

    return files


def code_of(quantity):
    """Those of a job that measures a quantity of engine.measures."""
    return code("measure.py", f"engine.measures.{quantity}")


def seeds_in_job(wildcards):
    """The seeds of a job: all, or those of its block."""
    return BLOCKS[wildcards.block] if "block" in wildcards.keys() else config["seeds"]


def path(kind, **parts):
    """A file of FILES, with wildcards for the {parts} that are not given."""
    return targets.path(config, kind, **parts)


def made_by_job(kind):
    """What such a file is called where a job makes it: one for each block of seeds if there are several."""
    return FILES[kind].path + (BLOCK if FILES[kind].in_blocks else "")


def made(kind):
    """The output of the jobs that make such files; `join` puts those of several blocks together."""
    file = f"{RESULTS}/{made_by_job(kind)}.nc"
    return temp(file) if BLOCK and FILES[kind].in_blocks else file


def log_of(kind):
    """Their log."""
    return f"{RESULTS}/logs/{made_by_job(kind)}.log"


def benchmark_of(kind):
    """Where Snakemake writes their time and memory."""
    return f"{RESULTS}/benchmarks/{made_by_job(kind)}.tsv"


def needs(size, minutes=10):
    """Memory and time of a rule's jobs: numbers, or what a function of workflow/sizes.py finds."""
    return sizes.resources(size, minutes, config, lambda wildcards: len(seeds_in_job(wildcards)))


def drawn(kind, category, of):
    """The two files of a figure that a job draws; the PNG is for the report."""
    pdf, png = targets.figure_files(config, [targets.figure(kind)])
    labels = lambda wildcards: targets.figure_labels(kind, of, **wildcards)
    return [pdf, report(png, f"../report/{kind}.rst", category, labels=labels)]


def log_of_drawing(kind):
    """The log of the job that draws such a figure."""
    return f"{RESULTS}/logs/figures/{FIGURES[kind]}.log"


def in_report(file, category, caption, **labels):
    """A file that the report shows, with what tells it from others of its category: what it shows, and of what."""
    return report(file, f"../report/{caption}.rst", category, labels=labels)


def pdf(family):
    """The PDFs of a family of targets.families."""
    return [f"{RESULTS}/figures/{name}.pdf" for name in FAMILIES[family]]


def png(family):
    """Its PNGs, for the report."""
    return [
        in_report(f"{RESULTS}/figures/{name}.png", "Gates as optimizers", family, shows=SHOW[family], of=of)
        for name, of in FAMILIES[family].items()
    ]
