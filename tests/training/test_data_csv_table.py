"""CSV files as they come: quoted line breaks, blank lines, short records, bytes that are no text."""

import gzip

import pytest

from audit.errors import InputError
from training.data import csv_table
from training.data.csv_table import read_header, read_table

MESSY = b'\xef\xbb\xbfid,text,x\n1,"a\nb",2\n\n2,only\n3,x\xe9,1\n4,ok,2\r\n5,"",NA\n'
"""Lines: 1 header; 2-3 record 1; 4 blank; 5 record 2 (short); 6 record 3 (Latin-1); 7, 8 the rest."""


@pytest.mark.parametrize("packed", [False, True])
def test_records_and_lines_are_counted_as_a_person_would(tmp_path, packed):
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(MESSY) if packed else MESSY)
    table = read_table(path)
    assert table.cells("id") == ["1", "4", "5"]
    assert table.cells("text") == ["a\nb", "ok", ""]
    assert table.cells("x") == ["2", "2", "NA"]
    assert table.record.tolist() == [1, 4, 5]
    assert table.line.tolist() == [2, 7, 8]
    assert [(r.record, r.line, r.column, r.reason) for r in table.rejected] == [
        (2, 5, "", "3 fields were expected, 2 came"),
        (3, 6, "text", "is not valid UTF-8"),
    ]


def test_a_malformed_record_with_bytes_that_are_no_text(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,b\n1,�\n".encode() + b"2,\xff,3\n4,5\n6,\xe9\n")
    table = read_table(tmp_path / "t.csv")
    assert table.cells("a") == ["1", "4"]
    assert table.cells("b") == ["\N{REPLACEMENT CHARACTER}", "5"]
    assert [(r.record, r.line) for r in table.rejected] == [(2, 3), (4, 5)]


def test_an_open_quote_is_named_and_old_line_ends_are_read(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'a,b\n1,2\n3,"4\n5,6\n')
    table = read_table(tmp_path / "t.csv")
    assert table.cells("a") == ["1"]
    assert [(r.record, r.line, r.reason) for r in table.rejected] == [
        (2, 3, "a quotation mark is not closed: 2 further lines were taken for text")
    ]
    (tmp_path / "t.csv").write_bytes(b'a,b,c\n1,2,3\n3,"4,5\n5,6,7\n')
    assert [r.reason for r in read_table(tmp_path / "t.csv").rejected] == [
        "3 fields were expected, 2 came: a quotation mark is not closed"
    ]
    (tmp_path / "t.csv").write_bytes(b'a,b\n1,a 5" pipe\n3,4\n')
    assert read_table(tmp_path / "t.csv").cells("b") == ['a 5" pipe', "4"]
    (tmp_path / "t.csv").write_bytes(b"a,b\r1,2\r3,4\r")
    assert read_table(tmp_path / "t.csv").cells("b") == ["2", "4"]


def test_delimiters_of_other_countries(tmp_path):
    for mark in ";\t":
        (tmp_path / "t.csv").write_text(f"a{mark}b\n1{mark}2,5\n")
        assert read_table(tmp_path / "t.csv").cells("b") == ["2,5"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty; a header line with column names was expected."),
        (b"  \n", "is empty; a header line with column names was expected."),
        ("a,b\n".encode("utf-16"), "is UTF-16; UTF-8 was expected."),
        (b"a,b,a\n1,2,3\n", "names the column 'a' twice."),
    ],
)
def test_files_that_are_no_table(tmp_path, content, words):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_header(tmp_path / "t.csv", "t.csv")
    assert caught.value.problem == words


def test_a_cut_gzip_file_is_an_error_and_no_traceback(tmp_path):
    whole = gzip.compress(b"id,text\n" + b"".join(b"%d,some words %d\n" % (i, i * 7919) for i in range(9000)))
    (tmp_path / "t.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"t\.csv\.gz: can't be read"):
        read_table(tmp_path / "t.csv.gz")
    (tmp_path / "u.csv.gz").write_bytes(b"id,text\n1,plain\n")
    with pytest.raises(InputError, match=r"u\.csv\.gz: can't be read"):
        read_table(tmp_path / "u.csv.gz")


def test_a_gzip_bomb_is_not_unpacked_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_table, "LARGEST_UNPACKED", 1 << 20)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"id\n" + b"0\n" * (1 << 20)))
    with pytest.raises(InputError, match="unpacks to more than 1 MiB"):
        read_table(tmp_path / "t.csv.gz")
