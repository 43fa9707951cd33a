"""Cells and records that are refused, with the exact words that the auditor reads."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.inputs.load import load
from audit.inputs.rejected import write_rejected
from audit.spec import Spec

HEAD = "id,true.x,score.x,group.g\n"
CLASSES = "id,true.x,score.x.a,score.x.b\n"


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


EMPTY = "the field is empty, and no output of the record can be used"
CELLS = {
    "duplicate and missing ids": (
        HEAD + "a,1,.5,c\nb,0,.4,c\na,1,.6,c\n,1,.2,d\na,0,.1,d\n",
        [
            (3, 4, "a", "id", "the id is that of record 1"),
            (4, 5, None, "id", "the id is empty"),
            (5, 6, "a", "id", "the id is that of record 1"),
        ],
    ),
    "NaN": (
        HEAD + "a,1,NaN,c\nb,0,.4,c\nc,1,nan,c\n",
        [
            (
                1,
                2,
                "a",
                "score.x",
                "expected a number, came 'NaN' (leave the field empty where there is none)",
            ),
            (
                3,
                4,
                "c",
                "score.x",
                "expected a number, came 'nan' (leave the field empty where there is none)",
            ),
        ],
    ),
    "infinite": (
        HEAD + "a,1,inf,c\nb,0,-Infinity,c\nc,1,1e999,c\nd,1,.5,c\n",
        [
            (1, 2, "a", "score.x", "expected a finite number, came 'inf'"),
            (2, 3, "b", "score.x", "expected a finite number, came '-Infinity'"),
            (3, 4, "c", "score.x", "expected a finite number, came '1e999'"),
        ],
    ),
    "outside [0, 1]": (
        HEAD + "a,1,1.0000001,c\nb,0,-0.1,c\nc,1,1,c\nd,0,0,c\n",
        [
            (1, 2, "a", "score.x", "expected a number in [0, 1], came 1.0000001"),
            (2, 3, "b", "score.x", "expected a number in [0, 1], came -0.1"),
        ],
    ),
    "class scores that don't add up": (
        CLASSES + "1,a,.5,.5\n2,b,.5,.7\n3,a,.2,.8009\n4,a,.2,.8011\n5,a,.2,.7991\n",
        [
            (2, 3, "2", "score.x.*", "expected class scores that add up to 1 within 0.001, came 1.2"),
            (4, 5, "4", "score.x.*", "expected class scores that add up to 1 within 0.001, came 1.0011"),
        ],
    ),
    "unknown class": (
        CLASSES + "1,a,.5,.5\n2,c,.5,.5\n",
        [(2, 3, "2", "true.x", "expected one of a, b, came 'c'")],
    ),
    "neither yes nor no": (
        HEAD + "a,1,.5,c\nb,2,.4,c\nc,maybe,.5,c\n",
        [
            (2, 3, "b", "true.x", "expected one of 0, 1, came '2'"),
            (3, 4, "c", "true.x", "expected one of 0, 1, came 'maybe'"),
        ],
    ),
    "text in a number column": (
        HEAD + "a,1,high,c\nb,0,.4,c\nc,1,NA,c\nd,1,null,c\n",
        [
            (1, 2, "a", "score.x", "expected a number, came 'high'"),
            (3, 4, "c", "score.x", "expected a number, came 'NA'"),
            (4, 5, "d", "score.x", "expected a number, came 'null'"),
        ],
    ),
    "text and NaN for a number": (
        "id,true.x,pred.x\na,3.5,1.5\nb,dog,2\nc,4,NaN\n",
        [
            (2, 3, "b", "true.x", "expected a number, came 'dog'"),
            (
                3,
                4,
                "c",
                "pred.x",
                "expected a number, came 'NaN' (leave the field empty where there is none)",
            ),
        ],
    ),
    "empty fields": (
        HEAD + "a,,.5,c\nb,1,,c\nc,1,.5,c\n",
        [(1, 2, "a", "true.x", EMPTY), (2, 3, "b", "score.x", EMPTY)],
    ),
    "too few and too many fields": (
        HEAD + "a,1,.5\nb,1,.5,c\n\nc,1,.5,d,e\nd,1,7,f\n",
        [
            (1, 2, None, "", "3 fields where the header has 4"),
            (3, 5, None, "", "5 fields where the header has 4"),
            (4, 6, "d", "score.x", "expected a number in [0, 1], came 7"),
        ],
    ),
    "lines after quoted line ends": (
        HEAD + 'a,1,.5,5" pipe\nb,1,7,d\nc,1,.3,"x\n\ny"\r\nd,1,8,"z\n"\n\ne,0,9,z',
        [
            (2, 3, "b", "score.x", "expected a number in [0, 1], came 7"),
            (4, 7, "d", "score.x", "expected a number in [0, 1], came 8"),
            (5, 10, "e", "score.x", "expected a number in [0, 1], came 9"),
        ],
    ),
    "a NUL byte in an id": (
        HEAD + "a\0b,1,.5,c\nb,1,.5,c\n",
        [(1, 2, "a\0b", "id", "the id holds a NUL byte")],
    ),
    "a cell beside a good output": (
        "id,score.x,score.y,identity.deaf\na,7,.5,1\nb,.5,.5,no\n",
        [
            (1, 2, "a", "score.x", "expected a number in [0, 1], came 7; the rest of the record is kept"),
            (2, 3, "b", "identity.deaf", "expected a number, came 'no'; the rest of the record is kept"),
        ],
    ),
}


@pytest.mark.parametrize(("content", "refused"), CELLS.values(), ids=CELLS)
def test_records_and_cells_that_are_refused(put, content, refused):
    found = load(put(content), Spec())
    assert [tuple(row.values()) for row in found.rejected.to_pylist()] == [("p.csv", *row) for row in refused]
    source = found.examples.source
    assert source.records == found.examples.n + source.rejected


def test_lines_that_are_no_object_are_refused(put):
    lines = '{"id":1,"true.x":0,"score.x":0.5}\nnot\n\n{"id":2,"true.x":"1","score.x":NaN}\n[1]\n'
    found = load(put(lines, "p.jsonl"), Spec())
    assert [tuple(row.values()) for row in found.rejected.to_pylist()] == [
        ("p.jsonl", 2, None, None, "", "expected one JSON object a line, came 'not'"),
        (
            "p.jsonl",
            3,
            None,
            "2",
            "score.x",
            "expected a number, came 'NaN' (leave the field empty where there is none)",
        ),
        ("p.jsonl", 4, None, None, "", "expected one JSON object a line, came '[1]'"),
    ]


def test_parquet_null_is_missing_and_nan_is_refused(put):
    content = parquet(**{"id": [1, 2, 3], "true.x": [True, None, False], "score.x": [0.5, 0.5, float("nan")]})
    found = load(put(content, "p.parquet"), Spec())
    assert [tuple(row.values()) for row in found.rejected.to_pylist()] == [
        ("p.parquet", 2, None, "2", "true.x", EMPTY),
        (
            "p.parquet",
            3,
            None,
            "3",
            "score.x",
            "expected a number, came 'nan' (leave the field empty where there is none)",
        ),
    ]
    assert dict(found.predictions["x"].dropped) == {"invalid value": 1, "missing truth": 1}


def test_formulas_are_kept_as_text_and_neutralised_on_export(put, tmp_path):
    found = load(put(HEAD + "=1+1,1,.5,=cmd\n-b,1,9,@x\n+c,1,.5,\t=d\n"), Spec())
    assert found.examples.ids.to_pylist() == ["=1+1", "+c"]
    assert found.examples.attributes["g"].values == ("\t=d", "=cmd")
    write_rejected(found.rejected, tmp_path / "rejected.csv")
    assert (tmp_path / "rejected.csv").read_text() == (
        'file,record,line,id,column,reason\np.csv,2,3,\'-b,score.x,"expected a number in [0, 1], came 9"\n'
    )
