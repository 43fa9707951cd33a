"""The Data page's tables: counted from a run's columns, which are read one at a time, and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from audit.core import SPLITS, Attribute
from audit.profile import stored
from audit.profile.counts import among, coded, crossing, distribution, split_attribute
from audit.profile.labels import co_occurrence
from audit.profile.numbers import by_group, edges_of, histogram_by
from audit.profile.rates import base_rates
from dashboard import cache

ALL = "all"
"""The choice of every split together."""
EVERYONE, SPLIT = ".everyone", ".split"
"""What rows are counted by where it is no attribute: a name with a dot can't be one."""
TRUTH = ".truth:"
"""Start of the name of an output's truth, when rows are counted by it."""


@st.cache_resource(max_entries=16, show_spinner=False)
def columns(folder: str, mark: str) -> list[str]:
    """Columns that the run's rows have; none where it has no rows."""
    return stored.columns(Path(folder))


@st.cache_resource(max_entries=8, show_spinner=False)
def splits(folder: str, mark: str) -> NDArray[np.int8]:
    """(n,) split of every row. Shared, as every array here: never changed in place."""
    return stored.splits(Path(folder))


@st.cache_resource(max_entries=32, show_spinner=False)
def attribute(folder: str, mark: str, name: str) -> Attribute:
    """A declared attribute of every row, or `EVERYONE`, `SPLIT` or a `TRUTH` as if it were one."""
    if name == EVERYONE:
        return coded(name, ("everyone",), np.zeros(len(splits(folder, mark)), dtype=np.int32))
    if name == SPLIT:
        return split_attribute(splits(folder, mark))
    if name.startswith(TRUTH):
        return _truth_as_attribute(folder, mark, name.removeprefix(TRUTH))
    return stored.attribute(Path(folder), name, tuple(_data(folder, mark)["attributes"][name]))


@st.cache_resource(max_entries=8, show_spinner=False)
def clusters(folder: str, mark: str) -> NDArray[np.int64] | None:
    """(n,) clusters of the rows, or None where they are independent."""
    return stored.clusters(Path(folder)) if "cluster" in columns(folder, mark) else None


@st.cache_resource(max_entries=16, show_spinner=False)
def truth(folder: str, mark: str, output: str) -> stored.Truth:
    """Truth of an output of classes or of a number."""
    return stored.truth(Path(folder), output, _data(folder, mark)["outputs"][output])


@st.cache_resource(max_entries=64, show_spinner=False)
def positive(folder: str, mark: str, name: str) -> NDArray[np.int8]:
    """(n,) truth of one yes/no question: 1, 0, or -1 where it is not known."""
    found = {question.name: question for question in stored.questions(_data(folder, mark)["outputs"])}
    return stored.positive(Path(folder), found[name])


def kept(folder: str, mark: str, split: str) -> NDArray[np.bool_]:
    """(n,) rows of a split, or of all."""
    codes = splits(folder, mark)
    return np.ones(len(codes), dtype=bool) if split == ALL else codes == SPLITS.index(split)


def group(folder: str, mark: str, split: str, name: str) -> Attribute:
    """An attribute with the rows of other splits left out."""
    return among(attribute(folder, mark, name), kept(folder, mark, split))


@st.cache_data(max_entries=64, show_spinner=False)
def counts(folder: str, mark: str, split: str, name: str) -> pd.DataFrame:
    """Rows of each value of an attribute."""
    rows: pd.DataFrame = distribution(group(folder, mark, split, name)).to_pandas()
    return rows


@st.cache_data(max_entries=64, show_spinner=False)
def crossed(folder: str, mark: str, split: str, first: str, second: str) -> pd.DataFrame:
    """Rows of each pair of values of two attributes: columns row, column, n, share_of_first."""
    sides = (group(folder, mark, split, first), attribute(folder, mark, second))
    found = crossing(replace(sides[0], name="row"), replace(sides[1], name="column"))
    rows: pd.DataFrame = found.to_pandas()
    return rows


