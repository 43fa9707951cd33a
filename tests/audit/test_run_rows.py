"""The rows of an audit as a model takes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import fake_models
import numpy as np
import pyarrow as pa
import pytest
from builders import build_examples
from PIL import Image

from audit.core import Source
from audit.errors import InputError
from audit.executors import Serial
from audit.protocols import Context, DataSet
from audit.run_rows import RunRows, inputs, payload_column
from audit.spec import Spec
from audit.store.payload_rows import PayloadRows
from audit.store.predictions_file import write_predictions

N = 70


def context(folder: Path, *payloads: str) -> Context:
    source = Source(path="p.csv", sha256="0" * 64, data_root=str(folder), payloads=payloads)
    images = [f"p{i}.png" if i != 3 else None for i in range(N)] if "image" in payloads else None
    examples = replace(
        build_examples(N),
        source=source,
        split=np.where(np.arange(N) % 2, 2, 0).astype(np.int8),
        images=None if images is None else pa.array(images, pa.string()),
    )
    texts = [pa.array([f"text {i}" if i != 5 else None for i in range(N)])] if "text" in payloads else None
    write_predictions(folder / "predictions.parquet", examples, [], texts)
    return Context(
        examples=examples,
        predictions={},
        audited=examples.split == 2,
        spec=Spec(),
        seed=0,
        executor=Serial(),
        cache=folder,
        payloads=PayloadRows(folder / "predictions.parquet"),
    )


def test_texts_by_position_and_by_split(tmp_path: Path) -> None:
    made = context(tmp_path, "text")
    assert inputs(made, [5, 0, 69]) == [None, "text 0", "text 69"]
    data = RunRows(made)
    assert isinstance(data, DataSet)
    assert list(data.rows("test")) == [(f"r{i}", f"text {i}") for i in range(1, N, 2) if i != 5]
    assert list(data.rows("validation")) == []


def test_pictures_are_decoded_and_those_that_cannot_be_are_none(tmp_path: Path) -> None:
    made = context(tmp_path, "image")
    turned = Image.Exif()
    turned[0x0112] = 6
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    Image.fromarray(pixels).save(tmp_path / "p0.png")
    Image.fromarray(pixels).save(tmp_path / "p1.png", exif=turned)
    (tmp_path / "p2.png").write_bytes(b"no picture")
    upright, shown, damaged, unnamed = inputs(made, [0, 1, 2, 3])
    assert np.array_equal(upright, pixels)
    assert np.array_equal(shown, np.rot90(pixels, -1))  # orientation 6: turn it 90 degrees clockwise
    assert damaged is None
    assert unnamed is None
    assert [name for name, _ in RunRows(made).rows("train")] == ["r0"]


def test_the_payload_is_the_one_that_the_model_reads(tmp_path: Path) -> None:
    both = context(tmp_path, "text", "image")
    assert payload_column(both) == "text"
    assert payload_column(replace(both, model=fake_models.Brightness())) == "image"
    texts = context(tmp_path, "text")
    assert payload_column(replace(texts, model=fake_models.Brightness())) is None
    with pytest.raises(InputError, match="the rows have no image column"):
        inputs(replace(texts, model=fake_models.Brightness()), [0])
