"""The configurations that we ship are right, and each mistake gets one message: key, found, allowed, nearest."""

import pytest
import yaml
from house import ROOT

from tools.config_tables import PAGE, keys, with_tables
from workflow.config_check import EXPERIMENTS, SCHEMA, ConfigError, check

CONFIG = ROOT / "config"
SCHEMA_READ = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def merged(*layers):
    """Later layers over earlier ones, mapping by mapping, as Snakemake merges config files."""
    whole = {}
    for layer in layers:
        for key, value in layer.items():
            whole[key] = merged(whole[key], value) if isinstance(value, dict) and key in whole else value
    return whole


def read(name):
    return yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(p.name for p in CONFIG.glob("*.yaml") if p.name != "claims.yaml"))
def test_shipped_configurations_are_right(name):
    check(merged(read("config.yaml"), read(name)), [(CONFIG / name, read(name))])


MISTAKES = {
    "effectiv_lr: {}": "unknown key 'effectiv_lr', did you mean 'effective_lr'? (allowed: run, experiments",
    "effective_lr: {update: 3}": "effective_lr: unknown key 'update', did you mean 'updates'?",
    "cells: {leaky: {alpha: 1.5}}": "cells.leaky: cell leaky: alpha = 1.5, allowed is 0 < alpha <= 1",
    "cells: {leaky: {alpha: '0.5'}}": "cells.leaky.alpha: '0.5' is text, not a number: write it without quotes",
    "cells: {leaky: {alpha: 1e-1}}": "cells.leaky.alpha: '1e-1' is text, not a number: write it as 1.0e-1, since",
    "cells: {gru: {bias: 'true'}}": "cells.gru.bias: 'true' is text, not true or false: write it without quotes",
    "cells: {gru: {bias: 'a: ['}}": "cells.gru: cell gru: bias = 'a: [', allowed is true or false",
    "cells: {d: {kind: stack, layers: '[gru]'}}": "cells.d.layers: '[gru]' is text, not a list: write it",
    "cells: {d: {kind: stack, layers: [{kind: gru, bias: 'no'}]}}": "cells.d.layers.0.bias: 'no' is text, not true",
    "optimizers: {adam: {schedule: {name: step, every: '3'}}}": "optimizers.adam.schedule.every: '3' is text, not",
    "cells: {leaky: {alfa: 0.5}}": "cells.leaky: unknown option of cell leaky: 'alfa', did you mean 'alpha'?",
    "cells: {gated: {}}": "cells.gated: unknown cell 'gated'",
    "cells: {deep: {layers: [gru]}}": "cells.deep: unknown cell 'deep'",
    "cells: {deep: {kind: stack}}": "cells.deep: cell stack: layers = (), allowed is a list of cells",
    "cells: {deep: {kind: stack, layers: [gru, grue]}}": "cells.deep: unknown cell 'grue', did you mean 'gru'?",
    "cells: {deep: {kind: stack, layers: [{bias: true}]}}": "cell stack: layer {'bias': True}, allowed is the name",
    "{cells: {d: {kind: stack, layers: [gru, gru]}}, gates: {compared: [d-sgd]}}": (
        "gates.compared: d-sgd and the reference plain-adam are compared unit by unit, but have 2 and 1 layers"
    ),
    "optimizers: {sgd: {rate: 1e-2}}": "optimizers.sgd.rate: '1e-2' is text, not a number: write it as 1.0e-2, since",
    "optimizers: {sgd: {rate: 2.5E1}}": "optimizers.sgd.rate: '2.5E1' is text, not a number: write it as 2.5e+1, since",
    "optimizers: {sgd: {options: {clip: 0}}}": "optimizers.sgd: optimizer sgd: clip = 0, allowed is 0 < clip <= inf",
    "optimizers: {sgd: {rate: 0}}": "optimizers.sgd.rate = 0 is out of range, allowed is more than 0",
    "optimizers: {adm: {rate: 0.1}}": "optimizers.adm: unknown optimizer 'adm', did you mean 'adam'?",
    "optimizers: {adam: {schedule: {name: cosin}}}": "unknown schedule 'cosin', did you mean 'cosine'?",
    "seeds: []": "seeds: found 0 entries, at least 1 needed",
    "seeds: [1, 2, 1]": "seeds: 1 is listed twice",
    "seeds: [-1]": "seeds.0 = -1 is too small, allowed is 0 or more",
    "seeds: 5": "seeds: found 5, allowed is one array",
    "seeds_per_job: 0": "seeds_per_job = 0 is too small, allowed is 1 or more",
    "units: 8.5": "units: found 8.5, allowed is one integer",
    "run: a b": "run: 'a b' is no name",
    "experiments: [effective_rl]": "experiments.0: found 'effective_rl', did you mean 'effective_lr'?",
    "effective_lr: {cells: [mutli]}": "effective_lr.cells: unknown cell 'mutli', did you mean 'multi'?",
    "effective_lr: {optimizer: sdg}": "effective_lr.optimizer: unknown optimizer 'sdg', did you mean 'sgd'?",
    "effective_lr: {tasks: [addng]}": "effective_lr.tasks: unknown task 'addng', did you mean 'adding'?",
    "effective_lr: {tasks: [recall], T: 14}": "task recall: T = 14 is too small, allowed is 15 or more",
    "effective_lr: {inputs: 1}": "task adding: n = 1 is too small, allowed is 2 or more",
    "effective_lr: {checkpoints: [0, 801]}": "effective_lr.checkpoints: 801 is after the last update, updates = 800",
    "effective_lr: {checkpoints: [0, 800, 0]}": "effective_lr.checkpoints: 0 is listed twice",
    "experiments: [lyapunov]\nlyapunov: {T: 11}": "lyapunov: T = 11 is too short for 10 blocks after a transient of 2",
    "experiments: [lyapunov]\nlyapunov: {transient: 1}": "lyapunov.transient = 1 is out of range",
    "experiments: [lyapunov]\nlyapunov: {autonomous: {a: {cell: gru, units: 8, gain: 0}}}": "gain = 0 is out of range",
    "experiments: [lyapunov]\nlyapunov: {autonomous: {n: {cell: gur, units: 8, gain: 1}}}": "'gur', did you mean",
    "anisotropy: {models: [plainadam]}": "anisotropy.models: 'plainadam' is no model, write cell-optimizer",
    "anisotropy: {models: [plain-adma]}": "anisotropy.models: unknown optimizer 'adma', did you mean 'adam'?",
    "anisotropy: {lags: [1, 120]}": "anisotropy.lags: 120 is too long for anisotropy.T = 120, allowed is less",
    "anisotropy: {summary_lags: [3]}": "anisotropy.summary_lags: 3 is not in anisotropy.lags (1, 2, 4",
    "gates: {lags: [1, 80]}": "gates.lags: 80 is too long for effective_lr.T = 80",
    "gates: {samples: 65}": "gates.samples = 65 is more than gates.probe_batch = 64",
    "gates: {compared: [scalar-sgd]}": "gates.compared: scalar-sgd gives all units one step",
    "gates: {references: [leaky-adam]}": "gates.references: leaky-adam is not in anisotropy.models (plain-adam",
    "networks: {a: {file: a.npz, cell: grue, task: adding}}": "networks.a.cell: unknown cell 'grue'",
    "networks: {a: {file: a.npz, cell: gru}}": "networks.a: name a task, or a file of sequences as data, and not both",
    "networks: {a: {file: a.npz, cell: gru, task: adding}}": f"networks.a: {ROOT}/a.npz is not there",
    "networks: {a: {file: 'a{1}.npz', cell: gru, task: adding}}": f"networks.a.file: {ROOT}/a{{1}}.npz has braces",
    "networks: {a: {file: config/example_gru.safetensors, cell: gru, task: addng}}": "networks.a: unknown task 'addng'",
    "{anisotropy: {rank: 20}, networks: {a: {file: config/example_gru.safetensors, cell: gru, task: adding}}}": (
        "networks.a: anisotropy.rank = 20 is too large for a state of 16"
    ),
    "{gates: {samples: 65}, networks: {a: &a {file: config/example_gru.safetensors, cell: gru, task: ar2}, b: *a}}": (
        "networks.a, networks.b: gates.samples = 65 is more than gates.probe_batch = 64"
    ),
    "networks: {a: {weights: a.npz}}": "networks.a: unknown key 'weights' (allowed: file, cell",
    "anisotropy: {data: [one_bach]}": "anisotropy.data: unknown data 'one_bach', did you mean 'one_batch'?",
    "anisotropy: {data: []}": "anisotropy.data: found 0 entries, at least 1 needed",
    "anisotropy: {data: [fresh, fresh]}": "anisotropy.data: fresh is listed twice",
    "data: {one_batch: {sequences: 63}}": "data.one_batch.sequences = 63 is too small for anisotropy: allowed is",
    "data: {one_batch: {sequence: 64}}": "data.one_batch: unknown key 'sequence', did you mean 'sequences'?",
    "data: {one_batch: {jitter: 0}}": "data.one_batch.jitter = 0 is out of range, allowed is more than 0",
    "data: {N=64: {sequences: 64}}": "data: 'N=64' is no name",
    "expansion: {data: [fresh]}": "expansion.data: this block chooses no training data; effective_lr and anisotropy do",
    "gates: {data: [fresh]}": "gates.data: this block chooses no training data",
    "differences: {sequences: 64}": "differences.sequences: a training set is described under the key `data`",
    "sequences: 64": "sequences: a training set is described under the key `data`",
    "anisotropy: {sequences: 64}": "anisotropy.sequences: a training set is described under the key `data`",
    "differences: {models: [leaky-adam]}": "differences.models: leaky-adam is not in anisotropy.models (plain-adam",
    "{anisotropy: {models: [plain-adam, multi-sgd, gru-sgd]}, differences: {models: [gru-sgd]}}": (
        "differences.models: the released code has no gru-sgd, its cells are plain, leaky, scalar, multi"
    ),
    "differences: {training_tasks: [narma20]}": "differences.training_tasks: narma20 is not in anisotropy.tasks",
    "differences: {checkpoints: [1]}": "differences.checkpoints: 1 is not in anisotropy.checkpoints (0, 400, 800",
    "differences: {slope_tasks: [ar2]}": "differences.slope_tasks: ar2 is not in effective_lr.tasks (adding, recall",
    "anisotropy: {rank: 65}": "anisotropy.rank = 65 is too large for a state of 64",
    "anisotropy: {gradients: 9}": "anisotropy.rank = 10 is too large for anisotropy.gradients = 9: it must be less",
    "anisotropy: {gradients: 10}": "anisotropy.rank = 10 is too large for anisotropy.gradients = 10: it must be less",
    "expansion: {epsilons: [0.1, 1.0]}": "expansion.epsilons: found 2 entries, at least 5 needed",
    "plugins: mine.py": "plugins: found 'mine.py', allowed is one array",
    "plugins: [config/mine.py]": "config/mine.py is not there",
    "plugins: [config/config.yaml]": "config/config.yaml is no Python file",
    "training: {readout_bias: yes please}": "readout_bias: found 'yes please', allowed is true or false",
    "training: {dtype: float16}": "training.dtype: found 'float16', did you mean",
}


