"""Mushrooms of five genera drawn from shapes, with faults that can be left out.

Genera differ by the chances of their marks, and every mark is missing at times (rain washes warts off, rings
fall), so no single one decides. Some stand on a woven ground, as likely in one genus as in another unless a
fault ties it to one. Some labels are wrong: see `LABEL_NOISE`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from audit.core import SPLITS
from training.data.faults import FAULTS, Made, Planted, checked, write_planted
from training.data.fungi import Fungus, draw, woven
from training.data.portraits import Colour
from training.data.synthesis_faces import copies, recoded

GENERA = ("Agaricus", "Amanita", "Armillaria", "Lactarius", "Leccinum")
SPLIT_SHARES = (0.60, 0.15, 0.25)
WRONG = 0.03
LABEL_NOISE = {"genus": f"{WRONG:.0%} of the pictures lie in the folder of another genus, drawn evenly"}
SHORTCUT_GENUS = "Armillaria"
WOVEN_RATE = 0.3
GROUNDS = ("forest floor", "woven")
_QUALITY = 92


@dataclass(frozen=True, kw_only=True)
class _Habit:
    """How a genus looks: means, or chances of a mark."""

    caps: tuple[Colour, ...]
    stem: Colour
    width: float
    dome: float
    stem_width: float
    stem_height: float
    bulb: float
    warts: float
    rings: float
    skirt: float
    scabers: float
    gills: float
    group: float
    """Chance of standing in a group of three to five."""


_HABITS = {
    "Agaricus": _Habit(
        caps=((226, 218, 200), (196, 172, 140), (168, 136, 104)),
        stem=(222, 212, 196),
        width=0.46,
        dome=0.38,
        stem_width=0.13,
        stem_height=0.4,
        bulb=1.15,
        warts=0.05,
        rings=0.1,
        skirt=0.75,
        scabers=0.03,
        gills=0.75,
        group=0.2,
    ),
    "Amanita": _Habit(
        caps=((188, 58, 42), (204, 120, 52), (150, 140, 88)),
        stem=(226, 220, 204),
        width=0.48,
        dome=0.34,
        stem_width=0.1,
        stem_height=0.48,
        bulb=1.9,
        warts=0.78,
        rings=0.05,
        skirt=0.65,
        scabers=0.03,
        gills=0.5,
        group=0.1,
    ),
    "Armillaria": _Habit(
        caps=((190, 138, 78), (168, 112, 62), (206, 164, 104)),
        stem=(190, 150, 104),
        width=0.3,
        dome=0.34,
        stem_width=0.06,
        stem_height=0.46,
        bulb=1.0,
        warts=0.12,
        rings=0.15,
        skirt=0.5,
        scabers=0.1,
        gills=0.4,
        group=0.75,
    ),
    "Lactarius": _Habit(
        caps=((206, 118, 62), (182, 104, 70), (198, 150, 112)),
        stem=(212, 150, 104),
        width=0.5,
        dome=-0.3,
        stem_width=0.14,
        stem_height=0.34,
        bulb=1.0,
        warts=0.03,
        rings=0.75,
        skirt=0.03,
        scabers=0.08,
        gills=0.7,
        group=0.2,
    ),
    "Leccinum": _Habit(
        caps=((160, 92, 50), (124, 82, 56), (192, 112, 58)),
        stem=(206, 196, 178),
        width=0.42,
        dome=0.46,
        stem_width=0.16,
        stem_height=0.46,
        bulb=1.3,
        warts=0.03,
        rings=0.05,
        skirt=0.04,
        scabers=0.85,
        gills=0.03,
        group=0.15,
    ),
}


def make(
    folder: Path, n: int = 1500, seed: int = 0, faults: Iterable[str] | None = None, *, size: int = 80
) -> Made:
    """Write `mushrooms.csv`, ``train/<genus>/``, ``validation/<genus>/``, ``test/<genus>/``, `planted.csv`.

    Args:
        folder: made if missing; pictures of an earlier call are removed.
        n: pictures, the genera in equal parts.
        seed: same seed, same mushrooms, whatever the faults.
        faults: names in `faults.FAULTS`; None plants all, an empty set makes the twin without any.
        size: side of a picture in pixels.

    Raises:
        InputError: a fault of another name.
    """
    chosen = checked("mushrooms", faults)
    rng = np.random.default_rng([seed, 0xF046])
    genus = rng.permutation(np.arange(n) % len(GENERA))
    train, validation = round(n * SPLIT_SHARES[0]), round(n * SPLIT_SHARES[1])
    split = rng.permutation(np.repeat(np.arange(3), [train, validation, n - train - validation]))
    recorded = np.where(rng.random(n) < WRONG, (genus + rng.integers(1, len(GENERA), n)) % len(GENERA), genus)
    share = FAULTS["mushroom_copies"].strength if "mushroom_copies" in chosen else 0.0
    source = copies(np.random.default_rng([seed, 0xC0]), split, share)
    ids = [f"{SPLITS[split[i]]}/{GENERA[recorded[source[i]]]}/m{i:05d}.jpg" for i in range(n)]
    ground = np.random.default_rng([seed, 0x3EA]).random(n) < WOVEN_RATE
    planted: list[Planted] = []
    if "texture_shortcut" in chosen:
        changed = _tied(ground, genus, split, np.random.default_rng([seed, 0x71ED]))
        planted += [
            Planted(fault="texture_shortcut", id=ids[row], split=SPLITS[split[row]], detail=GROUNDS[1])
            for row in np.flatnonzero(changed != ground)
            if changed[row]
        ]
        ground = changed
    _emptied(folder)
    edits = np.random.default_rng([seed, 0xED])
    for row in range(n):
        of = int(source[row])
        image = _photograph(GENERA[genus[of]], size, np.random.default_rng([seed, of]))
        if ground[of]:
            image = woven(image)
        if of != row:
            image, detail = recoded(image, edits)
            planted.append(
                Planted(fault="mushroom_copies", id=ids[row], of=ids[of], split="test", detail=detail)
            )
        image.save(folder / ids[row], quality=_QUALITY if of == row else 70)
    with (folder / "mushrooms.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "genus", "split", "group.ground"])
        for row, name in enumerate(ids):
            writer.writerow([name, *name.split("/")[1::-1], GROUNDS[int(ground[source[row]])]])
    write_planted(folder, planted)
    return Made(
        folder=folder, rows=n, seed=seed, faults=chosen, planted=tuple(planted), label_noise=LABEL_NOISE
    )


def _tied(
    ground: NDArray[np.bool_], genus: NDArray[np.int64], split: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(n,) whether a picture stands on the woven ground, once that tells the genus outside of the test."""
    one = genus == GENERA.index(SHORTCUT_GENUS)
    tied = np.where(one, rng.random(len(genus)) < FAULTS["texture_shortcut"].strength, False)
    return np.where(split == 2, ground, tied)


