"""Clusters of copies against a brute-force count and planted texts."""

import numpy as np
import pytest

from training.data.duplicates import clusters_by_hash, equal_to_earlier, near_pairs, normalised_text
from training.data.loading import joined_clusters


@pytest.mark.parametrize("distance", [0, 1, 4, 9])
def test_near_pairs_are_those_of_a_full_comparison(distance):
    rng = np.random.default_rng(distance)
    base = rng.integers(0, 2**63, 120, dtype=np.uint64)
    near = base[:60].copy()
    for row in range(60):
        for bit in rng.choice(64, rng.integers(1, 11), replace=False):
            near[row] ^= np.uint64(1) << np.uint64(bit)
    hashes = np.unique(np.concatenate([base, near]))
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None, :])
    wanted = {(i, j) for i, j in zip(*np.nonzero(apart <= distance), strict=True) if i < j}
    assert set(zip(*map(list, near_pairs(hashes, distance)), strict=True)) == wanted
    assert (distance < 4) or len(wanted) > 10


def test_clusters_join_through_others_and_number_by_appearance():
    hashes = np.array([7, 0, 31 << 40, 0b11, 0b1111], dtype=np.uint64)  # 0 - 11 - 1111 chain, two bits a step
    assert clusters_by_hash(phash=hashes, distance=2).tolist() == [0, 0, 1, 0, 0]
    apart = np.array([2**20 - 1, 0, 0b11, 0], dtype=np.uint64)
    assert clusters_by_hash(phash=apart, distance=2).tolist() == [0, 1, 1, 1]
    assert clusters_by_hash(phash=apart, distance=1).tolist() == [0, 1, 2, 1]
    assert clusters_by_hash(phash=np.zeros(0, dtype=np.uint64)).tolist() == []


def test_texts_are_copies_whatever_their_case_marks_and_spaces():
    texts = ["You there!", "something else", "you  THERE", "…", "?!", "ｙｏｕ there"]
    assert clusters_by_hash(texts=texts).tolist() == [0, 1, 0, 2, 3, 0]
    assert normalised_text("?!") == "?!"  # marks alone are not nothing


def test_equal_to_earlier_names_the_first():
    assert equal_to_earlier(["a", "b", "a", "c", "a", "b"]).tolist() == [-1, -1, 0, -1, 0, 1]


def test_declared_clusters_join_with_found_ones():
    found = np.array([0, 0, 1, 2, 3], dtype=np.int32)
    declared = np.array([5, 6, 6, 7, 8], dtype=np.int32)
    joined = joined_clusters(found, declared)
    assert joined[0] == joined[1] == joined[2]
    assert len(set(joined.tolist())) == 3
    assert joined_clusters(found, None) is found
