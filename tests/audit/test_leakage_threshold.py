"""The exploration recommends what a person would, and planted copies are found and confirmed."""

import numpy as np
import pytest
from scipy.stats import binom

from audit.leakage.align import aligned_correlation
from audit.leakage.confirm import CONFIRMED, best_correlation, correlation
from audit.leakage.hamming import search
from audit.leakage.images import ImageSettings, search_images
from audit.leakage.planted import KINDS, textured
from audit.leakage.recall import plant
from audit.leakage.similar import similar_pairs
from audit.leakage.threshold import by_chance, curve, explore, recommend


def spread(at, values, size=13):
    made = np.zeros(size, dtype=np.int64)
    made[at] = values
    return made


EVEN = [0, 2, 4, 6, 8, 10, 12]
# pairs and confirmed shares of 45,000 aligned faces and of 11,780 face crops, 200 checked a distance
FACES = spread(EVEN, [55, 31, 111, 956, 8430, 53477, 262377]), [1.0, 0.81, 0.23, 0.01, 0, 0, 0]
CROPS = spread(EVEN, [2183, 255, 87, 670, 4706, 26044, 105508]), [1.0, 0.98, 0.56, 0.02, 0, 0, 0]


@pytest.mark.parametrize(("study", "wanted", "same"), [(FACES, 2, 3), (CROPS, 4, 5)])
def test_the_knee_of_faces_lies_at_2_to_4(study, wanted, same):
    pairs, shares = study
    sampled = np.minimum(pairs, 200)
    confirmed = (sampled * np.interp(np.arange(13), EVEN, shares)).round().astype(np.int64)
    made = curve(45_000, pairs, sampled, confirmed)
    assert made.recommended == wanted
    assert made.same_up_to == same
    assert made.precision.value[wanted] > 0.9
    assert made.precision.value[12] < 0.05
    assert (made.precision.low <= made.precision.value)[EVEN].all()
    assert (made.precision.high >= made.precision.value)[EVEN].all()


def test_a_distance_without_pairs_says_nothing():
    none = np.zeros(13, dtype=np.int64)
    assert recommend(none, none, none) == 0
    pairs = spread([0, 6, 10], [5, 2, 4])
    assert recommend(pairs, pairs, spread([0, 6], [5, 1])) == 6
    assert recommend(pairs, pairs, spread([6, 10], [2, 4])) == 0


def test_pairs_by_chance():
    made = by_chance(45_000, 8)
    assert made.sum() == pytest.approx(45_000 * 44_999 / 2 * binom.cdf(8, 64, 0.5))
    assert made.sum() == pytest.approx(0.28, abs=0.01)  # the figure of the study above


def test_chance_is_what_random_hashes_give():
    hashes = np.random.default_rng(0).integers(0, 2**64, 20_000, dtype=np.uint64)
    found = search(hashes, 14).counts()
    expected = by_chance(20_000, 14)
    assert abs(found.sum() - expected.sum()) < 5 * np.sqrt(expected.sum())


def test_samples_are_seeded_and_checked_once():
    hashes = np.random.default_rng(1).integers(0, 2**20, 3000, dtype=np.uint64)
    found = search(hashes, 4)
    made = explore(found, lambda i, j: (i + j) % 2 == 0, seed=5, sample=50)
    again = explore(found, lambda i, j: (i + j) % 2 == 0, seed=5, sample=50)
    assert np.array_equal(made.confirmed, again.confirmed)
    assert np.array_equal(made.sampled, np.minimum(made.pairs, 50))
    assert np.allclose(made.share.value[made.sampled > 0], 0.5, atol=0.3)


def pictures(n, seed=0):
    rng = np.random.default_rng(seed)
    return [textured(rng) for _ in range(n)]


@pytest.fixture(scope="module")
def planted_folder(tmp_path_factory):
    """90 pictures, a copy of one kind of each ten of them, and which is whose."""
    folder = tmp_path_factory.mktemp("planted")
    originals, rng = pictures(10 * len(KINDS)), np.random.default_rng(1)
    paths, truth = [], []
    for number, picture in enumerate(originals):
        paths.append(folder / f"{number:02}.png")
        picture.save(paths[-1])
        truth.append((number, ""))
    for place, (kind, alter) in enumerate(KINDS.items()):
        for number in range(place * 10, place * 10 + 10):
            paths.append(folder / f"{number:02}-{kind.replace(' ', '')}.png")
            alter(originals[number], rng).save(paths[-1])
            truth.append((number, kind))
    return [str(path) for path in paths], truth