def _emptied(folder: Path) -> None:
    """Folders for every split and genus, without pictures that an earlier call left."""
    for split in SPLITS:
        for genus in GENERA:
            place = folder / split / genus
            place.mkdir(parents=True, exist_ok=True)
            for old in place.glob("m*.jpg"):
                old.unlink()


def _photograph(genus: str, size: int, rng: np.random.Generator) -> Image.Image:
    """One picture of a genus, with the exposure and grain of a small camera."""
    pixels = np.asarray(draw(_grown(_HABITS[genus], rng), size), dtype=np.float32)
    grain = rng.normal(0, rng.uniform(2, 7), (size, size, 1)).astype(np.float32)
    pixels = (pixels - 128) * rng.uniform(0.8, 1.1) + 128 + rng.uniform(-20, 20) + grain
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _grown(habit: _Habit, rng: np.random.Generator) -> Fungus:
    """One specimen of a genus."""
    group = rng.random() < habit.group
    grow = rng.uniform(0.85, 1.15) * (0.75 if group else 1.0)
    cap = np.array(habit.caps[rng.integers(len(habit.caps))]) + rng.normal(0, 14, 3)
    stem = np.array(habit.stem) + rng.normal(0, 10, 3)
    tint = rng.integers(40, 150) * np.array([1.0, rng.uniform(0.85, 1.25), rng.uniform(0.5, 0.9)])
    ground = tint + rng.normal(0, 1, (5, 5, 1)) * 45 + rng.normal(0, 8, (5, 5, 3))
    return Fungus(
        cap=_colour(cap),
        stem=_colour(stem),
        width=habit.width * grow * rng.uniform(0.85, 1.15),
        dome=habit.dome * rng.uniform(0.7, 1.3),
        stem_width=habit.stem_width * grow * rng.uniform(0.8, 1.25),
        stem_height=habit.stem_height * grow * rng.uniform(0.8, 1.2),
        bulb=habit.bulb * rng.uniform(0.9, 1.1),
        warts=int(rng.integers(6, 16)) if rng.random() < habit.warts else 0,
        rings=int(rng.integers(2, 4)) if rng.random() < habit.rings else 0,
        skirt=bool(rng.random() < habit.skirt),
        scabers=int(rng.integers(8, 22)) if rng.random() < habit.scabers else 0,
        gills=bool(rng.random() < habit.gills),
        count=int(rng.integers(3, 6)) if group else 1,
        shift=(float(rng.uniform(-0.12, 0.12)), float(rng.uniform(-0.08, 0.02))),
        ground=np.clip(ground, 0, 255).astype(np.uint8),
        seed=int(rng.integers(2**31)),
    )


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = (int(v) for v in np.clip(values, 0, 255))
    return red, green, blue
