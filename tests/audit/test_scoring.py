"""Scores in parts: kept, found again, and checked."""

from __future__ import annotations

import re
from pathlib import Path

import fake_models
import numpy as np
import pytest
from PIL import Image

from audit import scoring
from audit.errors import InputError
from audit.scoring import checked, score

TEXTS = [f"{'x' * (i % 17)}" for i in range(1300)]
WANTED = [len(text) % 10 / 10 for text in TEXTS]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAKE_MODEL_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def batches(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()]


def test_rows_come_back_in_order_in_batches(log: Path) -> None:
    said = score(fake_models.Lengths(), TEXTS, batch_size=200)
    assert said["toxic"].tolist() == WANTED
    assert batches(log) == [200, 200, 112] * 2 + [200, 76]


def test_finished_parts_are_not_made_again(tmp_path: Path, log: Path) -> None:
    keep = tmp_path / "keep"
    score(fake_models.Lengths(), TEXTS, keep=keep)
    assert sorted(file.name for file in keep.iterdir()) == [
        "scores-000000000-000000512.npz",
        "scores-000000512-000001024.npz",
        "scores-000001024-000001300.npz",
    ]
    log.unlink()
    (keep / "scores-000000512-000001024.npz").write_bytes(b"PK\x03\x04 cut off")
    assert score(fake_models.Lengths(), TEXTS, keep=keep)["toxic"].tolist() == WANTED
    assert sum(batches(log)) == 512


def test_a_model_with_batches_of_its_own_gets_whole_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(fake_models.Lengths):
        batch_size = 1
        seen: list[tuple[int, int]] = []

        def predict(self, batch):
            self.seen.append((len(batch), self.batch_size))
            return super().predict(batch)

    score(Own(), TEXTS, batch_size=32)
    assert Own.seen == [(512, 32), (512, 32), (276, 32)]


def test_pictures_are_decoded_as_they_are_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels).save(tmp_path / "b.png", exif=turned)
    model = fake_models.Brightness()
    shapes: list[tuple[int, ...]] = []
    monkey = model.predict
    model.predict = lambda batch: (shapes.extend(p.shape for p in batch), monkey(batch))[1]  # type: ignore[method-assign]
    said = score(model, ["a.png", "b.png"], root=tmp_path)
    assert shapes == [(5, 4, 3), (4, 5, 3)]
    np.testing.assert_allclose(said["age"], pixels[..., 0].mean())


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.png: there is no such file"):
        score(fake_models.Brightness(), ["gone.png"], root=tmp_path)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            fake_models.Raises(),
            "model: its predict failed on rows 1 to 512: ZeroDivisionError: planted (fake_models.py, line ",
        ),
        (fake_models.TooFew(), "model, output 'toxic': scores of shape (512,) were expected, came (504,)."),
        (fake_models.NotANumber(), "model, output 'toxic': 512 of its scores are no finite numbers."),
    ],
)
def test_what_is_wrong_with_a_model_is_said(model: fake_models.Lengths, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        score(model, TEXTS)


def test_a_promised_output_must_come() -> None:
    with pytest.raises(InputError, match="it promised the output 'toxic', its scores are of angry"):
        checked({"toxic": fake_models.YES_NO}, {"angry": np.zeros(2)}, 2)


def test_parts_are_small_enough_to_show_progress() -> None:
    steps: list[tuple[int, int]] = []

    class Watch:
        def step(self, what: str, done: int, total: int) -> None:
            steps.append((done, total))

    score(fake_models.Lengths(), TEXTS, progress=Watch())
    assert steps == [(0, 1300), (scoring.PART, 1300), (2 * scoring.PART, 1300), (1300, 1300)]