@st.cache_data(max_entries=64, show_spinner=False)
def dropped(folder: str, mark: str, split: str, output: str, by: str) -> pd.DataFrame:
    """How many rows of each group an output could not use, with the share's interval."""
    lacking = stored.dropped(Path(folder), output, _data(folder, mark)["outputs"][output])
    return _rates(folder, mark, split, lacking.astype(np.int8), by)


@st.cache_data(max_entries=64, show_spinner=False)
def classes_by(folder: str, mark: str, split: str, output: str, by: str) -> pd.DataFrame:
    """Rows of each class of an output within each value of an attribute, or of the splits."""
    found = truth(folder, mark, output).classes
    assert found is not None
    parts = replace(group(folder, mark, split, by), name="part")
    rows: pd.DataFrame = crossing(parts, replace(found, name="value")).to_pandas()
    return rows.rename(columns={"share_of_first": "share"})


@st.cache_data(max_entries=128, show_spinner=False)
def rates(folder: str, mark: str, split: str, question: str, wanted: str, by: str) -> pd.DataFrame:
    """How often something is true in each group.

    Args:
        folder: the run's folder.
        mark: its fingerprint.
        split: one, or `ALL`.
        question: a yes/no question, or an output of classes.
        wanted: the class; empty for a yes/no question.
        by: an attribute, `SPLIT` or `EVERYONE`.
    """
    hit = positive(folder, mark, question) if not wanted else _is(folder, mark, question, wanted)
    return _rates(folder, mark, split, hit, by)


@st.cache_data(max_entries=32, show_spinner=False)
def together(folder: str, mark: str, split: str, questions: tuple[str, ...]) -> pd.DataFrame:
    """How often two yes/no questions are true of the same row."""
    rows = kept(folder, mark, split)
    labels = np.stack([positive(folder, mark, name)[rows] for name in questions], axis=1)
    pairs: pd.DataFrame = co_occurrence(labels, questions).to_pandas()
    return pairs


@st.cache_data(max_entries=32, show_spinner=False)
def bins_by(folder: str, mark: str, split: str, output: str, by: str) -> pd.DataFrame:
    """Histogram of a true number in each group; the bins are those of all rows."""
    values = truth(folder, mark, output).number
    assert values is not None
    edges = edges_of(values)
    own = group(folder, mark, split, by)
    rows: pd.DataFrame = histogram_by(values, own, edges or (0.0, 1.0)).to_pandas()
    return rows


@st.cache_data(max_entries=32, show_spinner=False)
def spread_by(folder: str, mark: str, split: str, output: str, by: str) -> pd.DataFrame:
    """Quantiles of a true number in each group."""
    values = truth(folder, mark, output).number
    assert values is not None
    rows: pd.DataFrame = by_group(values, group(folder, mark, split, by)).to_pandas()
    return rows


def _rates(folder: str, mark: str, split: str, hit: NDArray[np.int8], by: str) -> pd.DataFrame:
    level = float(cache.run(folder, mark).spec.get("level", 0.95))
    found = base_rates(hit, group(folder, mark, split, by), clusters(folder, mark), level)
    rows: pd.DataFrame = found.to_pandas()
    return rows


def _truth_as_attribute(folder: str, mark: str, name: str) -> Attribute:
    found = {question.name: question for question in stored.questions(_data(folder, mark)["outputs"])}
    if name in found:
        words = found[name].words
        return coded(
            name, words if words not in ((), ("0", "1")) else ("no", "yes"), positive(folder, mark, name)
        )
    classes = truth(folder, mark, name).classes
    assert classes is not None
    return classes


def _is(folder: str, mark: str, output: str, wanted: str) -> NDArray[np.int8]:
    found = truth(folder, mark, output).classes
    assert found is not None
    hit = (found.codes == found.values.index(wanted)).astype(np.int8)
    return np.where(found.codes < 0, np.int8(-1), hit)


def _data(folder: str, mark: str) -> Any:
    return cache.run(folder, mark).data
