"""Clusters, split tables and keep lists agree with counting pair by pair."""

import numpy as np
import pytest

from audit.leakage.actions import choose, grouped_split
from audit.leakage.clusters import Copies, contradictions, diameters, pair_table


def random_copies(seed, n=60):
    """Rows in groups of equal content, and links between contents; some rows take no part."""
    rng = np.random.default_rng(seed)
    content = np.arange(n)
    for row in range(1, n):
        if rng.random() < 0.3:
            content[row] = content[rng.integers(0, row)]
    out = rng.random(n) < 0.1
    content = np.where(out | out[content], -1, content)
    firsts = np.flatnonzero(content == np.arange(n))
    pairs = {tuple(sorted(rng.choice(firsts, 2, replace=False).tolist())) for _ in range(15)}
    left, right = np.array(sorted(pairs)).T
    return Copies(content=content, left=left, right=right)


def linked(copies):
    """(n, n) whether two rows are direct copies."""
    n = copies.n
    made = np.zeros((n, n), dtype=bool)
    edges = set(zip(copies.left.tolist(), copies.right.tolist(), strict=True))
    for i in range(n):
        for j in range(n):
            a, b = copies.content[i], copies.content[j]
            if i != j and a >= 0 and b >= 0:
                made[i, j] = a == b or (a, b) in edges or (b, a) in edges
    return made


@pytest.mark.parametrize("seed", range(8))
def test_clusters_neighbours_and_tables_equal_counting(seed):
    copies = random_copies(seed)
    direct = linked(copies)
    reach = direct.copy()
    for _ in range(copies.n):
        reach |= reach @ direct
    cluster = copies.clusters()
    np.fill_diagonal(reach, False)
    for i in range(copies.n):
        assert (cluster[i] >= 0) == direct[i].any()
        for j in np.flatnonzero(direct[i]):
            assert cluster[i] == cluster[j]
        others = (cluster == cluster[i]) & (cluster[i] >= 0)
        others[i] = False
        assert np.array_equal(others, reach[i])
    marked = np.random.default_rng(seed).random(copies.n) < 0.3
    assert np.array_equal(copies.neighbours(marked), (direct & marked).any(axis=1))
    split = np.random.default_rng(seed).integers(0, 3, copies.n)
    table = pair_table(copies, split, 3)
    for s in range(3):
        for t in range(3):
            inside = direct & (split == s)[:, None] & (split == t)[None, :]
            assert table[:, s, t].sum() == inside.sum() // (2 if s == t else 1)


@pytest.mark.parametrize("seed", range(8))
def test_choice_keeps_one_of_each_and_never_a_pair(seed):
    copies = random_copies(seed)
    direct = linked(copies)
    choice = choose(copies, np.random.default_rng(seed).permutation(copies.n))
    kept = choice.keep
    assert not direct[np.ix_(kept, kept)].any()
    for row in np.flatnonzero(~kept):
        assert kept[choice.kept_instead[row]]
        assert direct[row, choice.kept_instead[row]]
        assert choice.equal[row] == (copies.content[row] == copies.content[choice.kept_instead[row]])


def test_a_chain_keeps_both_ends():
    chain = Copies(content=np.arange(3), left=np.array([0, 1]), right=np.array([1, 2]))
    assert chain.clusters().tolist() == [0, 0, 0]
    assert choose(chain, np.array([0, 1, 2])).keep.tolist() == [True, False, True]
    hashes = np.array([0, 0b1111, 0b11111111], dtype=np.uint64)
    assert diameters(chain.clusters(), hashes).tolist() == [8]


def test_priority_decides():
    pair = Copies(content=np.arange(2), left=np.array([0]), right=np.array([1]))
    assert choose(pair, np.array([5, 1])).keep.tolist() == [False, True]
    assert choose(pair, np.array([1, 1])).keep.tolist() == [True, False]


def test_contradictions():
    cluster = np.array([0, 0, 1, 1, -1, 2, 2, 2])
    assert contradictions(cluster, np.array([1, 1, 0, 1, 0, 3, 3, 4])).tolist() == [1, 2]
    assert contradictions(cluster, np.array([1, -1, 0, 1, 0, 3, 3, -1]), (-1,)).tolist() == [1]


def test_grouped_split_keeps_groups_and_shares():
    rng = np.random.default_rng(0)
    group = np.where(rng.random(2000) < 0.5, rng.integers(0, 200, 2000), -1)
    label = rng.choice(4, 2000, p=[0.6, 0.25, 0.1, 0.05])
    made = grouped_split(group, label, (0.7, 0.15, 0.15), seed=1)
    for code in range(200):
        assert np.unique(made[group == code]).size <= 1
    assert np.allclose(np.bincount(made) / 2000, (0.7, 0.15, 0.15), atol=0.01)
    for value in range(4):
        assert np.allclose(
            np.bincount(made[label == value], minlength=3) / (label == value).sum(),
            (0.7, 0.15, 0.15),
            atol=0.03,
        )
    assert np.array_equal(made, grouped_split(group, label, (0.7, 0.15, 0.15), seed=1))
    with pytest.raises(ValueError, match="shares must be positive and sum to 1"):
        grouped_split(group, label, (0.7, 0.7), seed=1)
