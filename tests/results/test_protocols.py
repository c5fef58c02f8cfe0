"""What cannot be measured is refused in a notebook as before a run."""

import numpy as np
import pytest
import yaml
from house import ROOT
from pytorch_layers import state_dict

from engine.measures import anisotropy, effective_lr, expansion, gates, lyapunov
from engine.results.importing import read_network
from engine.results.notebook import measure
from engine.results.protocols import RANGES, range_mistakes
from engine.tasks.recorded import recorded
from workflow.networks import PROTOCOLS

GATES = {"probe_batch": 4, "samples": 2, "lags": [1, 2], "r": 2}
ANISOTROPY = {"probe_batch": 4, "lags": [1, 2], "pairs": 3, "gradients": 4, "r": 2}
RATES = {"probe_batch": 4, "rate": 0.1}
LYAPUNOV = {"transient": 0.1, "blocks": 2, "samples": 2}
MISTAKES = {
    "a long lag": (gates, GATES | {"lags": [1, 40]}, "gates.lags: 40 is too long for T = 7, allowed is less"),
    "a long lag of pairs": (anisotropy, ANISOTROPY | {"lags": [1, 40]}, "anisotropy.lags: 40 is too long for T = 7"),
    "lag 0": (gates, GATES | {"lags": [0, 1]}, r"gates.lags = \[0, 1\]: allowed is a list of different whole numbers"),
    "one lag": (gates, GATES | {"lags": 1}, "gates.lags = 1: allowed is a list"),
    "rank beyond the state": (gates, GATES | {"r": 40}, "gates.r = 40 is too large for a state of 5"),
    "rank 0": (anisotropy, ANISOTROPY | {"r": 0}, "anisotropy.r = 0: allowed is a whole number, 1 or more"),
    "rank beyond the gradients": (
        anisotropy,
        ANISOTROPY | {"r": 4},
        "anisotropy.r = 4 is too large for anisotropy.gradients",
    ),
    "rank by its other name": (gates, GATES | {"rank": 2}, r"unknown argument 'rank', it is called 'r' here \(allowed"),
    "a name misspelled": (effective_lr, RATES | {"probe_bach": 4}, "'probe_bach', did you mean 'probe_batch'"),
    "no batch": (effective_lr, {"rate": 0.1}, "effective_lr: the argument 'probe_batch' is missing"),
    "an empty batch": (effective_lr, RATES | {"probe_batch": 0}, "effective_lr.probe_batch = 0: allowed is"),
    "pairs below 0": (anisotropy, ANISOTROPY | {"pairs": -8}, "anisotropy.pairs = -8: allowed is"),
    "more samples than sequences": (gates, GATES | {"samples": 5}, "gates.samples = 5 is more than gates.probe_batch"),
    "a rate of 0": (effective_lr, RATES | {"rate": 0}, "effective_lr.rate = 0: allowed is a number above 0"),
    "a seed below 0": (effective_lr, RATES | {"seed": -1}, "measure.seed = -1: allowed is a whole number, 0 or more"),
    "many blocks": (lyapunov, LYAPUNOV | {"blocks": 8}, "lyapunov: T = 7 is too short for 8 blocks"),
    "few factors": (expansion, {"epsilons": [0.1]}, "expansion.epsilons = .*: allowed is a list of five or more"),
    "another T": (gates, GATES | {"T": 8}, "recorded sequences: T = 7, and the protocol has T = 8"),
}


@pytest.fixture(scope="module")
def network():
    return read_network(state_dict("gru", biases=True), "gru")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_protocol_that_does_not_fit_is_explained(mistake, network):
    quantity, protocol, message = MISTAKES[mistake]
    with pytest.raises(ValueError, match=message):
        measure(quantity, network, recorded(u=np.zeros((7, 6, 3)), y=np.zeros(6)), **protocol)


def test_sequences_are_long_enough_and_a_task_needs_their_length(network):
    with pytest.raises(ValueError, match=r"gates\.T = 2: allowed is a whole number, 3 or more"):
        measure(gates, network, recorded(u=np.zeros((2, 6, 3))), **GATES | {"lags": [1]})
    with pytest.raises(ValueError, match=r"gates: the argument 'T' is missing, the steps of a sequence$"):
        measure(gates, network, "adding", **GATES)
    with pytest.raises(ValueError, match="unknown task 'addding', did you mean 'adding'"):
        measure(gates, network, "addding", **GATES)


def test_the_ranges_are_those_of_a_configuration():
    """Their smallest whole numbers, where both have one; a network without targets has 0 gradients."""
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    for block, keys in PROTOCOLS.items():
        for key in {*keys} - {"gradients"}:
            said = schema["properties"][block]["properties"][key]
            least = (said | schema["$defs"].get(said.get("$ref", "").rpartition("/")[2], {})).get("minimum")
            name = "r" if key == "rank" else key
            assert name in RANGES
            if isinstance(least, int) and key != "transient":
                assert not [*range_mistakes("a", {name: least})] and [*range_mistakes("a", {name: least - 1})]


def test_weights_in_hand_are_those_of_a_file(tmp_path, network):
    np.savez(tmp_path / "w.npz", **state_dict("gru", biases=True))
    of_file, sequences = read_network(tmp_path / "w.npz", "gru"), recorded(u=np.ones((7, 6, 3)))
    found, expected = (measure(effective_lr, n, sequences, **RATES) for n in (network, of_file))
    np.testing.assert_array_equal(found.log_sensitivity, expected.log_sensitivity)
    assert "weights_file" in expected.attrs and not {"weights_file", "weights_sha256"} & found.attrs.keys()
    with pytest.raises(ValueError, match=r"^the state_dict: there is no weight_hh_l0 of PyTorch"):
        read_network({"a": np.zeros(3)}, "gru")
