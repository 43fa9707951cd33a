"""One audit into one run folder, with probes whose answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.core import SCHEMA_VERSION, Level, Reason, Status
from audit.errors import PlumblineError
from audit.runner import audit_predictions, stem
from audit.spec import Spec
from audit.store.hashes import content_hash, verify
from audit.store.read import open_run, read_times, rows, table

LINES = [
    "id,split,true.ok,score.ok,group.team,text",
    "r1,test,1,0.9,a,one",
    "r2,test,1,0.2,a,two",  # wrong
    'r3,test,0,0.1,b,"three, quoted"',
    "r4,train,0,0.9,b,four",  # wrong, of another split
    "r5,test,0,1.9,b,five",  # refused: no output usable
    "r6,test,0,0.4,c,",
]
COUNT = "fake_probes:Count"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "answers.csv"
    path.write_text("\n".join(LINES) + "\n")
    return path


def audit(file: Path, *probes: str, runs: str = "runs", **spec: object) -> Path:
    return audit_predictions(file, Spec(probes=probes, **spec), file.parent / runs)  # type: ignore[arg-type]


def test_a_run_holds_what_the_design_says(file: Path) -> None:
    folder = audit(file, COUNT, name="a model", version="v/1")
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    tables = [name for name in names if name.startswith("tables/")]
    assert sorted(set(names) - set(tables)) == [
        "predictions.parquet",
        "rejected.csv",
        "run.json",
        "run.sha256",
        "times.json",
    ]
    assert "tables/count.rows.parquet" in tables
    assert len(tables) == 2
    assert sorted(p.name for p in folder.parent.iterdir()) == [folder.name], (
        "no lock and no work folder is left"
    )
    assert verify(folder).intact


def test_the_answer_survives_the_disk(file: Path) -> None:
    folder = audit(file, COUNT)
    run = open_run(folder)
    (section,) = run.sections
    (finding,) = section.findings
    assert run.schema_version == SCHEMA_VERSION
    assert (run.model, run.version) == ("answers", run.hashes["data"][:8])
    assert section.status is Status.OK
    assert finding.value.value == 1 / 4  # r2 of r1, r2, r3, r6
    assert finding.gap.high == float("inf")
    assert finding.reference_value.reason is Reason.NO_ROWS
    assert finding.severity.level is Level.LOW
    assert finding.slice.of == (("team", "a"), ("shift", "late"))
    assert section.tables["rows"].to_pylist() == [{"wrong": 1, "n": 4}]
    assert table(folder, "count", "a name/with a slash").num_rows == 1
    assert section.summary == {"untested": {"too_few": 3}}


def test_data_are_described(file: Path) -> None:
    data = open_run(audit(file, COUNT)).data
    assert data["file"] == "answers.csv"
    assert (data["records"], data["rows"], data["rejected"]) == (6, 5, 1)
    assert data["splits"] == {"train": 1, "test": 4}
    assert data["audited"] == {"split": "test", "rows": 4}
    assert data["attributes"] == {"team": {"a": 2, "b": 1, "c": 1}}
    assert data["outputs"]["ok"]["rows"] == 4
    assert data["payloads"] == ["text"]


def test_rows_keep_the_contract(file: Path) -> None:
    folder = audit(file, COUNT)
    found = rows(folder, [("group.team", "==", "a"), ("split", "==", "test")], ["id", "text", "pred.ok"])
    assert found.to_pylist() == [
        {"id": "r1", "text": "one", "pred.ok": "1"},
        {"id": "r2", "text": "two", "pred.ok": "0"},
    ]
    assert rows(folder, limit=3).num_rows == 3
    assert rows(folder).column("text").to_pylist() == ["one", "two", "three, quoted", "four", None]


def test_what_was_audited_can_be_audited_again(file: Path) -> None:
    folder = audit(file, COUNT)
    again = audit_predictions(folder / "predictions.parquet", Spec(probes=(COUNT,)), file.parent / "again")
    assert open_run(again).sections[0].findings == open_run(folder).sections[0].findings


def test_probes_read_texts_in_any_order(file: Path) -> None:
    summary = open_run(audit(file, "fake_probes:Texts")).sections[0].summary
    assert summary["texts"] == [None, "four", "three, quoted", "two", "one"]


def test_the_same_audit_twice_is_the_same_run(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAKE_PROBE_LOG", str(tmp_path / "log"))
    assert audit(file, COUNT) == audit(file, COUNT)
    assert (tmp_path / "log").read_text() == "count\n"


def test_equal_audits_have_equal_bytes(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "answers.csv"
    copy.parent.mkdir()
    copy.write_bytes(file.read_bytes())
    one, two = audit(file, COUNT), audit(copy, COUNT)
    assert one.name == two.name
    assert (one / "run.json").read_bytes() == (two / "run.json").read_bytes()
    assert content_hash(one) == content_hash(two)


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"version": "2"}, {"minimum_n": 7}, {"probes": (COUNT, "fake_probes:Texts")}]
)
def test_another_question_is_another_run(file: Path, change: dict[str, object]) -> None:
    base: dict[str, object] = {"probes": (COUNT,), "version": "1"}
    one = audit_predictions(file, Spec(**base), file.parent / "runs")  # type: ignore[arg-type]
    two = audit_predictions(file, Spec(**(base | change)), file.parent / "runs")  # type: ignore[arg-type]
    assert one.name != two.name


def test_other_data_are_another_run(file: Path) -> None:
    one = audit(file, COUNT, version="1")
    file.write_text(file.read_text().replace("0.4", "0.3"))
    assert audit(file, COUNT, version="1").name != one.name


def test_a_probe_that_raises_is_a_failed_section_and_costs_no_other(file: Path) -> None:
    folder = audit(file, "fake_probes:Raises", COUNT)
    failed, sound = open_run(folder).sections
    assert failed.status is Status.FAILED
    assert failed.why == "ZeroDivisionError: planted (traceback in evidence/raises.traceback.txt)"
    assert "ZeroDivisionError: planted" in (folder / "evidence/raises.traceback.txt").read_text()
    assert sound.status is Status.OK
    assert verify(folder).intact


def test_a_section_that_can_not_be_stored_leaves_no_tables(file: Path) -> None:
    folder = audit(file, "fake_probes:Unstorable")
    (section,) = open_run(folder).sections
    assert section.status is Status.FAILED
    assert section.why.startswith("TypeError: a object can't be stored as JSON: <object object")
    assert list((folder / "tables").glob("*")) == []


def test_a_section_under_another_name_is_refused(file: Path) -> None:
    (section,) = open_run(audit(file, "fake_probes:WrongName")).sections
    assert "must return a Section of its own name, came a section of 'another'" in section.why


def test_a_probe_that_does_not_apply_says_why(file: Path) -> None:
    (section,) = open_run(audit(file, "fake_probes:NotApplicable")).sections
    assert (section.status, section.why) == (Status.NOT_APPLICABLE, "needs_model")


def test_unknown_probes_are_named_together(file: Path) -> None:
    with pytest.raises(PlumblineError, match=r"no probe is called 'x', 'y'\. Known: .*group_error"):
        audit(file, "x", "group_error", "y")


@pytest.mark.parametrize(
    ("probes", "message"),
    [
        (("fake_probes:Count", "fake_probes:Count.__init__"), "can't be imported"),
        (("fake_probes:BadName",), r"a probe is called '../escape'"),
        (("fake_probes:share",), "is no probe: it has no name, applies, run"),
    ],
)
def test_what_is_no_probe_is_refused(file: Path, probes: tuple[str, ...], message: str) -> None:
    with pytest.raises(PlumblineError, match=message):
        audit(file, *probes)


def test_a_split_without_rows_falls_back_and_says_so(file: Path) -> None:
    run = open_run(audit(file, COUNT, split="validation"))
    assert run.data["audited"] == {"split": "test", "rows": 4}
    assert "No rows of split 'validation': the metrics use split 'test' (4 rows)." in run.data["messages"]


def test_a_file_that_is_refused_leaves_no_folder(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("id,score.ok\n,2\n")
    with pytest.raises(PlumblineError):
        audit(bad, COUNT)
    assert not list((tmp_path / "runs").glob("*"))


def test_times_and_host_stay_out_of_the_content(file: Path) -> None:
    folder = audit(file, COUNT)
    times = read_times(folder)
    assert times["source"]["path"] == str(file.resolve())
    assert times["started"] <= times["finished"]
    assert times["resumed"] == 0
    assert str(file.parent) not in (folder / "run.json").read_text()
    before = content_hash(folder)
    assert set(json.loads((folder / "run.json").read_text())).isdisjoint({"started", "finished", "host"})
    (folder / "times.json").unlink()
    assert content_hash(folder) == before


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("preds.csv.gz", "preds"),
        ("a.b.parquet", "a.b"),
        ("x.JSONL", "x"),
        ("plain", "plain"),
        ("v1.2.csv", "v1.2"),
    ],
)
def test_stem(name: str, expected: str) -> None:
    assert stem(Path(name)) == expected
