"""Folders of very small pictures whose label shows, for trainings of seconds."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

BANDS = {"10-19": 60, "30-39": 130, "60-69": 200}
"""Age band -> how blue the picture is."""


def textured(rng: np.random.Generator, colour: tuple[float, float, float], side: int = 24) -> np.ndarray:
    """Coarse random blocks, so that no two pictures are near duplicates, tinted with one colour."""
    blocks = rng.uniform(-45, 45, (6, 6, 1)).repeat(side // 6, 0).repeat(side // 6, 1)
    return np.clip(np.array(colour) + blocks + rng.normal(0, 4, (side, side, 3)), 0, 255).astype(np.uint8)


def make_faces(root: Path, n: int = 60, seed: int = 0) -> Path:
    """A generic faces CSV: gender shows in red, the age band in blue; ethnicity is drawn by lot."""
    rng = np.random.default_rng(seed)
    root.mkdir(parents=True, exist_ok=True)
    with (root / "faces.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "age", "gender", "race"])
        for i in range(n):
            gender, band = ("Male", "Female")[i % 2], list(BANDS)[i // 2 % 3]
            red = 60 if gender == "Male" else 200
            Image.fromarray(textured(rng, (red, 120, BANDS[band]))).save(root / f"{i:03d}.png")
            table.writerow([f"{i:03d}.png", band, gender, ("A", "B")[int(rng.integers(2))]])
    return root


def make_mushrooms(
    root: Path, n: int = 60, seed: int = 0, classes: tuple[str, ...] = ("Blue", "Green", "Red")
) -> Path:
    """A folder a class; the class shows in the colour."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        code = i % len(classes)
        colour = tuple(190.0 if channel == 2 - code % 3 else 70.0 for channel in range(3))
        (root / classes[code]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(textured(rng, colour)).save(root / classes[code] / f"{i:03d}.png")
    return root