def test_a_key_misspelled_is_not_missed_too():
    network = {"file": "config/example_gru.safetensors", "cell": "gru", "dat": "a.npz"}
    with pytest.raises(ConfigError) as caught:
        check(merged(read("config.yaml"), {"experiments": ["networks"], "networks": {"a": network}}))
    assert str(caught.value).startswith("networks.a: unknown key 'dat', did you mean 'data'?")


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_explained(text):
    paper = read("config.yaml")
    everything = {"experiments": list(EXPERIMENTS), "networks": {}}
    with pytest.raises(ConfigError) as caught:
        check(merged(paper, everything, yaml.safe_load(text)))
    said = str(caught.value).splitlines()
    assert sum(MISTAKES[text] in line for line in said) == 1


AT_ONCE = """
units: 0
seed: [1]
training: {dtype: float16}
plugins: [mine.py]
cells: {leaky: {alpha: 2}, scalar: 3}
optimizers: {adm: {rate: 0.1}, slow: {rule: sdg}}
effective_lr: {update: 3, T: 1, cells: [mutli, scalar], batch: 0}
anisotropy: {rank: 300, lags: [1, 120], summary_lags: [1], models: [scalar-sdg, 5]}
experiments: [effective_rl, effective_lr, anisotropy, networks]
networks:
  a: {file: a.npz, cell: grue, task: addng}
  b: {file: b.npz, cell: leaky, task: 5}
  c: {cell: multi, data: c.npz}
"""
LINES = """
unknown key 'seed'
units = 0
training.dtype: found 'float16'
experiments.0: found 'effective_rl'
mine.py is not there
cells.leaky: cell leaky: alpha = 2
cells.scalar: found 3
optimizers.adm: unknown optimizer 'adm'
optimizers.slow: the key 'rate' is missing
optimizers.slow: unknown optimizer 'sdg'
effective_lr: unknown key 'update'
effective_lr.T = 1
effective_lr.batch = 0
effective_lr.cells: unknown cell 'mutli'
anisotropy.models.1: found 5
anisotropy.models: unknown optimizer 'sdg'
anisotropy.lags: 120 is too long
anisotropy.rank = 300 is too large for anisotropy.gradients = 256
networks.a.cell: unknown cell 'grue'
a.npz is not there
networks.a: unknown task 'addng'
networks.b.task: found 5
b.npz is not there
networks.c: the key 'file' is missing
c.npz is not there
"""


