"""Portraits of nobody: people drawn from numbers, in the generic CSV layout, with faults to leave out.

Age shows in grey hair, lines, the size of the eyes and the shape of the head; gender in length of hair,
brows, chin and beard. All cues overlap, and none depends on the skin tone or on glasses. Labels are noisy:
see `LABEL_NOISE`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from audit.core import SPLITS
from training.data.faults import FAULTS, Made, Planted, checked, write_planted
from training.data.portraits import HAIR, Colour, Person, Wallpaper, draw

SPLIT_SHARES = (0.60, 0.15, 0.25)
GENDERS = ("Male", "Female")
GENDER_NOISE = 0.02
AGE_NOISE = 1.5
GLASSES_RATE = 0.25
LABEL_NOISE = {
    "gender": f"{GENDER_NOISE:.0%} of the recorded genders are the other one",
    "age": f"recorded ages are off by a normal error of {AGE_NOISE} years, then whole numbers",
}
FAULTY_TONES = (8, 9, 10)
TONE_BANDS = ((1, 3), (4, 7), (8, 10))
_AGE_EDGES = (0, 3, 10, 20, 30, 40, 50, 60, 70, 90)
_AGE_WEIGHTS = (0.05, 0.10, 0.12, 0.19, 0.17, 0.13, 0.10, 0.08, 0.06)
_QUALITY = 92


def make(
    folder: Path, n: int = 3000, seed: int = 0, faults: Iterable[str] | None = None, *, size: int = 72
) -> Made:
    """Write `faces.csv`, `images/` and `planted.csv`.

    Args:
        folder: made if missing; files of the same names are replaced.
        n: portraits.
        seed: same seed, same people, whatever the faults.
        faults: names in `faults.FAULTS`; None plants all, an empty set makes the twin without any.
        size: side of a picture in pixels.

    Raises:
        InputError: a fault of another name.
    """
    chosen = checked("faces", faults)
    rng = np.random.default_rng([seed, 0xFACE])
    drawn = _draw_people(rng, n)
    split = rng.permutation(np.repeat(np.arange(3), _counts(n)))
    noise = rng.normal(0, 1, (24, size, size, 1)).astype(np.float32)
    planted: list[Planted] = []
    ids = [f"p{i:05d}" for i in range(n)]
    spare = rng.integers(1, FAULTY_TONES[0], n)
    kept = rng.random(n) < FAULTS["few_examples"].strength
    if "few_examples" in chosen:
        for lost in np.flatnonzero((split == 0) & np.isin(drawn.tone, FAULTY_TONES) & ~kept):
            detail = f"tone {drawn.tone[lost]} became {spare[lost]}"
            planted.append(Planted(fault="few_examples", id=ids[lost], split="train", detail=detail))
            drawn.tone[lost] = spare[lost]
    source = np.arange(n)
    share = FAULTS["face_copies"].strength if "face_copies" in chosen else 0.0
    source = copies(np.random.default_rng([seed, 0xC0]), split, share)
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    edits = np.random.default_rng([seed, 0xED])
    for row in range(n):
        of = int(source[row])
        pixels = _photograph(
            drawn.person(of), size, noise[of % len(noise)], np.random.default_rng([seed, of])
        )
        if "low_contrast" in chosen and drawn.tone[of] in FAULTY_TONES:
            pixels = _faded(pixels, FAULTS["low_contrast"].strength)
            planted.append(Planted(fault="low_contrast", id=ids[row], split=SPLITS[split[row]]))
        image = Image.fromarray(pixels)
        if of != row:
            image, detail = recoded(image, edits)
            planted.append(
                Planted(fault="face_copies", id=ids[row], of=ids[of], split=SPLITS[split[row]], detail=detail)
            )
        image.save(images / f"{ids[row]}.jpg", quality=_QUALITY if of == row else 70)
    _write_table(folder, ids, split, drawn, source)
    write_planted(folder, planted)
    return Made(
        folder=folder, rows=n, seed=seed, faults=chosen, planted=tuple(planted), label_noise=LABEL_NOISE
    )


class _People:
    """Columns of what every portrait shows, drawn before any fault."""

    def __init__(
        self, columns: dict[str, NDArray[np.float64]], tone: NDArray[np.int64], grounds: NDArray[np.uint8]
    ) -> None:
        self.columns, self.tone, self.grounds = columns, tone, grounds
        self.age, self.gender = columns["age"], columns["gender"].astype(int)
        self.recorded_age, self.recorded_gender = (
            columns["recorded_age"],
            columns["recorded_gender"].astype(int),
        )

    def person(self, row: int) -> Person:
        """One row."""
        c = {name: values[row] for name, values in self.columns.items()}
        return Person(
            tone=int(self.tone[row]),
            hair=int(c["hair"]),
            grey=float(c["grey"]),
            hair_length=float(c["hair_length"]),
            recession=float(c["recession"]),
            taper=float(c["taper"]),
            roundness=float(c["roundness"]),
            brow=float(c["brow"]),
            beard=float(c["beard"]),
            eyes=float(c["eyes"]),
            lines=float(c["lines"]),
            scale=float(c["scale"]),
            shift=(float(c["right"]), float(c["down"])),
            tilt=float(c["tilt"]),
            ground=self.grounds[row],
            cloth=_colour(c["cloth"]),
            light=float(c["light"]),
            glasses=bool(c["glasses"]),
            wallpaper=Wallpaper(
                period=float(c["period"]),
                angle=float(c["angle"]),
                phase=float(c["phase"]),
                strength=float(c["strength"]),
                crossed=bool(c["crossed"]),
            ),
        )


def _draw_people(rng: np.random.Generator, n: int) -> _People:
    band = rng.choice(len(_AGE_WEIGHTS), n, p=_AGE_WEIGHTS)
    low, high = np.array(_AGE_EDGES[:-1])[band], np.array(_AGE_EDGES[1:])[band]
    age = low + rng.random(n) * (high - low)
    gender = rng.integers(0, 2, n).astype(float)
    adult = np.clip((age - 8) / 10, 0, 1)
    columns = {
        "age": age,
        "gender": gender,
        "recorded_age": np.clip(np.rint(age + rng.normal(0, AGE_NOISE, n)), 0, 95),
        "recorded_gender": np.where(rng.random(n) < GENDER_NOISE, 1 - gender, gender),
        "hair": rng.integers(0, len(HAIR), n),
        "grey": _sigmoid((age - 56) / 7 + rng.normal(0, 0.8, n)),
        "hair_length": np.clip(rng.normal(0.15 + 0.6 * gender, 0.17, n), 0, 1),
        "recession": (1 - gender) * (rng.random(n) < 0.4) * np.clip((age - 35) / 40, 0, 1) * rng.random(n),
        "taper": np.clip(rng.normal(0.16 + 0.14 * gender * adult, 0.06, n), 0, 0.5),
        "roundness": rng.normal(0.88 - 0.13 * np.clip(age / 18, 0, 1), 0.02, n),
        "brow": np.clip(rng.normal(0.05 + (0.025 - 0.045 * gender) * adult, 0.014, n), 0.02, 0.12),
        "beard": (1 - gender) * (age >= 18) * (rng.random(n) < 0.33) * (0.3 + 0.7 * rng.random(n)),
        "eyes": rng.normal(1.4 - 0.4 * np.clip(age / 18, 0, 1), 0.06, n),
        "lines": np.clip((age - 22) / 10 + rng.normal(0, 0.8, n), 0, 6),
        "scale": rng.uniform(0.58, 0.68, n) * (0.72 + 0.28 * np.clip(age / 18, 0, 1)),
        "right": rng.uniform(-0.06, 0.06, n),
        "down": rng.uniform(-0.03, 0.05, n),
        "tilt": np.clip(rng.normal(0, 3, n), -7, 7),
        "cloth": rng.integers(0, 256**3, n),
        "light": rng.uniform(-1, 1, n),
        "glasses": (rng.random(n) < GLASSES_RATE).astype(float),
        "period": rng.uniform(0.12, 0.35, n),
        "angle": rng.uniform(0, np.pi, n),
        "phase": rng.uniform(0, 2 * np.pi, n),
        "strength": rng.uniform(12, 30, n),
        "crossed": rng.integers(0, 2, n).astype(float),
    }
    tints = rng.integers(70, 180, (n, 1, 1, 3))
    grounds = np.clip(tints + rng.normal(0, 1, (n, 5, 5, 1)) * 28 + rng.normal(0, 10, (n, 5, 5, 3)), 0, 255)
    return _People(columns, rng.integers(1, 11, n), grounds.astype(np.uint8))


def _photograph(
    person: Person, size: int, noise: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Drawing, with the exposure and the grain of a small camera."""
    pixels = np.asarray(draw(person, size), dtype=np.float32)
    grain = np.roll(noise, tuple(rng.integers(0, size, 2)), axis=(0, 1)) * rng.uniform(2, 7)
    pixels = (pixels - 128) * rng.uniform(0.85, 1.1) + 128 + rng.uniform(-14, 14) + grain
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _faded(pixels: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """A picture with a share of its contrast and colour; its mean light stays."""
    mean = pixels.mean()
    faded: NDArray[np.uint8] = np.clip((pixels - mean) * share + mean, 0, 255).astype(np.uint8)
    return faded


def copies(rng: np.random.Generator, split: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """(n,) row that each row shows: itself, or for a share of the test rows a training row of its own."""
    source = np.arange(len(split))
    test, train = rng.permutation(np.flatnonzero(split == 2)), rng.permutation(np.flatnonzero(split == 0))
    count = min(round(share * len(test)), len(train))
    source[test[:count]] = train[:count]
    return source


def recoded(image: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, str]:
    """A copy in another size; saving it at a lower quality is the caller's part."""
    side = round(image.width * rng.uniform(0.7, 1.35))
    return image.resize((side, side), Image.Resampling.BICUBIC), f"resized to {side} and re-encoded"


def _write_table(
    folder: Path, ids: list[str], split: NDArray[np.int64], drawn: _People, source: NDArray[np.int64]
) -> None:
    with (folder / "faces.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "file", "age", "gender", "split", "group.tone_band", "group.glasses"])
        for row, ident in enumerate(ids):
            of = int(source[row])
            tone = int(drawn.tone[of])
            low, high = next(b for b in TONE_BANDS if b[0] <= tone <= b[1])
            age, gender = int(drawn.recorded_age[of]), GENDERS[drawn.recorded_gender[of]]
            glasses = "yes" if drawn.columns["glasses"][of] else "no"
            groups = [f"monk {low:02d}-{high:02d}", glasses]
            writer.writerow([ident, f"images/{ident}.jpg", age, gender, SPLITS[split[row]], *groups])


def _counts(n: int) -> list[int]:
    train, validation = round(n * SPLIT_SHARES[0]), round(n * SPLIT_SHARES[1])
    return [train, validation, n - train - validation]


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


def _colour(number: float) -> Colour:
    """A muted colour from a number below 256**3."""
    whole = int(number)
    return tuple(60 + (whole >> shift & 255) * 150 // 255 for shift in (16, 8, 0))  # type: ignore[return-value]
