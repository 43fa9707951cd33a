"""Groups of slices that one chart shows together: single attributes, one attribute, one crossing, all."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

GROUP = "versions_of"
"""Key of the selector."""
SINGLE, EVERY = "every attribute", "every slice"


def groups_of(rows: pd.DataFrame) -> list[str]:
    """The groups that there are, single attributes together first.

    Args:
        rows: rows of the table `verdicts` of one output and metric.
    """
    names = dict.fromkeys(" & ".join(names) for names in rows["attributes"] if len(names))
    return [SINGLE, *names, EVERY] if names else [EVERY]


def group_of(attributes: Sequence[str]) -> str:
    """The group in which a slice is drawn: single attributes together, a crossing with its like.

    Args:
        attributes: those that define the slice; none: everyone, who is in every group.

    Returns:
        The group; empty where every group has it.
    """
    if not len(attributes):
        return ""
    return " & ".join(attributes) if len(attributes) > 1 else SINGLE


def in_group(rows: pd.DataFrame, group: str) -> pd.DataFrame:
    """Everyone and the slices of a group.

    Args:
        rows: rows of the table `verdicts` of one output and metric.
        group: one of `groups_of`.
    """
    if group == EVERY:
        return rows
    if group == SINGLE:
        return rows[rows["depth"] <= 1]
    of = [" & ".join(names) for names in rows["attributes"]]
    return rows[[name in ("", group) for name in of]]
