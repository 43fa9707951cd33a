"""What auditors say of a run: notes, status of findings, sign-offs. Appended to a database, never changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from audit.core import Finding
from audit.errors import PlumblineError

DATABASE = "notes.sqlite"
_metadata = sa.MetaData()


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    """Every entry says who, when, of which run, and the hash of what was looked at."""
    return sa.Table(
        name,
        _metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("time", sa.String(40), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("run_id", sa.String(12), nullable=False, index=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        *columns,
    )


NOTES = _table(
    "notes", sa.Column("subject", sa.Text, nullable=False), sa.Column("text", sa.Text, nullable=False)
)
STATUSES = _table(
    "finding_status",
    sa.Column("finding", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("why", sa.Text, nullable=False),
)
SIGN_OFFS = _table("sign_offs", sa.Column("statement", sa.Text, nullable=False))


class FindingStatus(StrEnum):
    """What auditors have decided of a finding."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    MITIGATED = "mitigated"


@dataclass(frozen=True, kw_only=True)
class About:
    """Who speaks of which run, in the state that they saw."""

    author: str
    run_id: str
    content_hash: str
    """`audit.store.hashes.content_hash` of the run."""

    def __post_init__(self) -> None:
        if not self.author.strip():
            raise PlumblineError("a note, a status and a sign-off need the name of their author.")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that was said of a run up to a moment, for a report that prints its hash."""

    entries: Mapping[str, Any]
    """"run_id", "notes", "statuses" (every change), "current" (finding -> status), "sign_offs"."""
    sha256: str
    """Of the entries: equal where nothing was added."""


class Notes:
    """The database of one folder of runs. It offers no way to change or remove an entry."""

    def __init__(self, url: str) -> None:
        """Open a database and make its tables where missing.

        Args:
            url: SQLAlchemy URL, e.g. ``sqlite:///runs/notes.sqlite``.

        Raises:
            PlumblineError: it can't be opened.
        """
        try:
            self.engine = sa.create_engine(url, poolclass=NullPool)
            _metadata.create_all(self.engine)
            self._forbid_changes()
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            raise PlumblineError(f"the auditors' notes can't be opened ({url}): {error}") from error

    def add_note(self, about: About, text: str, subject: str = "") -> None:
        """Append a note.

        Args:
            about: who, and which run.
            text: the note.
            subject: key of the finding that it is about; empty: the whole run.
        """
        self._append(NOTES, about, subject=subject, text=text)

    def set_status(self, about: About, finding: str, status: FindingStatus, why: str = "") -> None:
        """Append a finding's new status; the earlier ones stay.

        Args:
            about: who, and which run.
            finding: from `finding_key`.
            status: what was decided.
            why: the reason.
        """
        self._append(STATUSES, about, finding=finding, status=status.value, why=why)

    def sign_off(self, about: About, statement: str) -> None:
        """Append a sign-off of the run as its content hash has it."""
        self._append(SIGN_OFFS, about, statement=statement)

    def snapshot(self, run_id: str) -> Snapshot:
        """Everything said of a run so far, oldest first."""
        statuses = self._read(STATUSES, run_id)
        entries = {
            "run_id": run_id,
            "notes": self._read(NOTES, run_id),
            "statuses": statuses,
            "current": {entry["finding"]: entry["status"] for entry in statuses},
            "sign_offs": self._read(SIGN_OFFS, run_id),
        }
        text = json.dumps(entries, sort_keys=True, ensure_ascii=False)
        return Snapshot(entries=entries, sha256=hashlib.sha256(text.encode()).hexdigest())

    def _append(self, table: sa.Table, about: About, **values: str) -> None:
        row = {
            "time": datetime.now().astimezone().isoformat(timespec="milliseconds"),
            "author": about.author.strip(),
            "run_id": about.run_id,
            "content_hash": about.content_hash,
        }
        with self.engine.begin() as connection:
            connection.execute(table.insert(), [row | values])

    def _read(self, table: sa.Table, run_id: str) -> list[dict[str, Any]]:
        query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.id)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _forbid_changes(self) -> None:
        """SQLite itself refuses to update or delete; elsewhere grant the role INSERT and SELECT only."""
        if self.engine.dialect.name != "sqlite":
            return
        refuse = "BEGIN SELECT RAISE(ABORT, 'notes are appended, never changed'); END"
        with self.engine.begin() as connection:
            for table in _metadata.tables:
                for change in ("UPDATE", "DELETE"):
                    name = f"{table}_no_{change.lower()}"
                    made = f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {change} ON {table} {refuse}"
                    connection.execute(sa.text(made))


def open_notes(runs_dir: Path) -> Notes:
    """The notes of a folder of runs: ``notes.sqlite`` in it, or the database that $PLUMBLINE_NOTES names."""
    url = os.environ.get("PLUMBLINE_NOTES", "")
    if not url:
        runs_dir.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{(runs_dir / DATABASE).resolve()}"
    return Notes(url)


def finding_key(finding: Finding) -> str:
    """16 hex digits that stand for a finding in every run of a model: what it is about, not its numbers."""
    parts = [finding.probe, finding.output, finding.metric, finding.slice.key, finding.reference]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
