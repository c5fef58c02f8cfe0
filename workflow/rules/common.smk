# What the rules share: the checked configuration, file names, and the engine files that a script uses.
import sys

sys.path.insert(0, workflow.basedir)

from snakemake.exceptions import WorkflowError

from workflow.config_check import ConfigError, check
from workflow.parts import cell_settings, optimizer_settings
from workflow.sources import sources

try:
    check(config)
except ConfigError as error:
    raise WorkflowError(f"configuration: {error}")

RESULTS = f"results/{config['run']}"


wildcard_constraints:
    experiment="[a-z0-9_]+",
    task="[a-z0-9_]+",
    cell="[a-z0-9_]+",
    optimizer="[a-z0-9_]+",
    number="(figure_[0-9]{2}_)?",


def code(script):
    """The engine and workflow files that a script imports: as inputs, so that an edit reruns what depends on them."""
    return sources(f"workflow/scripts/{script}", workflow.basedir)
