"""The probe `leakage`: copies across splits, whose they are, and what they did to the numbers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import Finding, Reason, Section, Status
from audit.group_error.targets import targets
from audit.leakage import findings, tables
from audit.leakage.clusters import Copies
from audit.leakage.images import ImageSearch, ImageSettings, search_images
from audit.leakage.inflation import Inflation, inflation
from audit.leakage.leaks import GroupShares, Leaks, find_leaks, shares_by_group
from audit.leakage.pair_list import BORDERED, CAPTIONED, PairList, joined
from audit.leakage.similar import similar_rows
from audit.leakage.texts import TextSearch, search_texts
from audit.multiplicity import benjamini_hochberg
from audit.protocols import Context


class Leakage:
    """Copies of images or texts across splits; runs without a model."""

    name = findings.PROBE

    def applies(self, context: Context) -> Reason | None:
        """Where the rows name their images or hold their texts."""
        return None if _has_images(context) or _has_texts(context) else Reason.NEEDS_DATA

    def run(self, context: Context) -> Section:
        """Find copies, confirm them, and recompute every metric without leaked rows."""
        images = _images(context) if _has_images(context) else None
        texts = _texts(context) if _has_texts(context) else None
        if texts is None and images is not None and not images.counts["used"]:
            return Section(probe=self.name, status=Status.NOT_APPLICABLE, why=_none_usable(images))
        parts = [search for search in (images, texts) if search is not None]
        copies = _together([search.copies for search in parts])
        pairs = joined([search.pairs for search in parts])
        size = None if images is None else images.prints.width.astype(np.int64) * images.prints.height
        alike = similar_rows(context)
        leaks = find_leaks(context.examples, context.audited, copies, size)
        made, found, summary = _consequences(context, leaks)
        own: dict[str, pa.Table] = {
            "pairs": tables.pairs(pairs, context.examples, alike.pairs),
            "clusters": tables.clusters(leaks, context.examples, _hashes(images, texts)),
            "split_table": tables.split_table(leaks, context.examples, context.spec.level),
            "conflicts": tables.conflicts(
                leaks, context.examples, context.predictions, context.spec.margins["mae"]
            ),
            "actions": tables.actions(leaks, context.examples),
            **_image_tables(context, images),
            **made,
        }
        return Section(
            probe=self.name,
            status=Status.OK,
            findings=findings.ordered(found),
            tables={name: table for name, table in own.items() if table.num_rows},
            summary=_summary(context, leaks, images, texts, pairs) | {"similar": alike.counts} | summary,
        )


def _has_images(context: Context) -> bool:
    return context.examples.images is not None


def _has_texts(context: Context) -> bool:
    return context.payloads is not None and "text" in context.examples.source.payloads


def _images(context: Context) -> ImageSearch:
    assert context.examples.images is not None
    root = Path(context.examples.source.data_root)
    paths = [str(root / (name or "")) for name in context.examples.images.to_pylist()]
    return search_images(
        paths,
        ImageSettings(seed=context.seed, level=context.spec.level),
        executor=context.executor,
        cache=context.cache / "leakage",
        progress=context.progress,
    )


def _none_usable(images: ImageSearch) -> str:
    """Why there is nothing to compare, with the commonest reasons."""
    causes = Counter(images.prints.reasons).most_common(3)
    return f"none of {images.counts['files']:,} image files can be used: " + ", ".join(
        f"{reason} ({count:,})" for reason, count in causes
    )


def _texts(context: Context) -> TextSearch:
    assert context.payloads is not None
    rows = np.arange(context.examples.n, dtype=np.int64)
    return search_texts(list(context.payloads("text", rows)), progress=context.progress)


def _together(parts: list[Copies]) -> Copies:
    """Copies by image and copies by text of the same rows: either is a copy."""
    if len(parts) == 1:
        return parts[0]
    content = np.full(parts[0].n, -1, dtype=np.int64)
    left, right = [], []
    for part in parts:
        content = np.where(content >= 0, content, np.where(part.content >= 0, np.arange(part.n), -1))
        later = np.flatnonzero((part.content >= 0) & (part.content != np.arange(part.n)))
        left += [part.content[later], part.left]
        right += [later, part.right]
    i, j = np.concatenate(left), np.concatenate(right)
    return Copies(content=content, left=np.minimum(i, j), right=np.maximum(i, j))


def _hashes(images: ImageSearch | None, texts: TextSearch | None) -> NDArray[np.uint64] | None:
    return images.prints.phash[:, 0] if images is not None and texts is None else None


def _consequences(
    context: Context, leaks: Leaks
) -> tuple[dict[str, pa.Table], list[Finding], dict[str, Any]]:
    """Shares by group, inflation, and their findings."""
    spec, examples = context.spec, context.examples
    everyone = np.ones(examples.n, dtype=np.bool_)
    duplicated = shares_by_group(examples.attributes, everyone, leaks.cluster >= 0, spec.level)
    leaked = shares_by_group(examples.attributes, context.audited, leaks.leaked, spec.level)
    groups = [("duplicated, all splits", *pair) for pair in _adjusted(duplicated)]
    with_p = _adjusted(leaked)
    groups += [("leaked, audited rows", *pair) for pair in with_p]
    found: list[Finding] = []
    measured: list[Inflation] = []
    adjusted: dict[tuple[str, str, str], float] = {}
    if leaks.leaked.any():
        measured = _inflation(context, leaks)
        tested = [one for one in measured if not np.isnan(one.p)]
        q = benjamini_hochberg(np.array([one.p for one in tested]))
        adjusted = {(t.output, t.slice.key, t.metric): float(p) for t, p in zip(tested, q, strict=True)}
        margin = spec.margins["rate"]
        found = [
            findings.leaked_finding(leaks, examples, context.audited, margin, spec.level),
            *findings.inflation_findings(measured, adjusted, spec.margins, leaks, examples),
            *findings.group_findings(with_p, margin, leaks, examples),
        ]
    made = {"by_group": tables.by_group(groups), "inflation": tables.inflation(measured, adjusted)}
    return made, found, {"inflation_tests": len(adjusted)}


def _adjusted(groups: list[GroupShares]) -> list[tuple[GroupShares, NDArray[np.float64]]]:
    """Adjust over all groups of one question."""
    if not groups:
        return []
    q = benjamini_hochberg(np.concatenate([group.p for group in groups]))
    edges = np.cumsum([len(group.values) for group in groups])[:-1]
    return list(zip(groups, np.split(q, edges), strict=True))


def _inflation(context: Context, leaks: Leaks) -> list[Inflation]:
    found: list[Inflation] = []
    for done, predictions in enumerate(context.predictions.values(), start=1):
        audited = predictions.take(context.audited[predictions.rows])
        for target in targets(audited):
            found += inflation(
                target,
                leaks.leaked,
                leaks.together,
                context.examples.attributes,
                seed=context.seed,
                level=context.spec.level,
            )
        context.progress.step("metrics without leaked rows", done, len(context.predictions))
    return found


def _image_tables(context: Context, images: ImageSearch | None) -> dict[str, pa.Table]:
    if images is None:
        return {}
    prints = images.prints
    odd = [row for row, reason in enumerate(prints.reasons) if reason]
    made = {
        "by_distance": tables.by_distance(images.curve, images.checked_to),
        "rejected": pa.table(
            {
                "id": context.examples.ids.take(pa.array(odd, pa.int64())),
                "reason": pa.array([prints.reasons[row] for row in odd], pa.string()),
                "used": pa.array(prints.used[odd]),
            }
        ),
    }
    if images.planted is not None:
        made["planted"] = tables.recall(images.planted, images.searched_to, context.spec.level)
    return made


def _summary(
    context: Context, leaks: Leaks, images: ImageSearch | None, texts: TextSearch | None, pairs: PairList
) -> dict[str, Any]:
    split = context.examples.split
    size = np.bincount(leaks.cluster[leaks.cluster >= 0])
    made: dict[str, Any] = {
        "audited_rows": int(context.audited.sum()),
        "training_rows": int((split == 0).sum()),
        "leaked": int(leaks.leaked.sum()),
        "copied_in_validation": int(leaks.tuned.sum()),
        "confirmed_pairs": int(pairs.confirmed.sum()),
        "look_alikes_listed": int((~pairs.confirmed).sum()),
        "clusters": int(size.size),
        "rows_in_clusters": int(size.sum()),
        "largest_cluster": int(size.max(initial=0)),
        "rows_to_drop": int((~leaks.choice.keep).sum()),
    }
    if images is not None:
        curve = images.curve
        made["images"] = {
            **images.counts,
            "algorithm": images.prints.algorithm,
            "recommended_distance": curve.recommended,
            "same_pairs_up_to": curve.same_up_to,
            "searched_to": images.searched_to,
            "checked_to": images.checked_to,
            "parts_searched_to": images.parts_to,
            "captioned_or_bordered": int(np.isin(pairs.kind, (CAPTIONED, BORDERED)).sum()),
            "planted_pictures": 0 if images.planted is None else images.planted.pictures,
        }
    if texts is not None:
        made["texts"] = {**texts.counts, "similarity": texts.threshold}
    return made
