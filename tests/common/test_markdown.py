"""Markdown tables: three digits, and cells that cannot break a table."""

from engine.common.markdown import table


def lines(text):
    """Cells of each line."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines()]


def test_numbers_have_three_digits_and_words_stay():
    head, rule, *body = lines(table([{"a": "x", "b": 0.123456, "c": 7}, {"a": "007", "b": 2e8, "c": 1234}]))
    assert head == ["a", "b", "c"]
    assert set("".join(rule)) == {"-", "|"}
    assert body == [["x", "0.123", "7"], ["007", "2e+08", "1234"]]


def test_columns_are_those_named_in_their_order():
    assert lines(table([{"a": 1, "b": 2, "c": 3}], ["c", "a"]))[0] == ["c", "a"]


def test_a_bar_does_not_end_a_cell():
    assert r"\|\|G\|\|" in table([{"a": "||G||"}])
