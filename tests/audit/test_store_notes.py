"""Auditors' notes: appended, never changed, hashed as a whole."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from audit.core import Estimate, Finding, Level, Severity, Slice, Test
from audit.errors import PlumblineError
from audit.store.notes import About, FindingStatus, Notes, finding_key, open_notes

ABOUT = About(author="Ada", run_id="aaaa11112222", content_hash="0" * 64)
OTHER = About(author="Ben", run_id="bbbb11112222", content_hash="1" * 64)


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return open_notes(tmp_path / "runs")


def test_everything_said_is_kept_in_order_with_its_author(notes: Notes) -> None:
    notes.add_note(ABOUT, "looked at twenty rows", subject="f1")
    notes.set_status(ABOUT, "f1", FindingStatus.DISPUTED, "labels are wrong")
    notes.set_status(ABOUT, "f1", FindingStatus.ACCEPTED, "they are not")
    notes.set_status(ABOUT, "f2", FindingStatus.MITIGATED)
    notes.sign_off(ABOUT, "fit for release")
    notes.add_note(OTHER, "of another run")
    entries = notes.snapshot(ABOUT.run_id).entries
    assert [note["text"] for note in entries["notes"]] == ["looked at twenty rows"]
    assert [entry["status"] for entry in entries["statuses"]] == ["disputed", "accepted", "mitigated"]
    assert entries["current"] == {"f1": "accepted", "f2": "mitigated"}
    (signed,) = entries["sign_offs"]
    assert (signed["author"], signed["content_hash"], signed["statement"]) == (
        "Ada",
        "0" * 64,
        "fit for release",
    )


def test_a_snapshot_changes_when_something_is_added_and_only_then(notes: Notes) -> None:
    empty = notes.snapshot(ABOUT.run_id).sha256
    assert notes.snapshot(ABOUT.run_id).sha256 == empty
    notes.add_note(OTHER, "elsewhere")
    assert notes.snapshot(ABOUT.run_id).sha256 == empty
    notes.add_note(ABOUT, "here")
    assert notes.snapshot(ABOUT.run_id).sha256 != empty


def test_notes_outlive_the_process(notes: Notes, tmp_path: Path) -> None:
    notes.add_note(ABOUT, "here")
    assert open_notes(tmp_path / "runs").snapshot(ABOUT.run_id) == notes.snapshot(ABOUT.run_id)


@pytest.mark.parametrize("table", ["notes", "finding_status", "sign_offs"])
@pytest.mark.parametrize("change", ["UPDATE {} SET author = 'Eve'", "DELETE FROM {}"])
def test_the_database_itself_refuses_changes(notes: Notes, tmp_path: Path, table: str, change: str) -> None:
    notes.add_note(ABOUT, "here")
    notes.set_status(ABOUT, "f", FindingStatus.OPEN)
    notes.sign_off(ABOUT, "signed")
    connection = sqlite3.connect(tmp_path / "runs" / "notes.sqlite")
    try:
        with pytest.raises(sqlite3.IntegrityError, match="notes are appended, never changed"):
            connection.execute(change.format(table))
    finally:
        connection.close()


def test_nobody_signs_without_a_name() -> None:
    with pytest.raises(PlumblineError, match="need the name of their author"):
        About(author=" ", run_id="a", content_hash="b")


def test_the_database_is_chosen_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_NOTES", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    open_notes(tmp_path / "runs").add_note(ABOUT, "there")
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'elsewhere.db'}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT text FROM notes")).scalar_one() == "there"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("url", ["nonsense", "nodialect://x", "sqlite:////nowhere/at/all/notes.db"])
def test_a_database_that_can_not_be_opened_is_named(url: str) -> None:
    with pytest.raises(PlumblineError, match="the auditors' notes can't be opened"):
        Notes(url)


def make(value: float, reference: str = "everyone else") -> Finding:
    estimate = Estimate(value=value, low=0, high=1, n=9, method="m", unit="rate", better="lower")
    return Finding(
        probe="p",
        output="o",
        slice=Slice(of=(("a", "b"),), n=9),
        metric="fpr",
        value=estimate,
        reference=reference,
        reference_value=estimate,
        gap=estimate,
        test=Test(method="m", p=0.1, p_adjusted=0.1, family="f", adjustment="Holm", tests=1),
        severity=Severity(level=Level.LOW, score=1, margin=0.05, why=""),
        smallest_gap=None,
        affected=9,
    )


def test_a_finding_keeps_its_key_when_only_its_numbers_change() -> None:
    assert finding_key(make(0.1)) == finding_key(make(0.2))
    assert finding_key(make(0.1)) != finding_key(make(0.1, reference="a=c"))
    assert len(finding_key(make(0.1))) == 16