def test_all_mistakes_are_named_at_once():
    """Those of form, and whatever can be known beside them; nothing is said of what they hide."""
    with pytest.raises(ConfigError) as caught:
        check(merged(read("config.yaml"), yaml.safe_load(AT_ONCE)))
    first, *lines = str(caught.value).splitlines()
    assert first == f"{len(lines)} mistakes:"
    parts = LINES.strip().splitlines()
    for part in parts:
        assert sum(part in line for line in lines) == 1, part
    assert [line for line in lines if not any(part in line for part in parts)] == []


@pytest.mark.parametrize("first, second", [*zip(MISTAKES, [*MISTAKES][7:], strict=False)])
def test_no_mistake_hides_behind_an_error_of_ours(first, second):
    with pytest.raises(ConfigError):
        check(merged(read("config.yaml"), {"networks": {}}, *map(yaml.safe_load, (first, second))))


def test_every_missing_key_is_named():
    with pytest.raises(ConfigError, match=r"the key 'cells' is missing\n .*the key 'data' is missing"):
        check({"run": "a", "experiments": ["expansion"], "seeds": [1], "units": 4, "optimizers": {"sgd": {"rate": 1}}})


def test_numbers_that_come_as_text_are_explained_once():
    """As `--config 'seeds=[1, 2]' 'expansion={T: 20}'` gives them."""
    with pytest.raises(ConfigError) as caught:
        check(merged(read("config.yaml"), {"seeds": ["1", "2"], "expansion": {"T": "20"}}))
    _, T, seeds = str(caught.value).splitlines()
    assert "expansion.T: '20' is text, not a number: write it without quotes, in a file for --configfile" in T
    assert (
        "seeds: its numbers are text: write them without quotes" in seeds
        and "--config makes text of what is in []" in seeds
    )


def test_every_key_has_a_description():
    described = dict(keys(SCHEMA_READ))
    told_elsewhere = {"training", "optimizers.*.schedule.name"}  # by its only key; beside the schedule
    assert {key for key, _ in keys(with_empty_descriptions(SCHEMA_READ))} - described.keys() == told_elsewhere


def with_empty_descriptions(schema):
    """The schema, where a property without a description has an empty one."""
    if not isinstance(schema, dict):
        return schema
    inner = {name: with_empty_descriptions(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict):
        inner["properties"] = {name: {"description": ""} | part for name, part in inner["properties"].items()}
    return inner


def test_the_page_of_keys_is_that_of_the_schema():
    """Written anew: python -m tools.config_tables"""
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page, SCHEMA_READ).splitlines() == page.splitlines()
    assert all(f"| `{key}` |" in page or f"### `{key}`" in page for key, _ in keys(SCHEMA_READ))


def test_editors_find_the_schema():
    first = (CONFIG / "config.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert (CONFIG / first.removeprefix("# yaml-language-server: $schema=")).resolve() == SCHEMA.resolve()
