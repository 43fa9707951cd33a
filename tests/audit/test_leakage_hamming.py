"""The pair search equals brute force, whatever the hashes, the distance, the engine and the cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.leakage import bands, hamming
from audit.leakage.hamming import TooManyPairsError, pairs_within, search


def brute_force(hashes, d):
    i, j = np.triu_indices(hashes.size, 1)
    bits = np.bitwise_count(hashes[i] ^ hashes[j])
    near = bits <= d
    return i[near], j[near], bits[near]


def random_hashes(rng, n):
    return rng.integers(0, 2**64, n, dtype=np.uint64)


def clustered_hashes(rng, n):
    """Few centres, each copied with 0 to 20 bits flipped, some exactly: what near duplicates look like."""
    centres = random_hashes(rng, max(1, n // 20))
    made = centres[rng.integers(0, centres.size, n)]
    for row in range(n):
        for bit in rng.choice(64, rng.integers(0, 21), replace=False):
            made[row] ^= np.uint64(1) << np.uint64(bit)
    return made


def shared_bits(rng, n):
    """All hashes agree in 40 bits: pictures of one kind, the case that fills buckets."""
    return (random_hashes(rng, n) & np.uint64(0xFFFFFF)) | np.uint64(0xA5A5A5A5A5 << 24)


def same(found, wanted):
    return all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("d", range(17))
@pytest.mark.parametrize("kind", [random_hashes, clustered_hashes, shared_bits])
def test_equals_brute_force(kind, d):
    hashes = kind(np.random.default_rng(d), 700)
    wanted = brute_force(hashes, d)
    assert same(pairs_within(hashes, d, engine="numba"), wanted)
    assert same(pairs_within(hashes, d, engine="numpy"), wanted)


@pytest.mark.parametrize("m", [3, 4, 5, 7, 11, 16])
@pytest.mark.parametrize("d", [1, 3, 8, 13])
def test_every_cut_gives_the_same_pairs(monkeypatch, m, d):
    monkeypatch.setattr(hamming, "choose_bands", lambda unique, d: bands.cut_bands(m, d))
    if sum(band.masks().size << band.width for band in bands.cut_bands(m, d)) > 3e8:
        pytest.skip("a cut that the cost model never takes, and takes minutes")
    hashes = clustered_hashes(np.random.default_rng(m), 300)
    assert same(pairs_within(hashes, d, engine="numba"), brute_force(hashes, d))
    assert same(pairs_within(hashes, d, engine="numpy"), brute_force(hashes, d))


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.integers(0, 64))
@settings(max_examples=100, deadline=None)
def test_any_hashes_any_distance(words, d):
    hashes = np.array(words, dtype=np.uint64)
    wanted = brute_force(hashes, d)
    assert same(pairs_within(hashes, d), wanted)
    assert same(pairs_within(hashes, d, engine="numpy"), wanted)


@pytest.mark.parametrize("m", range(1, 17))
def test_bands_cover_64_bits_and_the_pigeonhole_holds(m):
    for d in range(33):
        cut = bands.cut_bands(m, d)
        assert sum(band.width for band in cut) == 64
        assert [band.shift for band in cut] == np.cumsum([0] + [b.width for b in cut[:-1]]).tolist()
        # a pair that no band catches differs by radius + 1 in each band: more than d bits
        assert sum(band.radius + 1 for band in cut) > d


def test_counts_and_samples_agree_with_the_list():
    hashes = np.concatenate(
        [clustered_hashes(np.random.default_rng(3), 400), np.full(30, 7, dtype=np.uint64)]
    )
    found = search(hashes, 12)
    i, j, bits = found.pairs()
    assert found.counts().tolist() == np.bincount(bits, minlength=13).tolist()
    for distance in range(13):
        at = bits == distance
        everything = found.sample(distance, 10**6, np.random.default_rng(0))
        assert same(everything, (i[at], j[at]))
        few = found.sample(distance, 5, np.random.default_rng(0))
        listed = set(zip(i[at].tolist(), j[at].tolist(), strict=True))
        assert set(zip(few[0].tolist(), few[1].tolist(), strict=True)) <= listed
        assert len(set(zip(*map(np.ndarray.tolist, few), strict=True))) == min(5, at.sum())
    assert same(found.pairs(4), tuple(part[bits <= 4] for part in (i, j, bits)))


def test_many_equal_hashes_are_one_group():
    hashes = np.concatenate(
        [random_hashes(np.random.default_rng(0), 1000), np.zeros(100_000, dtype=np.uint64)]
    )
    found = search(hashes, 8)
    assert found.counts()[0] == 100_000 * 99_999 // 2
    with pytest.raises(TooManyPairsError, match="more than 20,000,000 pairs within distance 8 among 101,000"):
        found.pairs()


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_the_cap_stops_the_search(engine):
    with pytest.raises(TooManyPairsError, match="Ask for a smaller distance"):
        search(shared_bits(np.random.default_rng(0), 3000), 12, engine=engine, cap=1000)


@pytest.mark.parametrize("d", [-1, 65])
def test_a_distance_outside_64_bits_is_refused(d):
    with pytest.raises(ValueError, match=f"d must be from 0 to 64 bits, got {d}"):
        search(np.zeros(2, dtype=np.uint64), d)


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_compare(n):
    assert same(pairs_within(np.zeros(n, dtype=np.uint64), 8), (np.zeros(0),) * 3)
