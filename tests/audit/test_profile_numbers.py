"""Bins, quantiles, lengths of texts and samples, against numpy, pandas and Python itself."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.profile.counts import coded
from audit.profile.numbers import QUANTILES, by_group, edges_of, histogram, histogram_by
from audit.profile.sample import simple, stratified
from audit.profile.texts import text_lengths, word_counts

COLOUR = coded("colour", ("blue", "red", "unknown"), np.array([1, 0, 1, 2, 1]))


def test_numbers_by_group_leave_out_what_is_missing():
    table = by_group(np.array([1.0, 5.0, 3.0, np.nan, 2.0]), COLOUR).to_pylist()
    assert [(r["value"], r["n"], r["mean"]) for r in table] == [
        ("blue", 1, 5),
        ("red", 3, 2),
        ("unknown", 0, None),
    ]
    assert table[0]["sd"] is None
    assert table[1]["sd"] == pytest.approx(1)
    assert (table[1]["p05"], table[1]["p50"], table[1]["p95"]) == pytest.approx((1.1, 2, 2.9))


def test_numbers_of_many_groups_against_pandas():
    rng = np.random.default_rng(0)
    values, codes = rng.normal(50, 20, 4000), rng.integers(-1, 9, 4000)
    values[::7] = np.nan
    found = by_group(values, coded("g", "abcdefghi", codes)).to_pandas().set_index("value")
    frame = pd.DataFrame({"v": values, "g": codes})
    expected = frame[frame.g >= 0].groupby("g").v
    assert found["mean"].to_numpy() == pytest.approx(expected.mean().to_numpy())
    assert found["sd"].to_numpy() == pytest.approx(expected.std().to_numpy())
    for q in QUANTILES:
        assert found[f"p{round(q * 100):02d}"].to_numpy() == pytest.approx(expected.quantile(q).to_numpy())


def test_histogram_puts_outliers_into_the_ends():
    assert histogram(np.array([-5, 0, 4.9, 5, 10, 99, np.nan]), (0, 5, 10))["n"].to_pylist() == [3, 3]


def test_histograms_by_group_add_up():
    rng = np.random.default_rng(1)
    values, codes = rng.normal(size=1000), rng.integers(0, 2, 1000)
    found = histogram_by(values, coded("g", ("a", "b", "nobody"), codes), (-1, 0, 1)).to_pandas()
    assert found["value"].unique().tolist() == ["a", "b"]
    assert found.groupby(["low"])["n"].sum().tolist() == [(values < 0).sum(), (values >= 0).sum()]
    assert found.groupby("value")["share"].sum().tolist() == pytest.approx([1, 1])
    assert histogram_by(values, coded("g", ("a",), codes * 0 - 1), (0, 1)).num_rows == 0


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200))
def test_edges_hold_the_middle_of_the_values_in_few_bins(values):
    numbers = np.array(values)
    edges = np.array(edges_of(numbers))
    assert (np.diff(edges) > 0).all()
    assert len(edges) <= 43
    middle = np.quantile(numbers, (0.005, 0.995))
    assert edges[0] <= middle[0] + 1e-6 * max(abs(middle[0]), 1)
    assert edges[-1] >= middle[1] - 1e-6 * max(abs(middle[1]), 1)


def test_edges_of_ages_are_whole_years_and_of_nothing_are_none():
    ages = np.random.default_rng(2).integers(0, 90, 5000).astype(float)
    assert {edge % 1 for edge in edges_of(ages)} == {0}
    assert edges_of(np.full(9, 4.0)) == (4.0, 5.0)
    assert edges_of(np.array([np.nan])) == ()
    wild = np.append(np.linspace(0, 1, 1000), 1e12)
    assert edges_of(wild)[-1] < 2


def test_characters_and_words_are_pythons():
    texts = ["", " ", "été", "a\nb", "  two  words ", "你好\u3000世界", "\x85a\x1cb", "nb\u00a0sp", None]
    column = pa.array(texts, pa.string())
    lengths, words = text_lengths(column), word_counts(column)
    assert lengths[:-1].tolist() == [len(t) for t in texts[:-1]]
    assert words[:-1].tolist() == [len(t.split()) for t in texts[:-1]]
    assert np.isnan([lengths[-1], words[-1]]).all()
    assert word_counts(column.slice(0, 0)).tolist() == []
    assert word_counts(pa.array(["a b"] * 25_000)).sum() == 50_000


def test_a_sample_is_seeded_and_without_repeats():
    rows = np.arange(100, 1100)
    drawn = simple(rows, 50, 3)
    assert drawn.tolist() == simple(rows, 50, 3).tolist() != simple(rows, 50, 4).tolist()
    assert len(set(drawn.tolist())) == 50
    assert set(drawn.tolist()) <= set(rows.tolist())
    assert simple(rows, 2000, 3).tolist() == rows.tolist()


def test_every_row_is_as_likely_to_be_drawn():
    counts = np.bincount(
        np.concatenate([simple(np.arange(10), 3, seed) for seed in range(2000)]), minlength=10
    )
    assert counts == pytest.approx(np.full(10, 600), abs=5 * np.sqrt(2000 * 0.3 * 0.7))


def test_strata_have_the_same_size_where_they_can():
    codes = np.repeat([0, 1, 3, -1], [500, 4, 40, 6])
    group = coded("g", "abcd", codes)
    found = stratified(group, 8, 0)
    assert {name: len(rows) for name, rows in found.items()} == {"a": 8, "b": 4, "d": 8}
    for name, rows in found.items():
        assert set(codes[rows]) == {"abcd".index(name)}
        assert len(set(rows.tolist())) == len(rows)
    assert {k: v.tolist() for k, v in found.items()} == {
        k: v.tolist() for k, v in stratified(group, 8, 0).items()
    }
    assert found["a"].tolist() != stratified(group, 8, 1)["a"].tolist()
