"""Two runs, and a policy: every change, its verdict, and the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import Attribute, Section, Status
from audit.errors import RunError
from audit.group_error.targets import targets
from audit.slices import SliceSet, slice_set
from audit.spec import AttributeSpec
from audit.store.audited import AuditedRows
from audit.versions import flips as flipped
from audit.versions import identities
from audit.versions.changes import ChangeColumn, change_columns
from audit.versions.codes import Role, Verdict
from audit.versions.findings import findings
from audit.versions.join import Joined, check, join
from audit.versions.judging import judge_columns
from audit.versions.leak_free import leak_free_columns, leaked_rows
from audit.versions.paired import Settings
from audit.versions.policy import Policy
from audit.versions.roles import check_outputs, check_patterns
from audit.versions.tables import misfit_table, verdict_table
from audit.versions.unpaired import Sample, common_slices, shared_values, unpaired_columns

PROBE = "versions"
OK, REGRESSED, CANNOT_TELL = 0, 2, 3
"""Exit codes of `plumbline compare`."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What came of two runs."""

    section: Section
    exit_code: int


def compare(old: AuditedRows, new: AuditedRows, policy: Policy, *, unpaired: bool = False) -> Comparison:
    """Judge a new version against an old one.

    Args:
        old: rows of the version that is compared against.
        new: rows of the version that is judged.
        policy: metrics, margins and slices.
        unpaired: take the rows as different data, whatever their ids.

    Raises:
        PlumblineError: the runs can't be joined, share no output, or the policy names what they do not have.
    """
    joined = join(old, new)
    tables: dict[str, pa.Table] = {}
    if unpaired or not joined.misfits.joined:
        paired = False
        columns = _unpaired(old, new, policy)
    else:
        paired = True
        check(joined.misfits, old, new, policy.most_unmatched, policy.most_changed)
        columns, tables = _paired(joined, old, new, policy)
    if not columns:
        why = "; ".join(f"{k}: {v}" for k, v in joined.misfits.left_out.items()) or "no output has a truth"
        raise RunError(f"{old.label} and {new.label} have no metric in common ({why}).")
    check_patterns(policy, [column.slices for column in columns])
    check_outputs(policy, columns)
    judged, family, twin, answer = judge_columns(columns, policy, _kinds(new))
    table = verdict_table(judged, answer, family, twin)
    code = exit_code(table, policy)
    summary = _summary(old, new, joined, table, policy, paired=paired) | {"exit_code": code}
    section = Section(
        probe=PROBE,
        status=Status.OK,
        findings=tuple(findings(table, old.label)),
        tables={"verdicts": table, "misfits": misfit_table(joined.misfits), **tables},
        summary=summary,
    )
    return Comparison(section=section, exit_code=code)


def _paired(
    joined: Joined, old: AuditedRows, new: AuditedRows, policy: Policy
) -> tuple[list[ChangeColumn], dict[str, pa.Table]]:
    declared, settings = _declared(new, policy), _settings(policy)
    columns: list[ChangeColumn] = []
    by_slice, examples = [], []
    shares, leaked = _identities(joined, old, new), leaked_rows(old, new, joined)
    threshold = float(new.manifest["spec"].get("identity_threshold", 0.5))
    attribute = identities.ATTRIBUTE if identities.ATTRIBUTE not in joined.attributes else "identity term"
    for pair in joined.pairs:
        if not pair.new.n:
            continue
        slices = _slices(joined.attributes, pair.new.rows, declared, policy)
        clusters = None if joined.clusters is None else joined.clusters[pair.new.rows]
        columns += change_columns(pair, slices, clusters, settings)
        if leaked is not None:
            columns += leak_free_columns(
                pair, leaked, joined.attributes, declared, joined.clusters, settings, policy.minimum_n
            )
        named = identities.named(shares, threshold, pair.new.rows)
        columns += identities.identity_columns(pair, named, clusters, settings, attribute)
        found = flipped.flips(pair, policy.margin("mae", None))
        if found is not None:
            by_slice.append(flipped.slice_table(pair, found, slices, joined, new.ids))
            examples.append(flipped.example_table(pair, found, joined, new.ids))
    if not by_slice:
        return columns, {}
    return columns, {"flips": pa.concat_tables(by_slice), "examples": pa.concat_tables(examples)}


