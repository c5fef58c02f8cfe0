"""Every figure draws from what the engine measures: quietly, labelled, inside its page, and the same each time."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from engine.figures.alignment import alignment_figure
from engine.figures.anisotropy import anisotropy_figure, in_windows
from engine.figures.claims import claims_figure, said_of
from engine.figures.coupling import coupling_figure
from engine.figures.decomposition import means_figure, shares_figure
from engine.figures.effective_lr import predictor_figure, profile_figure
from engine.figures.expansion import expansion_figure
from engine.figures.gates import gates_figure
from engine.figures.long_lags import long_lags_figure
from engine.figures.networks import networks_figure
from engine.figures.steps import Compared, steps_figure
from engine.figures.style import LEFT_OUT, band, many_style, mathematical, mean_band, mean_marks, plt, save_figure
from engine.figures.tables import page
from engine.figures.time_scales import time_scales_figure
from engine.figures.unit_rates import unit_rates_figure
from engine.measures import anisotropy, effective_lr, expansion, gates, lyapunov, step_sizes
from engine.training import held_out, train
from engine.training.update_statistics import QUANTITIES as UPDATES
from engine.verdicts import coupling

AXES = {
    "seed": [1, 2, 3, 4],
    "checkpoint": [0, 30, 60],
    "predictor_checkpoint": [0, 60],
    "lag": range(20),
    "probed_lag": [1, 4, 12],
    "unit": range(6),
    "weight": ["all", "W_r", "W_i"],
    "profile": ["transport", "update_gates", "retention_gates", "gradient"],
    "estimator": ["decay", "mean_lag"],
    "quantile": [0.05, 0.25, 0.5, 0.75, 0.95],
    "exponent": range(1, 7),
    "epsilon": [1e-4, 1e-3, 1e-2, 1e-1, 1.0],
    "step": range(1, 21),
    "rank": range(1, 7),
    "gradient_rank": range(1, 7),
    "pair": range(3),
    "iteration": range(60),
    "reference": ["plain-adam", "multi-adam", step_sizes.SAME_NETWORK],
}
MODELS = ("plain-adam", "scalar-sgd", "multi-sgd", "multi-adam")
MANY = [f"{cell}-{optimizer}" for cell in ("plain", "scalar", "multi") for optimizer in ("sgd", "rmsprop", "adam")]
SETS = ("one_batch", "1024_sequences", "fresh")
TASKS = ("adding", "narma10")


def measured(quantities, seed=0):
    """Every quantity: decaying logs, other values in (0.2, 0.9); the third seed had diverged by the last checkpoint."""
    rng = np.random.default_rng(seed)
    variables = {}
    for name, quantity in quantities.items():
        dims = quantity.dims.split()
        x = rng.uniform(0.2, 0.9, [len(AXES[dim]) for dim in dims])
        if name.startswith("log_"):
            along = next((dim for dim in ("lag", "probed_lag") if dim in dims), None)
            if along:
                x = (
                    x
                    - 0.5
                    * xr.DataArray(list(AXES[along]), dims=along)
                    .broadcast_like(xr.DataArray(x, dims=dims))
                    .transpose(*dims)
                    .values
                )
        if dims[:2] == ["seed", "checkpoint"]:
            x[2, -1] = np.nan
        variables[name] = (dims, x, {"long_name": quantity.long_name})
    used = {dim for dims, *_ in variables.values() for dim in dims}
    return xr.Dataset(variables, {dim: list(AXES[dim]) for dim in used})


def gates_of(model, seed=0):
    """What measures.gates finds: a plain cell retains nothing, and one with a single gate has it in every unit."""
    ds = measured(gates.QUANTITIES, seed)
    cell = model.split("-")[0]
    if cell == "plain":
        ds["log_retention_product"][:] = -np.inf
        ds["log_update_product"][:] = 0
    if cell != "multi":
        ds["tau_state"][:] = ds.tau_state[..., :1].values
        for name in ("coupling_slope", "coupling_exponent", "coupling_rank_correlation"):
            ds[name][:] = np.nan
    return ds


def all_gates():
    return {model: gates_of(model, i) for i, model in enumerate(MODELS)}


def coupling_table():
    found = []
    for task, (model, ds) in product(TASKS, all_gates().items()):
        arrays = {name: variable.values for name, variable in ds.data_vars.items()}
        rows = coupling.rows(arrays, AXES["checkpoint"])
        found += [{"experiment": "anisotropy", "task": task, "model": model} | row for row in rows]
    return pd.DataFrame(found)


def anisotropies(data=("one_batch", "fresh"), models=MODELS):
    """{(data, model): dataset}, each of its own."""
    return {of: measured(anisotropy.QUANTITIES, seed=i) for i, of in enumerate(product(data, models))}


def trainings(data=("one_batch", "fresh"), models=MODELS):
    """The same of losses."""
    of_training = {"loss": train.QUANTITIES["loss"]} | held_out.QUANTITIES
    return {of: measured(of_training, seed=i) for i, of in enumerate(product(data, models))}


def compared():
    training = {reference: measured(UPDATES).adaptive_step for reference in AXES["reference"]}
    return {
        task: Compared(gates_of("multi-sgd"), measured(step_sizes.COMPARISON_QUANTITIES), training) for task in TASKS
    }


def effects():
    rows = []
    for task, chosen, source in product(TASKS, ("lag 1", np.nan), ("gate", "optimizer", "interaction", "seed")):
        of = {"quantity": "log10 AI" if chosen == "lag 1" else "cosine", "task": task, "chosen": chosen}
        rows.append(
            of | {"source": source, "adjusted_share": 0.3, "adjusted_share_low": 0.1, "adjusted_share_high": 0.5}
        )
    return pd.DataFrame(rows)


def means():
    levels = [("gate", "plain"), ("gate", "multi"), ("optimizer", "sgd_schedule"), ("optimizer", "adam")]
    rows = [
        {
            "quantity": quantity,
            "chosen": np.nan,
            "factor": factor,
            "level": level,
            "mean": 1.0,
            "low": 0.5,
            "high": np.nan,
        }
        for quantity in ("alignment energy", "decay rate of log ||G_h|| over lags")
        for factor, level in levels
    ]
    return pd.DataFrame(rows)


DATA = ("one_batch", "fresh")


def claims(data=DATA):
    kinds = {"supported": 5, "supported where measured": 3, "not supported": 5, "mixed": 5, "not measured": 0}
    rows = []
    for said, measured in kinds.items():
        columns = {"verdict": said, "cases": 5, "holds": 2, "not_measured": 5 - measured}
        columns |= {"fewest_seeds": 18, "seeds": 20}
        found = {f"{name}_{of}": value for of in data for name, value in columns.items()}
        rows.append({"claim": said.replace(" ", "_")} | found)
    return pd.DataFrame(rows)


def cases(data=DATA):
    return pd.concat([cases_on(of) for of in data])


def cases_on(data):
    """Every direction and outcome; spreads that are not known, intervals that are not, values beyond the page."""
    expected = [("greater", 0, np.nan), ("less", 0.1, np.nan), ("different", 0, np.nan), ("within", 0, 0.05)]
    outcomes = ["holds", "contradicted", "undecided", "holds", "not measured"]
    rows = []
    for (claim, asked), (i, outcome) in product(
        zip(("supported", "not_supported", "mixed", "mixed"), expected, strict=True), enumerate(outcomes)
    ):
        value = [0.2, -0.2, 0.01, 9.0, np.nan][i]
        end = np.nan if i == 2 else 0.02
        row = {
            "verdict_on": data,
            "claim": claim,
            "statistic": f"a statistic that is {asked[0]}",
            "task": TASKS[i % 2],
            "chosen": np.nan,
        }
        row |= dict(zip(("direction", "threshold", "margin"), asked, strict=True))
        row |= {"value": value, "low": value - end, "high": value + end, "outcome": outcome}
        rows.append(row | {"spread": 0.0 if i == 1 else 0.01})
    return pd.DataFrame(rows)


def learned():
    return {model: ds for model, ds in all_gates().items() if not model.startswith("plain")}


def of_a_network(name):
    parts = {"effective_lr": effective_lr, "anisotropy": anisotropy, "gates": gates}
    return {part: measured(module.QUANTITIES, seed=len(name)) for part, module in parts.items()}


NETWORK = of_a_network("mine")


def adding(table):
    return table[table.task == "adding"]


def exponents(seed):
    """Lyapunov exponents, of which all are negative."""
    return -measured(lyapunov.QUANTITIES, seed)


FIGURES = {
    "expansion": lambda: expansion_figure(measured(expansion.QUANTITIES), "scalar"),
    "effective_lr": lambda: profile_figure(measured(effective_lr.QUANTITIES), "multi"),
    "predictors": lambda: predictor_figure({cell: measured(effective_lr.QUANTITIES) for cell in ("leaky", "multi")}),
    "anisotropy": lambda: anisotropy_figure(anisotropies(), trainings(), rank=4),
    "anisotropy_of_one": lambda: anisotropy_figure(anisotropies(["fresh"]), trainings(["fresh"]), rank=4),
    "anisotropy_of_sets": lambda: anisotropy_figure(anisotropies(SETS), trainings(SETS), rank=4),
    "anisotropy_of_many": lambda: anisotropy_figure(anisotropies(models=MANY), trainings(models=MANY), rank=4),
    "gates": lambda: gates_figure({("adding", model): ds for model, ds in all_gates().items()}),
    "gates_tasks": lambda: gates_figure({(task, "leaky-sgd"): gates_of("leaky-sgd") for task in TASKS}),
    "time_scales": lambda: time_scales_figure(learned(), adding(coupling_table())),
    "coupling": lambda: coupling_figure(coupling_table()),
    "alignment": lambda: alignment_figure(all_gates(), {model: measured(UPDATES) for model in MODELS}),
    "steps": lambda: steps_figure(compared(), "multi-sgd"),
    "shares": lambda: shares_figure(effects()),
    "means": lambda: means_figure(means()),
    "unit_rates": lambda: unit_rates_figure(measured(effective_lr.QUANTITIES), "multi"),
    "long_lags": lambda: long_lags_figure(
        {model: (ds, exponents(i)) for i, (model, ds) in enumerate(all_gates().items())}
    ),
    "networks": lambda: networks_figure({f"{name} (gru)": of_a_network(name) for name in ("mine", "yours")}),
    "networks_many": lambda: networks_figure({f"a network that has the number {i}": NETWORK for i in range(12)}),
    "claims": lambda: claims_figure(claims(), cases()),
    "claims_on_fresh_data": lambda: claims_figure(claims(["fresh"]), cases(["fresh"])),
    "claims_not_measured": lambda: claims_figure(claims()[3:], cases()[:0]),
}


@pytest.fixture
def coarse(monkeypatch):
    """Few dots: what is tested does not depend on them."""
    monkeypatch.setitem(plt.rcParams, "savefig.dpi", 50)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_labelled_whole_and_the_same_each_time(name, tmp_path, coarse):
    drawn = []
    for i in range(2):
        figure, paths = FIGURES[name](), (tmp_path / f"{i}.pdf", tmp_path / f"{i}.png")
        save_figure(figure, paths)
        drawn.append([path.read_bytes() for path in paths])
    assert drawn[0] == drawn[1]
    assert b"CreationDate" not in drawn[0][0]
    assert not plt.get_fignums(), "it is closed"
    check_labels(figure)
    check_nothing_is_cut_off(figure)


def check_labels(figure):
    """Each axis of each panel says what it is, by a label or by words at its ticks, or one beside it does."""
    for ax in figure.axes:
        for axis, span in (("x", "colspan"), ("y", "rowspan")):
            assert any(says(other, axis) for other in [ax, *beside(figure, ax, span)]), (ax, axis)


def says(ax, axis):
    ticks = [text.get_text() for text in getattr(ax, f"get_{axis}ticklabels")()]
    return getattr(ax, f"get_{axis}label")() or all(text[:1].isalpha() for text in ticks)


def beside(figure, ax, span):
    """Panels of the same grid in the same rows or columns."""
    spec = ax.get_subplotspec()
    others = [other.get_subplotspec() for other in figure.axes]
    return [
        figure.axes[i]
        for i, other in enumerate(others)
        if spec
        and other
        and other.get_gridspec() is spec.get_gridspec()
        and getattr(other, span) == getattr(spec, span)
    ]


def check_nothing_is_cut_off(figure):
    """All that is drawn lies on the page, but for the two points that a line may be wide."""
    box, margin = figure.get_tightbbox(), 2 / 72
    width, height = figure.get_size_inches()
    assert box.x0 > -margin and box.y0 > -margin and box.x1 < width + margin and box.y1 < height + margin, box


def test_seeds_that_diverged_are_left_out_of_means_and_that_is_said():
    x, values = np.arange(4.0), np.array([[1.0, 2, np.nan, 3], [3, np.nan, np.nan, 3], [5, 4, np.nan, 3]])
    _, ax = plt.subplots()
    for draw in (band, mean_band, mean_marks):
        line = draw(ax, x, values)
        np.testing.assert_array_equal(line.get_ydata(), [3, 3, np.nan, 3])
        np.testing.assert_array_equal(ax.lines[-1].get_xydata(), [[1, 3]])
        assert ax.lines[-1].get_marker() == "+"
        assert ax.texts[-1].get_text() == "2/3"
    assert ax.get_legend_handles_labels()[1] == [LEFT_OUT] * 3
    plt.close()


def test_nothing_is_said_of_seeds_where_all_are_there():
    _, ax = plt.subplots()
    mean_band(ax, np.arange(2.0), np.array([[1.0, np.nan], [2, np.nan]]))
    assert not ax.texts and len(ax.lines) == 1
    plt.close()


def drawn_lines(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


def test_each_data_has_its_row_in_the_order_given_with_the_same_axes():
    datasets = anisotropies()
    figure = anisotropy_figure(datasets, trainings(), rank=4)
    above = np.array(figure.subfigs[0].axes).reshape(2, 5)
    assert [ax.get_ylabel() for ax in above[:, 0]] == ["one batch", "fresh data"]
    for first, second in above.T:
        assert first.get_xlim() == second.get_xlim() and first.get_ylim() == second.get_ylim()
    for ax, data in zip(above[:, 1], ("one_batch", "fresh"), strict=True):
        last = datasets[data, "multi-adam"].jacobian_anisotropy[:, -1].values
        expected = np.exp(np.log(last[[0, 1, 3]]).mean(axis=0))  # the third seed had diverged
        (line,) = drawn_lines(ax, "multi + Adam")
        np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-12)  # two orders of adding three numbers
    plt.close(figure)


def test_the_last_checkpoint_alone_needs_no_panels_below():
    datasets, losses = (
        {of: ds.isel(checkpoint=[0]) for of, ds in found.items()} for found in (anisotropies(), trainings())
    )
    figure = anisotropy_figure(datasets, losses, rank=4)
    assert len(figure.axes) == 2 * 5
    plt.close(figure)


@pytest.mark.parametrize("said", [True, False])
def test_a_file_without_held_out_loss_shows_its_training_loss(said):
    losses = {of: ds if said else ds.drop_vars("probe_loss") for of, ds in trainings().items()}
    figure = anisotropy_figure(anisotropies(), losses, rank=4)
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert "training loss" in words and ("held-out loss" in words) == said
    plt.close(figure)


def test_a_training_loss_is_the_mean_over_its_parts():
    loss = np.arange(2 * 240.0).reshape(2, 240)
    k, mean = in_windows(loss)
    np.testing.assert_array_equal(k[:2], [1.5, 5.5])
    np.testing.assert_array_equal(mean[1, :2], [241.5, 245.5])
    k, mean = in_windows(loss[:, :7])
    np.testing.assert_array_equal(k, range(7))
    np.testing.assert_array_equal(mean, loss[:, :7])


def test_forty_things_differ_in_colour_or_line():
    styles = [many_style(i) for i in range(40)]
    assert len({(style["color"], style["ls"]) for style in styles}) == 40


def test_seeds_that_are_not_resolved_take_the_mean_away_and_leave_the_median():
    x, values = np.arange(3.0), np.log([[1.0, 2, np.inf], [3, np.inf, np.inf], [5, 4, 8], [1, np.nan, 9]])
    _, ax = plt.subplots()
    for draw, transform in ((band, lambda v: v), (mean_band, np.exp)):
        line = draw(ax, x, values, **({"transform": transform} if draw is mean_band else {}))
        np.testing.assert_allclose(line.get_ydata(), transform(np.array([values[:, 0].mean(), np.nan, np.nan])))
        medians = ax.lines[-1]
        assert medians.get_marker() == "^"
        np.testing.assert_allclose(medians.get_xydata(), [[1, transform(np.log(4))]])  # at 2 half are not resolved
    plt.close()


def test_a_verdict_says_on_how_many_cases_and_seeds_it_rests():
    said = {row["verdict_fresh"]: said_of(row, "fresh") for row in claims().to_dict("records")}
    assert said == {
        "supported": "supported (2/5), n = 18",
        "supported where measured": "supported (2/3 of 5), n = 18",
        "not supported": "not supported (2/5), n = 18",
        "mixed": "mixed (2/5), n = 18",
        "not measured": "not measured",
    }


def test_a_table_is_a_page_of_its_own():
    table = pd.DataFrame(
        {"claim": ["a < b"], "verdict": ["mixed"], "value": [1 / 3], "value_low": [0.1], "value_high": [0.5]}
    )
    table = table.assign(value_median=0.3, value_seeds=18, value_unresolved=0)
    unresolved = pd.DataFrame(
        {"AI": [np.nan], "AI_low": np.nan, "AI_median": 245.0, "AI_seeds": 20, "AI_unresolved": 8}
    )
    html = page(table.assign(seeds=20, missing=np.nan, **unresolved), "All & nothing")
    assert ">median 245 (8 of 20 seeds not resolved)</td>" in html
    assert "<title>All &amp; nothing</title>" in html
    assert ">a &lt; b</td>" in html
    assert ">0.333 [0.1, 0.5] (18 of 20 seeds)</td>" in html
    assert ">20</td>" in html and "nan" not in html
    assert "value low" not in html


def test_symbols_in_words_are_printed_as_symbols():
    printed = mathematical("log10 of ||B_t|| / ||A_t||, log_10, gated")
    assert printed == "log₁₀ of ‖$B_t$‖ / ‖$A_t$‖, log_10, gated"
