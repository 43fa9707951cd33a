"""CSV that a spreadsheet can open without running anything in it."""

import csv

import pyarrow as pa
import pytest

from audit.csv_export import csv_text, neutralise, write_csv


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_become_text(cell):
    assert neutralise(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "a=1", " =1", "1-2", "'=1", "Größe"])
def test_other_text_stays(cell):
    assert neutralise(cell) == cell


def test_a_table_is_written_with_numbers_as_numbers(tmp_path):
    table = pa.table({"=name": ["=x", 'a "b"\nc', None], "gap": [-0.5, 1e-300, None], "n": [-1, 2, None]})
    write_csv(table, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["'=name", "gap", "n"],
        ["'=x", "-0.5", "-1"],
        ['a "b"\nc', "1e-300", "2"],
        ["", "", ""],
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_the_text_is_what_the_file_holds(tmp_path):
    table = pa.table({"=a": ["=1+1", None], "n": [-1, 2]})
    write_csv(table, tmp_path / "t.csv")
    assert csv_text(table) == (tmp_path / "t.csv").read_text() == "'=a,n\n'=1+1,-1\n,2\n"
