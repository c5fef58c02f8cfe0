"""Verdicts side by side: columns, and what they say together."""

import pytest

from engine.verdicts.regimes import comparison, heading, in_words, side_by_side


def rows(*verdicts):
    return [
        {"claim": f"claim {i}", "sentence": "It is so.", "command": "", "verdict": verdict, "holds": i}
        for i, verdict in enumerate(verdicts)
    ]


def test_every_kind_of_data_has_its_verdict_in_one_row_a_claim():
    verdicts = {
        "one_batch": rows("supported", "mixed"),
        "n256": rows("mixed", "mixed"),
        "fresh": rows("mixed", "mixed"),
    }
    first, second = side_by_side(verdicts, ["one_batch", "n256"])
    assert list(first) == [
        *("claim", "sentence", "verdict_one_batch", "verdict_n256", "verdict_fresh", "comparison", "command"),
        *("holds_one_batch", "holds_n256", "holds_fresh"),
    ]
    assert first["verdict_one_batch"] == "supported" and first["verdict_fresh"] == "mixed"
    assert (first["claim"], second["claim"]) == ("claim 0", "claim 1")
    assert second["comparison"] == "the same verdict"


def test_a_run_on_fresh_data_has_one_verdict_and_nothing_to_compare():
    [row] = side_by_side({"fresh": rows("supported")}, [])
    assert [key for key in row if key.startswith("verdict")] == ["verdict_fresh"] and row["comparison"] == ""


@pytest.mark.parametrize(
    ("memorised", "fresh", "said"),
    [
        ("supported", "supported", "the same verdict"),
        (
            "supported where measured",
            "mixed",
            "holds only where the network has memorised its training set; in some cases",
        ),
        (
            "supported",
            "not supported",
            "holds only where the network has memorised its training set; not with fresh data",
        ),
        (
            "supported",
            "mixed",
            "holds only where the network has memorised its training set; in some cases with fresh data",
        ),
        (
            "mixed",
            "not supported",
            "holds in some cases only where the network has memorised its training set; not with",
        ),
        ("not supported", "supported", "holds with fresh data; not where the network has memorised its training set"),
        ("mixed", "supported", "holds with fresh data; in some cases where the network has memorised its training set"),
        ("supported where measured", "supported", "the same verdict where measured"),
        (
            "supported where measured",
            "not supported",
            "holds only where the network has memorised its training set; not",
        ),
        ("supported", "not measured", ""),
        ("not measured", "supported", ""),
    ],
)
def test_what_two_verdicts_say_together(memorised, fresh, said):
    found = comparison({"one_batch": memorised, "fresh": fresh}, ["one_batch"])
    assert found.startswith(said) and bool(found) == bool(said)


def test_a_verdict_in_words_says_on_how_many_cases_and_seeds_it_rests():
    counts = {"cases": 9, "holds": 7, "not_measured": 2, "fewest_seeds": 18, "seeds": 20}
    row = {f"{name}_fresh": value for name, value in counts.items()} | {"verdict_fresh": "supported where measured"}
    assert in_words(row, "fresh") == "supported where measured (7 of 9 cases hold, 2 not measured; 18 of 20 seeds)"
    row["not_measured_fresh"] = 0
    assert in_words(row | {"verdict_fresh": "mixed"}, "fresh") == "mixed (7 of 9 cases hold; 18 of 20 seeds)"
    assert in_words(row | {"verdict_fresh": "not measured"}, "fresh") == "not measured"


def test_the_heading_says_what_each_verdict_is_about():
    of = {
        "one_batch": {"gates": "one_batch", "effective_lr": "fresh"},
        "fresh": {"gates": "fresh", "effective_lr": "fresh"},
    }
    assert heading(of, {"one_batch": 64}).splitlines() == [
        "- one batch: networks trained on the same 64 sequences; `effective_lr` on fresh data",
        "- fresh data: networks trained on new sequences at every update",
    ]