def _identities(joined: Joined, old: AuditedRows, new: AuditedRows) -> dict[str, NDArray[np.float32]]:
    """Declared identities of the joined rows, the new run's where both runs have one."""
    before = {name: share[joined.at_old] for name, share in old.identities.items()}
    return before | {name: share[joined.at_new] for name, share in new.identities.items()}


def _unpaired(old: AuditedRows, new: AuditedRows, policy: Policy) -> list[ChangeColumn]:
    before, after = shared_values(old.attributes, new.attributes)
    declared, settings = _declared(new, policy), _settings(policy)
    columns: list[ChangeColumn] = []
    for name, prediction in new.predictions.items():
        other = old.predictions.get(name)
        if other is None or (other.task, other.truth is None) != (prediction.task, prediction.truth is None):
            continue
        for one, two in zip(targets(other), targets(prediction), strict=True):
            sets = common_slices(
                _slices(before, one.rows, declared, policy), _slices(after, two.rows, declared, policy)
            )
            samples = [
                Sample(
                    target,
                    slices,
                    None if run.clusters is None else run.clusters[target.rows].astype(np.int32),
                )
                for target, slices, run in zip((one, two), sets, (old, new), strict=True)
            ]
            columns += unpaired_columns(samples[0], samples[1], settings)
    return columns


def _codes(clusters: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> NDArray[np.int32] | None:
    return None if clusters is None else clusters[rows].astype(np.int32)


def _declared(new: AuditedRows, policy: Policy) -> dict[str, AttributeSpec]:
    """References of the new run's spec, the policy's over them."""
    given = {name: a["reference"] for name, a in new.manifest["spec"]["attributes"].items()}
    return {name: AttributeSpec(reference=value) for name, value in (given | dict(policy.references)).items()}


def _settings(policy: Policy) -> Settings:
    return Settings(level=policy.level, replicates=policy.replicates, seed=policy.seed)


def _slices(
    attributes: Mapping[str, Attribute],
    rows: NDArray[np.int64],
    declared: Mapping[str, AttributeSpec],
    policy: Policy,
) -> SliceSet:
    return slice_set(attributes, rows, policy.depth, declared, policy.minimum_n)


def _kinds(run: AuditedRows) -> dict[str, Any]:
    return {t.name: t.task.kind for p in run.predictions.values() for t in targets(p)}


def exit_code(table: pa.Table, policy: Policy) -> int:
    """2: a gated slice regressed; else 3: a demanded one can't be told, or nothing is gated; else 0."""
    pairs = set(zip(table["role"].to_pylist(), table["verdict"].to_pylist(), strict=True))
    gated = (Role.DEMANDED.value, Role.TESTED.value)
    if any((role, Verdict.REGRESSED.value) in pairs for role in gated):
        return REGRESSED
    open_ones = (Verdict.CANNOT_TELL.value, Verdict.NOT_JUDGED.value)
    waiting = any((Role.DEMANDED.value, v) in pairs for v in open_ones)
    nothing = all(role == Role.WATCHED.value for role, _ in pairs)
    return CANNOT_TELL if policy.cannot_tell == "fail" and (waiting or nothing) else OK


def _summary(
    old: AuditedRows, new: AuditedRows, joined: Joined, table: pa.Table, policy: Policy, *, paired: bool
) -> dict[str, Any]:
    misfits = joined.misfits
    families = zip(table["family"].to_pylist(), table["tests"].to_pylist(), strict=True)
    counts = Counter(zip(table["role"].to_pylist(), table["verdict"].to_pylist(), strict=True))
    return {
        "paired": paired,
        "old": _about(old),
        "new": _about(new),
        "joined": {
            "rows": misfits.joined,
            "only_old": misfits.only_old,
            "only_new": misfits.only_new,
            "unmatched": misfits.unmatched,
            "changed_truths": dict(misfits.changed_truths),
            "changed_groups": dict(misfits.changed_groups),
            "left_out": dict(misfits.left_out),
        },
        "verdicts": {r.value: {v.value: counts[r.value, v.value] for v in Verdict} for r in Role},
        "tests": {name: int(tests) for name, tests in families if name},
        "policy": policy.as_json(),
    }


def _about(run: AuditedRows) -> dict[str, Any]:
    return {
        "model": run.manifest["model"],
        "version": run.manifest["version"],
        "run_id": run.manifest["run_id"],
        "rows": len(run.ids),
    }
