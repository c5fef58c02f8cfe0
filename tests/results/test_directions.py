"""A network of two directions: each by itself, on sequences in its own order."""

import numpy as np
import pytest
from pytorch_layers import H, N, T, inputs, pytorch_states, state_dict

from engine.results.importing import read_network
from engine.results.matching import expectation_mistakes
from engine.results.networks import load_networks, save_networks
from engine.tasks.recorded import recorded

LAYERS = {"_l0": N, "_l0_reverse": N, "_l1": 2 * H, "_l1_reverse": 2 * H}


def two_directions(kind="lstm", layers=1):
    """Weights as nn.LSTM(bidirectional=True) of one or two layers keeps them, each of its own."""
    found = {}
    for scale, (suffix, reads) in enumerate(list(LAYERS.items())[: 2 * layers], start=1):
        parts = state_dict(kind, layer=suffix, biases=True, inputs=reads).items()
        found |= {name: w / scale for name, w in parts if "fc" not in name}
    return found


def read(tmp_path, state, *arguments, **options):
    np.savez(tmp_path / "a.npz", **state)
    return read_network(tmp_path / "a.npz", *arguments, **options)


def outputs(kind, state, u, number=0):
    """(T, 2 H, batch), forward and reverse side by side, both in the order of time."""
    ahead = pytorch_states(kind, state, u, "rnn.", f"_l{number}")
    return np.concatenate([ahead, pytorch_states(kind, state, u[::-1], "rnn.", f"_l{number}_reverse")[::-1]], axis=1)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_each_direction_gives_the_states_that_pytorch_returns(direction, kind, tmp_path):
    """Of the layer above the first too, on what it reads; the outputs of both directions may be expected, or of one."""
    state = two_directions(kind, layers=2)
    u = inputs()
    for number, reads in enumerate([u, outputs(kind, state, u)]):
        network = read(tmp_path, state, kind, direction=direction, number=number)
        assert network.left_out == sorted(set(state) - set(network_names(state, direction, number)))
        expected = np.swapaxes(outputs(kind, state, reads, number), 1, 2)
        own = expected[..., H:] if direction == "reverse" else expected[..., :H]
        for known in (expected, own):
            assert expectation_mistakes(network, recorded(u=np.swapaxes(reads, 1, 2), expected=known)) == []
        assert expectation_mistakes(network, recorded(u=np.swapaxes(reads, 1, 2), expected=own[::-1])) != []


def network_names(state, direction, number):
    ending = f"_l{number}{'_reverse' if direction == 'reverse' else ''}"
    return [name for name in state if name.endswith(ending)]


def test_padded_sequences_are_read_from_their_own_end(tmp_path):
    state, lengths = two_directions(), np.array([7, 4, 5, 6])
    network, expected = read(tmp_path, state, "lstm", direction="reverse"), np.zeros((T, 4, 2 * H))
    for s, length in enumerate(lengths):
        expected[:length, s] = outputs("lstm", state, inputs()[:length, :, s : s + 1])[..., 0]
    sequences = recorded(u=np.swapaxes(inputs(), 1, 2), lengths=lengths, expected=expected)
    assert expectation_mistakes(network, sequences) == []


def test_the_direction_is_kept_in_the_file(tmp_path):
    save_networks(read(tmp_path, two_directions(), "lstm", direction="reverse").networks(2), {}, tmp_path / "a.nc")
    assert load_networks(tmp_path / "a.nc").direction == "reverse"


REFUSED = {
    "no direction named": (
        {},
        "weight_ih_l0_reverse: of the other direction; each is measured by itself, as `direction: forward`",
    ),
    "a layer above": ({"direction": "reverse"}, "_l1_reverse: .* or one by its `number`, with what it reads as"),
    "another direction": ({"direction": "backward"}, "unknown direction 'backward'"),
    "no such layer": ({"direction": "reverse", "number": 2}, "there is no weight_hh_l2_reverse of PyTorch"),
    "a readout": ({"direction": "forward", "number": 0, "readout": "fc.weight"}, "readout: it reads both directions"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_exact_is_refused(case, tmp_path):
    options, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        read(tmp_path, two_directions(layers=2), "lstm", **options)


def test_a_stack_has_no_direction(tmp_path):
    with pytest.raises(ValueError, match="are of one layer, and the cell is a stack: name the layer's own cell"):
        read(tmp_path, two_directions(layers=2), "stack", {"layers": ["lstm"] * 2}, direction="reverse")
