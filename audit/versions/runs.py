"""From the folders of two or more runs to the stored comparison of the last with the first."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.core import SCHEMA_VERSION, AuditRun
from audit.errors import RunError
from audit.manifest import host, package_versions, plumbline_version
from audit.protocols import NoProgress, Progress
from audit.store.audited import AuditedRows, audited_rows
from audit.store.comparison import comparison_folder, stored_id, write_comparison
from audit.store.hashes import content_hash
from audit.store.layout import make_run_id
from audit.store.read import open_run
from audit.versions.compare import Comparison, compare
from audit.versions.history import history
from audit.versions.policy import Policy

PAIRED, UNPAIRED = "paired", "unpaired"


@dataclass(frozen=True, kw_only=True)
class StoredComparison:
    """A finished comparison."""

    run: AuditRun
    folder: Path
    exit_code: int
    made_before: bool
    """It was stored already, and nothing was computed."""


def compare_runs(
    folders: Sequence[Path],
    policy: Policy,
    runs_dir: Path,
    *,
    unpaired: bool = False,
    progress: Progress | None = None,
) -> StoredComparison:
    """Compare the last of some runs with the first, and store it.

    The same comparison twice is the same run. Another policy, or another run of one of the versions, takes
    the place of an earlier comparison of the same versions.

    Args:
        folders: of two or more finished runs, the oldest first.
        policy: what to judge by.
        runs_dir: folder that holds runs.
        unpaired: take the rows as different data.
        progress: where to say how far it is.

    Raises:
        PlumblineError: the runs can't be compared, or the policy names what they do not have.
    """
    said = progress or NoProgress()
    started = datetime.now().astimezone().isoformat(timespec="milliseconds")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise RunError("a run is named twice: a version is compared with another one.")
    versions = []
    for i, folder in enumerate(folders):
        said.step("read the runs", i, len(folders))
        versions.append(audited_rows(folder))
    said.step("read the runs", len(folders), len(folders))
    hashes = _hashes(versions, policy, unpaired=unpaired)
    run_id = make_run_id(hashes, plumbline_version())
    place = comparison_folder(runs_dir, versions[-1].manifest["model"], _names(versions))
    if stored_id(place) == run_id:
        run = open_run(place)
        return StoredComparison(
            run=run, folder=place, exit_code=run.sections[0].summary["exit_code"], made_before=True
        )
    found = _compared(versions, policy, said, unpaired=unpaired)
    manifest = _manifest(versions, policy, hashes, run_id)
    times = {
        "run_id": run_id,
        "model": manifest["model"],
        "version": manifest["version"],
        "started": started,
        "finished": datetime.now().astimezone().isoformat(timespec="milliseconds"),
        "host": host(),
        "runs": [str(folder.resolve()) for folder in folders],
    }
    write_comparison(place, manifest, found.section, times)
    return StoredComparison(run=open_run(place), folder=place, exit_code=found.exit_code, made_before=False)


def _compared(
    versions: Sequence[AuditedRows], policy: Policy, progress: Progress, *, unpaired: bool
) -> Comparison:
    last, total = len(versions) - 1, max(2 * len(versions) - 4, 0) + 1
    progress.step("compare", 0, total)
    gate = compare(versions[0], versions[last], policy, unpaired=unpaired)
    progress.step("compare", 1, total)
    if last == 1:
        return gate
    since_first, steps = [], []
    for i in range(1, last + 1):
        if i < last:
            since_first.append(compare(versions[0], versions[i], policy, unpaired=unpaired))
        step = since_first[0] if i == 1 else compare(versions[i - 1], versions[i], policy, unpaired=unpaired)
        steps.append(step)
        progress.step("compare", min(2 * i, total), total)
    since_first.append(gate)
    tables = history(
        [c.section.tables["verdicts"] for c in steps],
        [c.section.tables["verdicts"] for c in since_first],
        _names(versions),
    )
    section = replace(
        gate.section,
        tables={**gate.section.tables, **tables},
        summary={**gate.section.summary, "history": _names(versions)},
    )
    return replace(gate, section=section)


def _names(versions: Sequence[AuditedRows]) -> list[str]:
    """What the versions are called: by version, with the model or the run's id where that is not enough."""
    models = {v.manifest["model"] for v in versions}
    names = [v.manifest["version"] if len(models) == 1 else v.label.replace("/", "-") for v in versions]
    if len(set(names)) < len(names):
        names = [f"{n}@{v.manifest['run_id'][:6]}" for n, v in zip(names, versions, strict=True)]
    return names


def _hashes(versions: Sequence[AuditedRows], policy: Policy, *, unpaired: bool) -> dict[str, str]:
    """What the comparison is made of: every run's content, and the policy in the place of a spec."""
    contents = [content_hash(v.folder) for v in versions]
    how = UNPAIRED if unpaired else PAIRED
    return {
        "data": hashlib.sha256("\n".join([*contents, how]).encode()).hexdigest(),
        "weights": "",
        "spec": policy.sha256(),
        **{f"run {i}": digest for i, digest in enumerate(contents, start=1)},
    }


def _manifest(
    versions: Sequence[AuditedRows], policy: Policy, hashes: dict[str, str], run_id: str
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "plumbline_version": plumbline_version(),
        "run_id": run_id,
        "model": versions[-1].manifest["model"],
        "version": "..".join(_names(versions)),
        "hashes": hashes,
        "seed": policy.seed,
        "packages": package_versions(),
        "spec": policy.as_json(),
        "data": {
            "runs": [
                {
                    "model": v.manifest["model"],
                    "version": v.manifest["version"],
                    "run_id": v.manifest["run_id"],
                    "content_hash": hashes[f"run {i}"],
                    "rows": len(v.ids),
                }
                for i, v in enumerate(versions, start=1)
            ],
            "rows": len(versions[-1].ids),
            "messages": [],
        },
    }
