"""The comparison in a few lines: the exit code in words, counts of verdicts, the policy, what did not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import streamlit as st

from audit.versions.codes import WORDS, Role, Verdict
from audit.versions.policy_words import policy_sentences
from dashboard import cache
from dashboard.charts.versions_looks import LOOKS
from dashboard.panels.sentences import literal
from dashboard.panels.static import static_table
from dashboard.panels.versions_choice import Compared

Colour = Literal["green", "red", "orange"]
BADGES: dict[int, tuple[str, str, Colour]] = {
    0: ("Passes", ":material/check_circle:", "green"),
    2: ("Fails", ":material/cancel:", "red"),
    3: ("Can't be told", ":material/help:", "orange"),
}
"""Exit code -> word, icon, colour: none of the three alone."""
ROLES = {
    Role.DEMANDED: "Demanded to be not worse",
    Role.TESTED: "Tested for a regression",
    Role.WATCHED: "Shown, not gated",
}
UNPAIRED = (
    "Unpaired: the two runs saw different rows, which is the weaker comparison. It needs far more rows, "
    "and a shift in who is in a slice looks like a change of the model."
)


def draw(compared: Compared) -> None:
    """Draw the headline.

    Args:
        compared: the comparison.
    """
    summary = compared.summary
    word, icon, colour = BADGES[summary["exit_code"]]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.badge(word, icon=icon, color=colour)
        st.markdown(meaning(summary))
    st.markdown(who(compared))
    if not summary["paired"]:
        st.warning(UNPAIRED, icon=":material/call_split:")
    static_table(counts(summary["verdicts"]))
    left, right = st.columns(2)
    with left, st.expander("What it was judged by"):
        policy = policy_sentences(summary["policy"], summary["tests"])
        st.markdown("\n".join(f"- {literal(sentence)}" for sentence in policy))
    with right:
        _misfits(compared)


def meaning(summary: Mapping[str, Any]) -> str:
    """The exit code in words, with the counts behind it."""
    code, verdicts = summary["exit_code"], summary["verdicts"]
    demanded, tested = (verdicts[role.value] for role in (Role.DEMANDED, Role.TESTED))
    if code == 2:
        worse = demanded[Verdict.REGRESSED.value] + tested[Verdict.REGRESSED.value]
        return f"**{_slices(worse)} regressed** (exit code 2)"
    if code == 3:
        waiting = sum(demanded[verdict.value] for verdict in (Verdict.CANNOT_TELL, Verdict.NOT_JUDGED))
        if waiting:
            return f"**{_slices(waiting, 'demanded')} can't be told**, and none regressed (exit code 3)"
        return "**nothing could be gated** (exit code 3)"
    passed = sum(demanded[verdict.value] for verdict in (Verdict.NOT_WORSE, Verdict.IMPROVED))
    left = demanded[Verdict.CANNOT_TELL.value]
    more = f"; {left:,} can't be told, which the policy lets pass" if left else ""
    return f"**{_slices(passed, 'demanded')} not worse**, and no gated one regressed (exit code 0){more}"


def _slices(count: int, which: str = "gated") -> str:
    """A verdict is of a metric in a slice: the same slice counts once a metric."""
    return f"{count:,} {which} {'comparison' if count == 1 else 'comparisons'}"


def who(compared: Compared) -> str:
    """What was compared with what, and on which rows."""
    summary = compared.summary
    old, new = (_version(summary[side]) for side in ("old", "new"))
    rows = summary["joined"]["rows"]
    if not summary["paired"]:
        counts_ = f"{summary['new']['rows']:,} rows against {summary['old']['rows']:,} others"
        return f"**{new}** against **{old}** · {counts_}"
    between = compared.entry.versions[1:-1]
    chain = f" · history over {', '.join(map(literal, between))}" if between else ""
    return f"**{new}** against **{old}** · {rows:,} examples in both, compared row by row (paired){chain}"


def _version(about: Mapping[str, Any]) -> str:
    return f"{literal(about['model'])} {literal(about['version'])}"


def counts(verdicts: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Comparisons by role and verdict."""
    rows = []
    for role, words in ROLES.items():
        row: dict[str, Any] = {"": words}
        for verdict in Verdict:
            row[f"{LOOKS[verdict].sign} {WORDS[verdict]}"] = int(verdicts[role.value][verdict.value])
        rows.append(row)
    return pd.DataFrame(rows)


def _misfits(compared: Compared) -> None:
    joined = compared.summary["joined"]
    rows = misfit_rows(cache.frame(compared.folder, compared.mark, "versions", "misfits"))
    fitting = "What did not fit" if len(rows) or joined["left_out"] else "Everything fitted"
    total = f": {joined['unmatched']:.1%} of rows in one run only" if joined["unmatched"] else ""
    with st.expander(fitting + (total if compared.summary["paired"] else "")):
        for name, why in joined["left_out"].items():
            st.markdown(f"{literal(name)} is not compared: {literal(why)}.")
        if len(rows):
            static_table(rows)
        else:
            st.markdown("Every row was in both runs, with the same truth and the same groups.")
        if compared.summary["paired"]:
            policy = compared.summary["policy"]
            st.caption(
                f"The policy refuses more than {policy['most_unmatched']:.0%} of rows in one run only, and "
                f"more than {policy['most_changed']:.0%} with another truth or group. A row whose truth "
                "changed takes no part in that output; where a group changed the new run's counts."
            )


def misfit_rows(misfits: pd.DataFrame) -> pd.DataFrame:
    """Kinds of misfit that occur, in words, with their number and the first ids."""
    found = []
    for _, row in misfits.iterrows():
        if row["rows"]:
            shown = ", ".join(list(row["ids"])[:5])
            found.append({"What": _kind(row["kind"]), "Rows": int(row["rows"]), "For example": shown})
    return pd.DataFrame(found)


def _kind(kind: str) -> str:
    of, _, name = kind.partition(".")
    words = {"only_old": "only in the old run", "only_new": "only in the new run"}
    return words.get(kind) or {"true": f"another truth of {name}", "group": f"another group {name}"}[of]
