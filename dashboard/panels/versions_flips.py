"""Examples whose answer changed, side by side: lost on the left, won on the right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from audit.core import Slice
from audit.spec import MARGINS
from dashboard import cache
from dashboard.charts import numbers
from dashboard.charts.versions_looks import size
from dashboard.panels.headline import declared_unit
from dashboard.panels.pictures import placeholder, read
from dashboard.panels.rows import masked
from dashboard.panels.sentences import literal, unit
from dashboard.panels.versions_choice import Compared

PAGE = 12
"""Examples of each side on one page."""
WIDTH = 104
"""Of a picture on the page, in pixels: four fit beside each other on either side."""
SIDES = (("negative", "Lost"), ("positive", "Won"))


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How examples are shown."""

    number: bool
    """The output is a number."""
    sharp: bool
    """Pictures as they are, not blurred."""
    opened: bool
    """Texts as they are, not masked."""


def draw(compared: Compared, output: str, cut: Slice) -> None:
    """Draw the counts of the slice and both sides.

    Args:
        compared: the comparison.
        output: the chosen one.
        cut: the slice.
    """
    if "flips" not in compared.tables:
        st.info("The versions saw different rows, so no example has two answers to set side by side.")
        return
    counts = cache.frame(compared.folder, compared.mark, "versions", "flips", output=output, slice=cut.key)
    if counts.empty:
        st.info("Flips are counted by attribute and crossing, where there is a truth: none of this slice.")
        return
    row = counts.iloc[0]
    number = bool(pd.isna(row["right_both"]))
    least = float(compared.summary["policy"]["margins"].get("mae", MARGINS["mae"]))
    margin = size(least, unit("mae", output, declared_unit(output, compared.outputs)))
    st.markdown(sentence(row, number, margin))
    if row["negative"] + row["positive"] == 0:
        return
    found = _examples(compared, output, cut)
    present = cache.columns(compared.new, cache.fingerprint(compared.new)) if compared.new else []
    if not compared.new:
        st.caption("The run that was judged is not in this folder any more: texts and pictures are missing.")
    sharp = "image" in present and st.toggle(
        "Show pictures sharp",
        key="show_pictures",
        help="They may show people, so they are blurred until you ask for them.",
    )
    opened = "text" in present and st.toggle(
        "Show texts",
        key="show_texts",
        help="They may hold slurs and threats; until then every letter of them is a dot.",
    )
    how = Shown(number=number, sharp=bool(sharp), opened=bool(opened))
    for column, (kind, word) in zip(st.columns(2, gap="medium"), SIDES, strict=True):
        with column:
            side = found[found["kind"] == kind] if len(found) else found
            _side(compared, side, int(row[kind]), (kind, word), f"{output}{cut.key}", how)


def sentence(row: pd.Series, number: bool, margin: str) -> str:
    """Counts of flips of a slice in words.

    Args:
        row: of the table `flips`.
        number: the output is a number.
        margin: growth of the absolute error that counts as a flip, with its unit.
    """
    negative, positive, rows = (numbers.count(row[name]) for name in ("negative", "positive", "rows"))
    p = f"exact McNemar {numbers.p_value(row['p'])}, not adjusted"
    if number:
        return (
            f"Of {rows} rows the absolute error grew by more than {margin} in **{negative}** (lost) and "
            f"shrank by more than that in **{positive}** (won); {p}."
        )
    right, wrong = numbers.count(row["right_both"]), numbers.count(row["wrong_both"])
    return (
        f"Of {rows} rows **{negative}** were right before and are wrong now (lost), **{positive}** the other "
        f"way (won), {right} right and {wrong} wrong in both; {p}."
    )


def _examples(compared: Compared, output: str, cut: Slice) -> pd.DataFrame:
    equal = {f"group.{attribute}": value for attribute, value in cut.of}
    return cache.frame(compared.folder, compared.mark, "versions", "examples", output=output, **equal)


