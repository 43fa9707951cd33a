"""Splits: the bound on stratification, whole clusters, and independence of the rows' order."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from training.data.records import Mushrooms, attribute
from training.data.splits import FRACTIONS, grouped_split, plan_splits, split_table


def rows(n=3000, strata=40, seed=0):
    rng = np.random.default_rng(seed)
    return [f"row {i}" for i in range(n)], rng.integers(0, strata, n), np.arange(n, dtype=np.int32)


@pytest.mark.parametrize("strata", [3, 40, 700])
def test_without_clusters_every_stratum_is_less_than_one_row_off(strata):
    ids, stratum, alone = rows(strata=strata)
    table = split_table(grouped_split(ids, stratum, alone), stratum)
    wanted = table.sum(axis=1, keepdims=True) * np.array(FRACTIONS)
    assert np.abs(table - wanted).max() < 1
    assert np.abs(table.sum(axis=0) - 3000 * np.array(FRACTIONS)).max() <= 2


def test_strata_of_one_row_still_fill_every_split():
    ids, _, alone = rows(1000)
    assert np.bincount(grouped_split(ids, np.arange(1000), alone)).tolist() == [700, 150, 150]


def test_no_cluster_crosses_and_strata_stay_close():
    ids, stratum, _ = rows()
    clusters = np.random.default_rng(1).integers(0, 1500, 3000).astype(np.int32)
    split = grouped_split(ids, stratum, clusters)
    order = np.argsort(clusters)
    same = np.diff(clusters[order]) == 0
    assert same.sum() > 1000
    assert (np.diff(split[order])[same] == 0).all()
    table = split_table(split, stratum)
    assert np.abs(table - table.sum(axis=1, keepdims=True) * np.array(FRACTIONS)).max() < 4


def test_the_order_of_the_rows_does_not_matter_and_the_seed_does():
    ids, stratum, _ = rows()
    clusters = np.random.default_rng(1).integers(0, 2500, 3000).astype(np.int32)
    split = grouped_split(ids, stratum, clusters, seed=5)
    mixed = np.random.default_rng(2).permutation(3000)
    renamed = np.random.default_rng(3).permutation(3000)[clusters[mixed]].astype(np.int32)
    again = grouped_split([ids[i] for i in mixed], stratum[mixed], renamed, seed=5)
    assert (again == split[mixed]).all()
    other = grouped_split(ids, stratum, clusters, seed=6)
    assert 0.2 < (other != split).mean() < 0.8


def test_a_share_of_nothing_gets_nothing():
    ids, stratum, alone = rows(500)
    split = grouped_split(ids, stratum, alone, (0.85, 0.15, 0.0))
    assert np.bincount(split, minlength=3).tolist() == [425, 75, 0]
    assert grouped_split([], np.zeros(0, int), np.zeros(0, np.int32)).tolist() == []
    with pytest.raises(ValueError, match="sum to 1"):
        grouped_split(ids, stratum, alone, (0.5, 0.2, 0.2))


def mushrooms(split):
    n = len(split)
    words = pa.array([f"{i}.jpg" for i in range(n)])
    label = attribute("label", ["ab"[i % 2] for i in range(n)])
    return Mushrooms(root=Path(), ids=words, paths=words, label=label, split=np.array(split, dtype=np.int8))


def test_declared_test_rows_stay_and_their_copies_leave_train():
    data = mushrooms([0] * 80 + [2] * 20)
    clusters = np.arange(100, dtype=np.int32)
    clusters[3] = clusters[4] = clusters[90]
    plan = plan_splits(data, clusters)
    assert plan.split[80:].tolist() == [2] * 20
    assert np.flatnonzero(plan.split == -1).tolist() == [3, 4]
    assert plan.left_out == 2
    assert (plan.split == 1).sum() == pytest.approx(0.15 * 78, abs=1)
    assert plan.how == "as declared; 15 % of train became validation"


def test_train_and_validation_alone_make_the_validation_the_test():
    plan = plan_splits(mushrooms([0] * 80 + [1] * 20), np.arange(100, dtype=np.int32))
    assert plan.split[80:].tolist() == [2] * 20
    assert set(plan.split[:80].tolist()) == {0, 1}


def test_nothing_declared_is_cut_anew_and_three_splits_are_kept():
    plan = plan_splits(mushrooms([-1] * 100), np.arange(100, dtype=np.int32))
    assert np.bincount(plan.split).tolist() == [70, 15, 15]
    kept = mushrooms([0] * 60 + [1] * 20 + [2] * 20)
    clusters = np.arange(100, dtype=np.int32)
    clusters[0] = 60  # a copy in validation
    clusters[61] = 80  # a copy in test
    plan = plan_splits(kept, clusters)
    assert np.flatnonzero(plan.split != kept.split).tolist() == [0, 61]
    assert plan.left_out == 2
    assert replace(kept, split=plan.split).n == 100
