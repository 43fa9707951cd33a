"""Copies with captions and borders: parts equal Pillow's, borders are found, pairs equal brute force."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from audit.leakage import resample
from audit.leakage.borders import inner_box
from audit.leakage.captions import BITS, Parts, part_pairs
from audit.leakage.confirm import CONFIRMED
from audit.leakage.decode import Reading
from audit.leakage.fingerprints import fingerprint
from audit.leakage.images import ImageSettings, search_images
from audit.leakage.planted import KINDS, caption_added, captioned, letterboxed, textured


@pytest.mark.parametrize(
    "size", [(112, 112), (224, 224), (300, 200), (200, 300), (32, 90), (90, 32), (17, 40), (640, 33), (8, 8)]
)
def test_whole_and_band_equal_what_pillow_makes(size):
    rng = np.random.default_rng(size)
    wide, high = size
    rows = (round(high * 0.15), high - round(high * 0.15))
    for _ in range(3):
        grey = Image.fromarray(rng.integers(0, 256, (high, wide), dtype=np.uint8))
        whole, band = resample.reduce_with_part(np.asarray(grey), (32, 32), rows)
        lanczos = Image.Resampling.LANCZOS
        assert np.array_equal(whole, np.asarray(grey.resize((32, 32), lanczos)))
        cropped = grey.crop((0, rows[0], wide, rows[1]))
        theirs = np.asarray(cropped.resize((32, 32), lanczos))
        # of tall pictures Pillow reduces columns first: another order, other roundings
        assert np.abs(band.astype(int) - theirs).max() <= (1 if cropped.height > cropped.width else 0)


def test_bars_are_cut_off_at_any_side_and_a_photograph_has_none():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (120, 160), dtype=np.uint8)
    assert inner_box(picture) is None
    framed = np.full((180, 200), 10, dtype=np.uint8)
    framed[20:140, 30:190] = picture
    assert inner_box(framed) == (30, 20, 190, 140)
    below = np.full((140, 160), 250, dtype=np.uint8)
    below[:120] = picture
    assert inner_box(below) == (0, 0, 160, 120)
    thin = np.full((122, 160), 250, dtype=np.uint8)
    thin[:120] = picture
    assert inner_box(thin) is None
    assert inner_box(np.full((100, 100), 7, dtype=np.uint8)) is None


def test_letters_do_not_end_a_band():
    rng = np.random.default_rng(1)
    close = 0
    for _ in range(40):
        picture = textured(rng)
        made = caption_added(picture, rng)
        box = inner_box(np.asarray(made.convert("L")))
        close += box is not None and abs((box[3] - box[1]) - picture.height) <= 2
    assert close >= 36


class Everything:
    """A second check that confirms some pairs, and counts what it was asked."""

    def __init__(self, yes):
        self.yes, self.asked = yes, set()

    def middles(self, i, j):
        return self._answer(i, j)

    def within(self, i, i_inner, j, j_inner):
        assert (i_inner | j_inner).all()
        return self._answer(i, j)

    def _answer(self, i, j):
        pairs = [(min(a, b), max(a, b)) for a, b in zip(i.tolist(), j.tolist(), strict=True)]
        self.asked |= set(pairs)
        return np.array([CONFIRMED if pair in self.yes else 0.0 for pair in pairs], dtype=np.float32)


def test_every_close_pair_of_parts_is_checked_and_listed_once():
    rng = np.random.default_rng(3)
    n = 60
    base = rng.integers(1, 2**63, n, dtype=np.uint64)

    def near(hashes):
        flips = np.bitwise_or.reduce(
            np.uint64(1) << rng.integers(0, 64, (6, n)).astype(np.uint64), axis=0, dtype=np.uint64
        )
        return hashes ^ flips

    whole = base
    middle = np.where(
        np.arange(n) % 3 == 0, near(np.roll(base, 1)), rng.integers(1, 2**63, n, dtype=np.uint64)
    )
    middle[1::3] = near(np.roll(middle, 1))[1::3]
    middle[::7] = 0
    inner = np.where(np.arange(n) % 4 == 0, near(np.roll(base, 5)), np.uint64(0))

    def close(a, b):
        return bool(a) and bool(b) and int(a ^ b).bit_count() <= BITS

    wanted = set()
    for i in range(n):
        for j in range(i + 1, n):
            if (
                close(middle[i], middle[j])
                or close(inner[i], whole[j])
                or close(whole[i], inner[j])
                or close(inner[i], inner[j])
            ):
                wanted.add((i, j))
    assert len(wanted) > 20
    yes = {pair for k, pair in enumerate(sorted(wanted)) if k % 2}
    check = Everything(yes)
    found, searched = part_pairs(Parts(whole=whole, middle=middle, inner=inner), check)
    assert searched == BITS
    assert check.asked == wanted
    listed = list(zip(found.a.tolist(), found.b.tolist(), strict=True))
    assert sorted(listed) == sorted(yes)
    assert len(set(listed)) == len(listed)
    assert [int(whole[a] ^ whole[b]).bit_count() for a, b in listed] == found.distance.tolist()


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    """40 pictures; of ten each a caption upon them, a caption added, and bars."""
    folder, rng = tmp_path_factory.mktemp("edited"), np.random.default_rng(4)
    paths, owner = [], []
    originals = [textured(rng) for _ in range(40)]
    for number, picture in enumerate(originals):
        paths.append(str(folder / f"{number:02}.png"))
        picture.save(paths[-1])
        owner.append(number)
    for place, alter in enumerate((captioned, caption_added, letterboxed)):
        for number in range(place * 10, place * 10 + 10):
            paths.append(str(folder / f"{number:02}-{place}.jpg"))
            alter(originals[number], rng).save(paths[-1], quality=80)
            owner.append(number)
    return paths, owner


@pytest.mark.parametrize("draft", [False, True])
def test_edited_copies_are_found_and_no_other_pair(edited, draft):
    paths, owner = edited
    found = search_images(paths, ImageSettings(reading=Reading(draft=draft), planted=0))
    sure = found.pairs.take(found.pairs.confirmed)
    assert all(owner[a] == owner[b] for a, b in zip(sure.a, sure.b, strict=True))
    assert sure.n >= 28
    assert set(sure.kind) >= {"captioned", "bordered"}
    assert found.parts_to == BITS


def test_without_parts_they_are_missed_and_each_pair_is_listed_once(edited):
    paths, _ = edited
    with_parts = search_images(paths, ImageSettings(planted=0))
    without = search_images(paths, ImageSettings(reading=Reading(captions=False), planted=0))
    assert without.pairs.confirmed.sum() <= 3
    assert without.parts_to == -1
    listed = list(zip(with_parts.pairs.a.tolist(), with_parts.pairs.b.tolist(), strict=True))
    assert len(set(listed)) == len(listed)
    close = with_parts.pairs.distance <= with_parts.searched_to
    assert with_parts.curve.pairs.sum() == without.curve.pairs.sum() == close.sum()
    assert with_parts.curve.confirmed.sum() == (close & with_parts.pairs.confirmed).sum()


def test_parts_are_kept_in_the_cache_under_a_name_of_their_own(edited, tmp_path):
    paths, _ = edited
    first = fingerprint(paths, cache=tmp_path)
    again = fingerprint(paths, cache=tmp_path)
    assert np.array_equal(first.parts, again.parts)
    assert (first.parts[:, 0] != 0).all()
    plain = fingerprint(paths, Reading(captions=False), cache=tmp_path)
    assert not plain.parts.any()
    assert plain.algorithm != first.algorithm
    assert np.array_equal(plain.phash, first.phash)


def test_a_picture_of_one_grey_in_the_middle_has_no_middle(tmp_path):
    made = np.full((200, 200), 128, dtype=np.uint8)
    made[:25] = np.random.default_rng(0).integers(0, 256, (25, 200))
    for name in "ab":
        Image.fromarray(made).save(tmp_path / f"{name}.png")
        made[0, 0] ^= 255
    prints = fingerprint([str(tmp_path / f"{name}.png") for name in "ab"])
    assert not prints.parts[:, 0].any()
    assert prints.phash.all()


def test_every_kind_of_planted_copy_but_mirrored_is_recalled():
    from audit.leakage.recall import _compare_parts

    rng = np.random.default_rng(5)
    hits = np.zeros(len(KINDS))
    for _ in range(10):
        picture = textured(rng)
        greys = [picture, *(alter(picture, rng) for alter in KINDS.values())]
        hits += _compare_parts([image.convert("L") for image in greys])
    found = dict(zip(KINDS, hits, strict=True))
    assert found["flipped"] == 0
    assert min(found["captioned"], found["caption added"], found["letterboxed"]) >= 8
