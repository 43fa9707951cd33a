"""What is written is what is read, in every format; texts are streamed in order; real files load whole."""

import csv
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.core import UNKNOWN
from audit.errors import InputError
from audit.inputs import csv_file, ids, jsonl_file, parquet_file
from audit.inputs import load as door
from audit.inputs.load import load
from audit.inputs.payloads import hash_file, text_batches
from audit.spec import OutputSpec, Spec

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "predictions"
LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
once = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def tables(draw):
    """Columns of a random predictions file; None is an empty field."""
    n = draw(st.integers(1, 12))
    column = lambda cells: draw(st.lists(cells, min_size=n, max_size=n))  # noqa: E731
    return {
        "id": draw(st.lists(words, min_size=n, max_size=n, unique=True)),
        "split": column(st.sampled_from(["train", "validation", "test"])),
        "true.x": column(st.integers(0, 1)),
        "score.x": column(st.floats(0, 1)),
        "true.age": column(st.floats(-1e6, 1e6)),
        "pred.age": column(st.floats(-1e6, 1e6).filter(lambda number: number not in (0.0, 1.0))),
        "group.sex": column(st.none() | words),
        "identity.old": column(st.none() | st.floats(0, 1, width=32)),
        "text": column(st.none() | words),
    }


def as_csv(table):
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return file.getvalue().encode()


def as_parquet(table):
    file = io.BytesIO()
    pq.write_table(
        pa.table({**table, "group.sex": pa.array(table["group.sex"], pa.string()).dictionary_encode()}), file
    )
    return file.getvalue()


def as_jsonl(table):
    rows = (dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True))
    filled = [{name: cell for name, cell in row.items() if cell is not None} for row in rows]
    filled[0] = dict.fromkeys(table) | filled[0]  # a key that no record has is no column
    return "".join(json.dumps(row) + "\n" for row in filled).encode()


WRITERS = {
    "p.csv": as_csv,
    "p.csv.gz": lambda table: gzip.compress(as_csv(table)),
    "p.parquet": as_parquet,
    "p.jsonl": as_jsonl,
    "p.jsonl.gz": lambda table: gzip.compress(as_jsonl(table)),
}


@pytest.mark.parametrize("name", WRITERS)
@given(table=tables())
@once
def test_what_is_written_is_read(tmp_path, name, table):
    path = tmp_path / name
    path.write_bytes(WRITERS[name](table))
    found = load(path, Spec())
    examples, x, age = found.examples, found.predictions["x"], found.predictions["age"]
    assert examples.ids.to_pylist() == table["id"]
    assert [("train", "validation", "test")[code] for code in examples.split] == table["split"]
    assert x.truth.tolist() == table["true.x"]
    assert x.scores.tolist() == table["score.x"]
    assert x.decision.tolist() == [int(score >= 0.5) for score in table["score.x"]]
    assert age.truth.tolist() == table["true.age"]
    assert age.decision.tolist() == table["pred.age"]
    sex = examples.attributes["sex"]
    assert [sex.values[code] for code in sex.codes] == [value or UNKNOWN for value in table["group.sex"]]
    assert sex.values == tuple(
        sorted(sex.values, key=lambda value: (value == UNKNOWN, sex.values.index(value)))
    )
    np.testing.assert_array_equal(examples.identities["old"], np.array(table["identity.old"], np.float32))
    assert found.records.tolist() == list(range(1, examples.n + 1))
    assert found.rejected.num_rows == 0
    texts = [text for batch in text_batches(path, Spec(), found.records) for text in batch.to_pylist()]
    assert texts == table["text"]
    assert examples.source.sha256 == hash_file(path)


@given(table=tables(), bad=st.sampled_from(["", "7", "x", "nan"]), row=st.integers(0, 11))
@once
def test_a_bad_cell_is_refused_alike_in_csv_and_json_lines(tmp_path, table, bad, row):
    row %= len(table["id"])
    spoilt = {**table, "score.x": [bad if at == row else cell for at, cell in enumerate(table["score.x"])]}
    if len(table["id"]) == 1:
        return
    told = []
    for name in ("p.csv", "p.jsonl"):
        (tmp_path / name).write_bytes(WRITERS[name](spoilt))
        found = load(tmp_path / name, Spec())
        told.append(found.rejected.drop_columns(["file", "line"]).to_pylist())
        assert found.predictions["x"].rows.tolist() == [at for at in range(len(table["id"])) if at != row]
    assert told[0] == told[1]


@given(
    st.lists(
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from("abc"),
        max_size=40,
    )
)
@once
def test_repeated_ids_are_those_that_a_dictionary_finds(texts):
    seen, expected = {}, []
    for row, text in enumerate(texts):
        if text is not None and seen.setdefault(text, row) != row:
            expected.append((row, seen[text]))
    assert ids.repeated(pa.array(texts, pa.string())) == expected
    assert ids.repeated(pa.array(["z", *texts], pa.string()).slice(1)) == expected


def test_equal_hashes_do_not_make_equal_ids(monkeypatch):
    monkeypatch.setattr(ids, "hash_text", lambda texts: np.zeros(len(texts), np.uint64))
    assert ids.repeated(pa.array(["a", "b", None, "a"])) == [(3, 0)]