def recovered(found, truth):
    """Confirmed pairs that are right, that are wrong, and copies found by kind."""
    right, wrong, kinds = 0, 0, dict.fromkeys(KINDS, 0)
    for a, b, sure in zip(found.pairs.a, found.pairs.b, found.pairs.confirmed, strict=True):
        if not sure:
            continue
        same = truth[a][0] == truth[b][0]
        right, wrong = right + same, wrong + (not same)
        if same and truth[b][1]:
            kinds[truth[b][1]] += 1
    return right, wrong, kinds


def test_planted_copies_are_found_by_kind(planted_folder):
    paths, truth = planted_folder
    found = search_images(paths, ImageSettings(planted=20))
    _, wrong, kinds = recovered(found, truth)
    assert wrong == 0
    near = found.pairs.take(found.pairs.kind == "near")
    assert found.checked_to == found.searched_to == 12
    assert np.array_equal(found.curve.sampled, found.curve.pairs)
    close = found.pairs.take((found.pairs.distance <= 12) & found.pairs.confirmed)
    assert found.curve.confirmed.sum() == close.n
    assert near.confirmed.sum() < close.n
    assert min(kinds[kind] for kind in KINDS if kind != "flipped") >= 9
    assert kinds["flipped"] == 0
    assert found.planted is not None
    estimated = dict(zip(found.planted.kinds, found.planted.found_with_parts(12) / 20, strict=True))
    for kind in KINDS:
        assert estimated[kind] == pytest.approx(kinds[kind] / 10, abs=0.2)
    whole = dict(zip(found.planted.kinds, found.planted.found(12), strict=True))
    assert whole["letterboxed"] == whole["caption added"] == 0


def test_mirrored_copies_are_found_when_asked(planted_folder):
    from audit.leakage.decode import Reading

    paths, truth = planted_folder
    found = search_images(paths, ImageSettings(reading=Reading(orientations=True), planted=5))
    _, wrong, kinds = recovered(found, truth)
    assert wrong == 0
    assert kinds["flipped"] == 10
    assert "mirrored" in set(found.pairs.kind)


def test_correlation_is_pearson():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 7, 64, 64), dtype=np.uint8)
    wanted = [np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)]
    assert np.allclose(correlation(a, b), wanted, atol=1e-5)
    assert np.isnan(correlation(np.full_like(a, 9), b)).all()


def test_alignment_undoes_a_crop_and_no_more():
    squares = np.stack([np.asarray(p.convert("L").resize((64, 64))) for p in pictures(12)])
    rng = np.random.default_rng(2)
    crops = [KINDS["cropped 2 %"](p, rng).convert("L").resize((64, 64)) for p in pictures(12)]
    cropped = np.stack([np.asarray(c) for c in crops])
    assert (aligned_correlation(squares, cropped) >= CONFIRMED).all()
    others = aligned_correlation(squares, np.roll(cropped, 1, axis=0))
    assert others.max() < 0.9
    assert np.isnan(aligned_correlation(np.zeros_like(squares), squares)).all()
    assert (best_correlation(squares, 255 - squares) < 0).all()


def test_planting_needs_no_file_that_can_be_read(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert plant([str(tmp_path / "broken.png")], seed=0).pictures == 0


def test_similar_pairs_equal_brute_force():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(150, 5))
    vectors[3] = 0
    vectors[7, 2] = np.nan
    i, j, cosine = similar_pairs(vectors, 0.8, block=32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    full = np.triu(np.nan_to_num(unit) @ np.nan_to_num(unit).T, 1)
    full[7] = full[:, 7] = 0
    wanted = np.argwhere(full >= 0.8)
    assert np.array_equal(np.stack([i, j], axis=1), wanted)
    assert np.allclose(cosine, full[wanted[:, 0], wanted[:, 1]], atol=1e-5)
    with pytest.raises(ValueError, match="must have shape"):
        similar_pairs(vectors[0])


def test_equal_pixels_are_one_content_whatever_the_format(tmp_path):
    made = pictures(4)
    for number, picture in enumerate(made):
        picture.save(tmp_path / f"{number}.png")
    made[0].save(tmp_path / "0.bmp")
    made[1].save(tmp_path / "1.tif")
    (tmp_path / "2-again.png").write_bytes((tmp_path / "2.png").read_bytes())
    paths = sorted(str(path) for path in tmp_path.iterdir())
    found = search_images(paths, ImageSettings(planted=0), cache=tmp_path / "cache")
    kinds = [(paths[a][-5:], kind) for a, kind in zip(found.pairs.a, found.pairs.kind, strict=True)]
    assert sorted(kinds) == [
        ("0.bmp", "identical pixels"),
        ("1.png", "identical pixels"),
        ("n.png", "identical file"),
    ]
    assert found.counts["distinct"] == 4
