"""predictions.parquet: every kind of output, rows that an output lacks, text that never sits in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import build_examples

from audit.core import Predictions, Task, TaskKind
from audit.errors import RunError
from audit.store import predictions_file
from audit.store.payload_rows import PayloadRows
from audit.store.predictions_file import write_predictions

BINARY = Predictions(
    output="ok",
    task=Task(kind=TaskKind.BINARY, classes=("no", "yes")),
    rows=np.array([0, 2, 3]),
    truth=np.array([1, 0, 1], np.int8),
    scores=np.array([0.75, 0.25, 0.5]),
    decision=np.array([1, 0, 1], np.int8),
    thresholds=(0.5,),
)
MANY = Predictions(
    output="genus",
    task=Task(kind=TaskKind.MULTICLASS, classes=("amanita", "boletus")),
    rows=np.array([1, 3]),
    truth=np.array([0, 1], np.int32),
    scores=np.array([[0.75, 0.25], [0.5, 0.5]]),
    decision=np.array([0, 0], np.int32),
)
LABELS = Predictions(
    output="remark",
    task=Task(kind=TaskKind.MULTILABEL, classes=("toxic", "insult")),
    rows=np.arange(4),
    truth=np.array([[1, 0], [0, -1], [1, 1], [0, 0]], np.int8),
    scores=np.array([[0.5, 0.25], [np.nan, 0.5], [1, 1], [0, 0]]),
    decision=np.array([[1, 0], [-1, 1], [1, 1], [0, 0]], np.int8),
    thresholds=(0.5, 0.5),
)
NUMBER = Predictions(
    output="age",
    task=Task(kind=TaskKind.REGRESSION, unit="years"),
    rows=np.arange(4),
    truth=np.array([1.0, 2, 3, 4]),
    scores=None,
    decision=np.array([1.5, 2.5, 3.5, 4.5]),
)
UNSCORED = Predictions(
    output="pick",
    task=Task(kind=TaskKind.BINARY, classes=("0", "1")),
    rows=np.arange(4),
    truth=None,
    scores=None,
    decision=np.array([0, 1, 0, 1], np.int8),
)


def test_every_kind_of_output_in_the_columns_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    examples = build_examples(4, {"team": ["b", "unknown", "a", "b"]}, clusters=[0, 0, 1, 2])
    write_predictions(path, examples, [BINARY, MANY, LABELS, NUMBER, UNSCORED])
    assert pq.read_table(path).to_pydict() == {
        "id": ["r0", "r1", "r2", "r3"],
        "split": ["test"] * 4,
        "group.team": ["b", "unknown", "a", "b"],
        "cluster": [0, 0, 1, 2],
        "true.ok": ["yes", None, "no", "yes"],
        "score.ok": [0.75, None, 0.25, 0.5],
        "pred.ok": ["yes", None, "no", "yes"],
        "true.genus": [None, "amanita", None, "boletus"],
        "score.genus.amanita": [None, 0.75, None, 0.5],
        "score.genus.boletus": [None, 0.25, None, 0.5],
        "pred.genus": [None, "amanita", None, "amanita"],
        "true.remark.toxic": [1, 0, 1, 0],
        "score.remark.toxic": [0.5, None, 1, 0],
        "pred.remark.toxic": [1, None, 1, 0],
        "true.remark.insult": [0, None, 1, 0],
        "score.remark.insult": [0.25, 0.5, 1, 0],
        "pred.remark.insult": [0, 1, 1, 0],
        "true.age": [1, 2, 3, 4],
        "pred.age": [1.5, 2.5, 3.5, 4.5],
        "pred.pick": ["0", "1", "0", "1"],
    }


def pieces(texts: list[str], sizes: list[int]) -> Iterator[pa.Array]:
    start = 0
    for size in sizes:
        yield pa.array(texts[start : start + size], pa.string())
        start += size


@pytest.mark.parametrize("sizes", [[10], [1] * 10, [3, 0, 4, 3], [9, 1]])
def test_text_arrives_in_pieces_of_any_length(
    tmp_path: Path, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions_file, "ROWS", 4)
    path, texts = tmp_path / "p.parquet", [f"text {i}" for i in range(10)]
    write_predictions(path, build_examples(10), [], pieces(texts, sizes))
    stored = pq.read_table(path)
    assert stored.column("text").to_pylist() == texts
    assert stored.column("id").to_pylist() == [f"r{i}" for i in range(10)]
    metadata = pq.read_metadata(path)
    assert all(metadata.row_group(i).num_rows <= 4 for i in range(metadata.num_row_groups))


@pytest.mark.parametrize("sizes", [[9], [10, 1], []])
def test_text_that_does_not_fit_the_rows_leaves_no_file(tmp_path: Path, sizes: list[int]) -> None:
    path = tmp_path / "p.parquet"
    with pytest.raises(RunError, match="did not give the 10 rows again"):
        write_predictions(path, build_examples(10), [], pieces(["x"] * 11, sizes))
    assert list(tmp_path.iterdir()) == []


def test_text_is_held_a_row_group_at_a_time(tmp_path: Path) -> None:
    piece, count = "x" * 1_000_000, 400
    start, highest = pa.total_allocated_bytes(), 0

    def stream() -> Iterator[pa.Array]:
        nonlocal highest
        for _ in range(count):
            highest = max(highest, pa.total_allocated_bytes() - start)
            yield pa.array([piece], pa.string())

    path = tmp_path / "p.parquet"
    write_predictions(path, build_examples(count), [], stream())
    assert pq.read_metadata(path).num_rows == count
    assert highest < 4 * predictions_file.TEXT_BYTES < count * len(piece)


@pytest.mark.parametrize("rows", [[0, 3, 9], [9, 0, 4, 4, 1], [], list(range(10))])
def test_payloads_come_back_by_row(tmp_path: Path, rows: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions_file, "ROWS", 3)
    path, texts = tmp_path / "p.parquet", [f"text {i}" for i in range(10)]
    write_predictions(path, build_examples(10), [], pieces(texts, [10]))
    assert list(PayloadRows(path)("text", np.array(rows, np.int64))) == [texts[row] for row in rows]


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_predictions(tmp_path / name, build_examples(4, {"t": list("abca")}), [BINARY, LABELS])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