def test_small_blocks_change_nothing(tmp_path, monkeypatch):
    rows = [f'{i},{i % 2},{i / 1000},"{"line" * (i % 7)}\n""{i}"""' for i in range(1000)]
    rows[500:500] = ["too,few", "x,1,7,y"]
    path = tmp_path / "p.csv"
    path.write_text("id,true.x,score.x,text\n" + "\n".join(rows), newline="")
    whole = load(path, Spec())
    monkeypatch.setattr(csv_file, "FIRST_BLOCK", 256)
    found = load(path, Spec())
    assert found.examples.ids == whole.examples.ids
    assert found.records.tolist() == [*range(1, 501), *range(503, 1003)]
    assert [tuple(row.values())[1:] for row in found.rejected.to_pylist()] == [
        (501, 1002, None, "", "2 fields where the header has 4"),
        (502, 1003, "x", "score.x", "expected a number in [0, 1], came 7"),
    ]
    wanted = found.records[::3]
    texts = [text for batch in text_batches(path, Spec(), wanted) for text in batch.to_pylist()]
    assert texts == [f'{"line" * (i % 7)}\n"{i}"' for i in range(1000)][::3]


def test_a_record_larger_than_a_block_is_read_with_larger_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "FIRST_BLOCK", 64)
    path = tmp_path / "p.csv"
    path.write_text("id,score.x,text\na,.5,short\nb,.5," + "long " * 1000 + "\nc,.5,end\n")
    found = load(path, Spec())
    assert found.examples.ids.to_pylist() == ["a", "b", "c"]
    texts = [text for batch in text_batches(path, Spec(), found.records) for text in batch.to_pylist()]
    assert texts == ["short", "long " * 1000, "end"]


def test_texts_of_a_file_that_has_shrunk_or_has_none(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("id,score.x,text\na,.5,t\n")
    with pytest.raises(Exception, match="^p.csv: expected 2 records, as when it was first read"):
        list(text_batches(path, Spec(), np.array([1, 2])))
    with pytest.raises(Exception, match=r"^p.csv: there is no image column\.$"):
        list(text_batches(path, Spec(), np.array([1]), "image"))


def test_the_reader_of_every_format_has_the_same_functions():
    for reader in (csv_file, parquet_file, jsonl_file):
        assert all(callable(getattr(reader, name)) for name in ("header", "read", "stream"))
        assert reader in door.FORMATS.values()


def real_files():
    return sorted(REAL.glob("*.csv*")) if REAL.is_dir() else []


@pytest.mark.skipif(
    not real_files(), reason="the real predictions of ../shared/data/predictions are not here"
)
@pytest.mark.parametrize("path", real_files(), ids=lambda path: path.name)
def test_real_predictions_load_as_python_reads_them(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = load(path, Spec())
    assert found.rejected.num_rows == 0
    assert found.examples.ids.to_pylist() == [row["id"] for row in rows]
    for output, predictions in found.predictions.items():
        assert predictions.truth.tolist() == [float(row[f"true.{output}"]) for row in rows]
        said = predictions.decision if predictions.scores is None else predictions.scores
        name = f"pred.{output}" if predictions.scores is None else f"score.{output}"
        assert said.tolist() == [float(row[name]) for row in rows]
    for name, attribute in found.examples.attributes.items():
        assert [attribute.values[code] for code in attribute.codes] == [row[f"group.{name}"] for row in rows]
    for column in found.examples.source.payloads:
        batches = text_batches(path, Spec(), found.records, column)
        assert [value for batch in batches for value in batch.to_pylist()] == [
            row[column] or None for row in rows
        ]


@pytest.mark.skipif(
    not real_files(), reason="the real predictions of ../shared/data/predictions are not here"
)
def test_real_labels_are_joined():
    found = load(REAL / "comments-tfidf-v1.csv.gz", Spec(outputs={"comment": OutputSpec(labels=LABELS)}))
    assert found.predictions["comment"].truth.sum(axis=0).tolist() == [393, 57, 215, 18, 212, 29]


cells = st.sampled_from(
    ["", "0", "1", ".5", "x", "nan", "inf", '"q', '"a\nb"', "é", " ", "a,b", "\0", "\r", "=1"]
)
names = st.sampled_from(
    [
        "id",
        "true.x",
        "score.x",
        "score.x.a",
        "true.x.a",
        "pred.x",
        "pred.y",
        "group.g",
        "split",
        "cluster",
        "weight",
        "",
    ]
)


@given(
    header=st.lists(names, max_size=5),
    rows=st.lists(st.lists(cells, max_size=6), max_size=4),
    cut=st.integers(0, 3),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wrong_input_ends_in_words(tmp_path, header, rows, cut):
    text = "\n".join(",".join(row) for row in [["id", "score.x", *header], *rows]).encode()
    path = tmp_path / "p.csv"
    path.write_bytes(text[: len(text) - cut])
    try:
        found = load(path, Spec())
    except InputError as error:
        words = str(error)
    else:
        words = "p.csv"
        assert found.examples.source.records == found.examples.n + found.examples.source.rejected
        assert None not in found.rejected.column("line").to_pylist()
    assert words.startswith("p.csv")
