"""What a model makes of the words that name an identity: mean attribution by identity and label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from audit.attribution.words import Words
from audit.cluster_means import cluster_robust_variance_of_mean
from audit.identity_terms.finder import term_spans
from audit.identity_terms.lexicon import MENTION, Lexicon
from audit.means import t_interval

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Mention:
    """An identity named in a text: the words that name it."""

    identity: str
    term: str
    """As the lexicon writes it."""
    words: tuple[int, ...]
    """Positions among the text's words."""


class Named(NamedTuple):
    """What one text says of one name."""

    name: str
    text: int
    value: Array
    """(K,)"""
    beside: Array
    """(K,) the same minus what other words say; NaN where there are none."""


@dataclass(frozen=True, kw_only=True)
class TermMeans:
    """Attribution of terms, one row a term or identity, one column a score."""

    names: tuple[str, ...]
    n: NDArray[np.int64]
    """(M,) texts that name it."""
    mean: tuple[Array, Array, Array]
    """(M, K) attribution of the words that name it, summed within a text; low, high."""
    beside: tuple[Array, Array, Array]
    """(M, K) the same minus the mean of the same text's other words; low, high."""
    p: Array
    """(M, K) of the mean being 0; NaN where it was not tested."""


def mentions(words: Words, lexicon: Lexicon) -> list[Mention]:
    """Find the identities that a text names, and by which words.

    A term that reads as several identities counts for each.
    """
    found = []
    for span in term_spans(words.text, lexicon):
        at = tuple(i for i, (start, end) in enumerate(words.spans) if start < span.end and end > span.start)
        readings = {one.identity: one.term for one in span.terms if one.use == MENTION and one.identity}
        found += [Mention(identity=name, term=term, words=at) for name, term in readings.items() if at]
    return found


def term_means(
    found: Sequence[Sequence[Mention]],
    weights: Sequence[Array],
    clusters: NDArray[np.int64] | None = None,
    *,
    by: str = "identity",
    level: float = 0.95,
) -> TermMeans:
    """Average over texts.

    Args:
        found: mentions in each of n texts.
        weights: (P, K) of each text's words.
        clusters: (n,) texts that belong together; None: every text by itself.
        by: ``identity`` or ``term``.
        level: of the intervals.
    """
    rows: list[Named] = []
    for text, (mine, values) in enumerate(zip(found, weights, strict=True)):
        places: dict[str, set[int]] = {}
        for one in mine:
            places.setdefault(getattr(one, by), set()).update(one.words)
        for name, at in places.items():
            inside = np.zeros(len(values), dtype=np.bool_)
            inside[list(at)] = True
            others = values[~inside].mean(axis=0) if not inside.all() else np.zeros(values.shape[1])
            total = values[inside].sum(axis=0)
            rows.append(Named(name, text, total, total - others))
    return averaged(rows, weights[0].shape[1] if weights else 0, clusters, level)


def averaged(
    rows: Sequence[Named], columns: int, clusters: NDArray[np.int64] | None = None, level: float = 0.95
) -> TermMeans:
    """Average numbers of texts by what they name.

    Args:
        rows: one a text and name.
        columns: K.
        clusters: (n,) texts that belong together; None: every text by itself.
        level: of the intervals.
    """
    if not rows:
        none = (np.zeros((0, columns)),) * 3
        return TermMeans(names=(), n=np.zeros(0, np.int64), mean=none, beside=none, p=none[0])
    names = list(dict.fromkeys(row.name for row in rows))
    code = np.array([names.index(row.name) for row in rows], dtype=np.int64)
    text = np.array([row.text for row in rows], dtype=np.int64)
    together = text if clusters is None else np.asarray(clusters, dtype=np.int64)[text]
    mean, p = _means(np.array([row.value for row in rows]), together, code, len(names), level)
    beside, _ = _means(np.array([row.beside for row in rows]), together, code, len(names), level)
    return TermMeans(
        names=tuple(names), n=np.bincount(code, minlength=len(names)), mean=mean, beside=beside, p=p
    )


def _means(
    values: Array, clusters: NDArray[np.int64], code: NDArray[np.int64], size: int, level: float
) -> tuple[tuple[Array, Array, Array], Array]:
    """Mean with interval and p of every term and column."""
    ends, ps = [], []
    for column in values.T:
        known = ~np.isnan(column)
        found = cluster_robust_variance_of_mean(column[known], clusters[known], code[known], size)
        rounding = 1e-12 * np.abs(column[known]).max(initial=0.0)  # of sums of numbers that are all equal
        mean = np.where(np.abs(found.mean) <= rounding, 0.0, found.mean)
        error = np.sqrt(found.variance)
        ends.append(np.stack(t_interval(mean, error, found.df, level)))
        with np.errstate(invalid="ignore", divide="ignore"):
            t = np.where(mean == 0, 0.0, mean / error)
            ps.append(np.where(found.df >= 1, 2 * stdtr(np.maximum(found.df, 1), -np.abs(t)), np.nan))
    value, low, high = np.stack(ends, axis=-1)  # each (M, K)
    return (value, low, high), np.stack(ps, axis=-1)
