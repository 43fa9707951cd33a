"""Files that can't be read at all, with the exact words that the auditor reads."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.errors import InputError
from audit.inputs.load import load
from audit.spec import Spec

HEAD = "id,true.x,score.x,group.g\n"
RECODE = "Save it as UTF-8, e.g. iconv -f latin1 -t utf-8 OLD > NEW (with the encoding that it has)."


def parquet(**columns):
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


@pytest.fixture
def put(tmp_path):
    def write(content, name="p.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


FILES = {
    "empty": ("p.csv", b"", "p.csv: the file is empty (0 bytes)."),
    "blank lines only": ("p.csv", "\n\n", "p.csv: the file is empty: it holds no header and no records."),
    "header only": ("p.csv", HEAD, "p.csv: the file has a header and no records."),
    "header only, without a line end": (
        "p.csv",
        "id,score.x",
        "p.csv: the file has a header and no records.",
    ),
    "Parquet without records": (
        "p.parquet",
        parquet(**{"id": pa.array([], pa.string()), "score.x": pa.array([], pa.float64())}),
        "p.parquet: the file has columns and no records.",
    ),
    "JSON Lines without records": ("p.jsonl", "\n", "p.jsonl: the file is empty: it holds no records."),
    "not UTF-8": (
        "p.csv",
        (HEAD + "a,1,.5,café\n").encode("latin1"),
        f"p.csv: expected UTF-8, came byte 0xe9 at byte 36 (line 2). {RECODE}",
    ),
    "not UTF-8, gzipped": (
        "p.csv.gz",
        gzip.compress((HEAD + "a,1,.5,café\n").encode("latin1")),
        f"p.csv.gz: expected UTF-8, came byte 0xe9 at byte 36 (line 2). {RECODE}",
    ),
    "not UTF-8 in a text that is not audited": (
        "p.csv",
        "id,score.x,text\n1,.5,café\n".encode("latin1"),
        f"p.csv: expected UTF-8, came byte 0xe9 at byte 24 (line 2). {RECODE}",
    ),
    "cut off inside a character": (
        "p.csv",
        "id,score.x,text\n1,.5,café".encode()[:-1],
        f"p.csv: expected UTF-8, came byte 0xc3 at byte 24 (line 2). {RECODE}",
    ),
    "UTF-16": (
        "p.csv",
        HEAD.encode("utf-16"),
        f"p.csv: expected UTF-8, came UTF-16 (its byte-order mark is at byte 0). {RECODE}",
    ),
    "tabs": (
        "p.tsv",
        HEAD.replace(",", "\t") + "a\t1\t.5\tc\n",
        "p.tsv: expected fields separated by commas, came tabs. Save it with commas: import pandas; "
        "pandas.read_csv('p.tsv', sep='\\t', dtype=str, keep_default_na=False)"
        '.to_csv("predictions.csv", index=False)',
    ),
    "semicolons": (
        "p.csv",
        HEAD.replace(",", ";") + "a;1;0,5;c\n",
        "p.csv: expected fields separated by commas, came semicolons. Save it with commas: import pandas; "
        "pandas.read_csv('p.csv', sep=';', dtype=str, keep_default_na=False)"
        '.to_csv("predictions.csv", index=False)',
    ),
    "every record ragged": (
        "p.csv",
        HEAD + "a,1,.5\nb,1,.5\n",
        "p.csv, record 1: expected 4 fields as in the header, came 3; no record has as many fields as the "
        "header. Quote fields that hold commas or line ends.",
    ),
    "quote never closed": (
        "p.csv",
        HEAD + 'a,1,.5,c\nb,1,.5,"c\nd,1,.5,d\n',
        "p.csv, record 2 (line 3): a double quote opens a field and is never closed. "
        "Close it, or double it where it belongs to the text.",
    ),
    "gzip cut off": (
        "p.csv.gz",
        gzip.compress((HEAD + "a,1,.5,c\n").encode())[:-12],
        "p.csv.gz: the gzip stream is damaged or cut off (Compressed file ended before the end-of-stream "
        "marker was reached). Copy or export the file again.",
    ),
    "not gzip": (
        "p.csv.gz",
        HEAD,
        "p.csv.gz: its name says gzip and its first bytes do not. Take .gz off its name.",
    ),
    "gzip without .gz": (
        "p.csv",
        gzip.compress(b"id"),
        "p.csv: its name says CSV and it is gzipped. Add .gz to its name.",
    ),
    "Parquet cut off": (
        "p.parquet",
        b"PAR1" + b"x" * 96,
        "p.parquet: the Parquet file is cut off: its closing mark is missing after 100 bytes. "
        "Copy or export the file again.",
    ),
    "Parquet under another name": (
        "p.csv",
        b"PAR1xxxx",
        "p.csv: its name says CSV and it is a Parquet file. Rename it to .parquet.",
    ),
    "CSV called Parquet": (
        "p.parquet",
        HEAD,
        "p.parquet: its name says Parquet and its first bytes do not. Rename or export it again.",
    ),
    "a spreadsheet": (
        "p.xlsx",
        b"PK\x03\x04",
        "p.xlsx: expected a name that ends in .csv, .csv.gz, .parquet, .jsonl or .jsonl.gz, came .xlsx. "
        "Save it as CSV, Parquet or JSON Lines.",
    ),
    "a JSON array": (
        "p.jsonl",
        '[\n{"id": 1}]\n',
        "p.jsonl, record 1: expected one JSON object a line, came '['. Write every example on a line "
        "of its own: "
        '{"id": "a1", "true.toxic": 0, "score.toxic": 0.12}',
    ),
    "a list in a cell": (
        "p.parquet",
        parquet(**{"id": ["a"], "score.x": [[0.5]]}),
        "p.parquet, column score.x: expected one value a record, came list<element: double>.",
    ),
}


@pytest.mark.parametrize(("name", "content", "words"), FILES.values(), ids=FILES)
def test_files_that_cannot_be_read(put, name, content, words):
    path = put(content, name)
    with pytest.raises(InputError) as raised:
        load(path, Spec())
    assert str(raised.value) == words


def test_a_missing_file_names_its_neighbours(put, tmp_path):
    put(HEAD, "predictions.csv")
    with pytest.raises(InputError) as raised:
        load(tmp_path / "prediction.csv", Spec())
    assert (
        str(raised.value)
        == f"{tmp_path}/prediction.csv: there is no such file. Did you mean predictions.csv?"
    )
    with pytest.raises(InputError) as raised:
        load(tmp_path / "no" / "p.csv", Spec())
    assert (
        str(raised.value)
        == f"{tmp_path}/no/p.csv: there is no such file. Nor is there a folder {tmp_path}/no."
    )


def test_a_folder_names_the_files_inside(put, tmp_path):
    put(HEAD, "p.csv")
    with pytest.raises(InputError) as raised:
        load(tmp_path, Spec())
    assert str(raised.value) == f"{tmp_path}: expected a file, came a folder. Name one of its files: p.csv."


@pytest.mark.parametrize("kept", range(4, 700, 60))
def test_a_parquet_file_cut_off_anywhere_ends_in_words(put, kept):
    whole = parquet(**{"id": ["a", "b"], "true.x": [0, 1], "score.x": [0.1, 0.9]})
    with pytest.raises(InputError, match="is cut off: its closing mark is missing"):
        load(put(whole[: min(kept, len(whole) - 1)], "p.parquet"), Spec())