def _side(
    compared: Compared,
    rows: pd.DataFrame,
    count: int,
    kind: tuple[str, str],
    key: str,
    shown: Shown,
) -> None:
    """One side: its heading, its page, and the examples on it."""
    st.markdown(f"**{kind[1]}: {count:,}**")
    if not len(rows):
        st.caption("None." if not count else "None of them is among the examples that are stored.")
        return
    pages = -(-len(rows) // PAGE)
    page = 1
    if pages > 1:
        place = f"flips_{kind[0]}_{key}"
        page = int(st.number_input(f"Page (of {pages:,})", 1, pages, 1, key=place, width=160))
    page_rows = rows.iloc[(page - 1) * PAGE : page * PAGE].reset_index(drop=True)
    first = (page - 1) * PAGE + 1
    stored = "" if len(rows) == count else f" of those stored, {count:,} in all"
    last = first + len(page_rows) - 1
    st.caption(f"{first:,}–{last:,} of {len(rows):,}{stored}, the widest changes first.")
    _payloads(compared, page_rows, shown)


def _payloads(compared: Compared, rows: pd.DataFrame, shown: Shown) -> None:
    mark = cache.fingerprint(compared.new) if compared.new else ""
    present = cache.columns(compared.new, mark) if compared.new else []
    names = tuple(name for name in ("text", "image") if name in present)
    if names:
        more = cache.details(compared.new, mark, tuple(rows["id"]), names)
        rows = rows.join(more.drop(columns="id"))
    if "image" in names:
        root = cache.times(compared.new, mark).get("source", {}).get("data_root", "")
        _pictures(rows, Path(root) if root else None, shown)
    st.dataframe(
        frame(rows, number=shown.number, opened=shown.opened),
        hide_index=True,
        width="stretch",
        height=38 + 35 * len(rows),
        column_config={"Text": st.column_config.TextColumn(width="large")},
    )


def _pictures(rows: pd.DataFrame, root: Path | None, shown: Shown) -> None:
    found = [read(name, root, blurred=not shown.sharp) for name in rows["image"]]
    if all(picture is None for picture in found):
        st.caption(f"None of the {len(rows)} pictures were found {_where(root)}.")
        return
    st.image(
        [picture or placeholder() for picture in found],
        caption=[literal(words) for words in captions(rows, number=shown.number)],
        width=WIDTH,
    )
    missing = found.count(None)
    if missing:
        st.caption(f"{missing} of {len(rows)} pictures were not found {_where(root)}.")


def _where(root: Path | None) -> str:
    return f"under {literal(str(root))}" if root else "because the run does not know the data's folder"


def captions(rows: pd.DataFrame, *, number: bool) -> list[str]:
    """Old answer, new answer and truth of each example."""
    truth, old, new = (_short(rows[name], number=number) for name in ("truth", "old", "new"))
    return [f"{was} → {now}, true {true}" for true, was, now in zip(truth, old, new, strict=True)]


def frame(rows: pd.DataFrame, *, number: bool, opened: bool) -> pd.DataFrame:
    """Examples as a table: truth, both answers with their scores, the text, the groups.

    Args:
        rows: of the table `examples`, with the column `text` where the run has it.
        number: the output is a number.
        opened: show texts as they are; else every letter is a dot, since one of the answers flags them.
    """
    truth, old, new = (_short(rows[name], number=number) for name in ("truth", "old", "new"))
    columns: dict[str, Any] = {
        "True": truth,
        "Was": [_answer(a, s) for a, s in zip(old, rows["old_score"], strict=True)],
        "Now": [_answer(a, s) for a, s in zip(new, rows["new_score"], strict=True)],
    }
    if "text" in rows:
        columns["Text"] = [
            "(no text)" if not isinstance(text, str) else text if opened else masked(text)
            for text in rows["text"]
        ]
    columns["id"] = rows["id"]
    columns |= {name.removeprefix("group."): rows[name] for name in rows.columns if name.startswith("group.")}
    return pd.DataFrame(columns)


def _short(answers: pd.Series, *, number: bool) -> list[str]:
    """Classes as they are, numbers with as many digits as matter here."""
    return [f"{float(answer):.3g}" if number else str(answer) for answer in answers]


def _answer(answer: str, score: float) -> str:
    return answer if numbers.absent(score) else f"{answer} ({score:.3f})"
