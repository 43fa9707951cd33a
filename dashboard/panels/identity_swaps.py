"""Counterfactual swaps: what happens to the score when one identity takes the place of another."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import streamlit as st

from audit import wording
from audit.core import Reason, Section
from audit.csv_export import csv_text
from audit.identity_terms.exchange import RULES
from audit.identity_terms.swap_tables import edits_of
from dashboard import cache, state
from dashboard.charts import numbers, palette
from dashboard.charts.identity_forest import pair_words, swap_chart
from dashboard.panels import identity_words
from dashboard.panels.identity_verdict import WITH_MODEL
from dashboard.panels.sentences import literal
from dashboard.panels.static import static_table

MOST_PAIRS = 20
SOURCES = {"texts": "the audited texts"}


def needs_model(reason: str) -> None:
    """Say why there is nothing here: most often because a file of predictions can't be asked again."""
    if reason == Reason.NEEDS_MODEL.value:
        st.info(
            "This needs a model: a file of predictions can't be asked about a sentence that it does not hold."
        )
        st.code(WITH_MODEL, language="bash")
    else:
        st.info(f"Not run: {literal(wording.reason(reason))}")


def draw(chosen: state.Chosen, section: Section, tables: Mapping[str, pd.DataFrame]) -> None:
    """Draw the swaps of one source and label.

    Args:
        chosen: run and output.
        section: of the probe.
        tables: swaps, swap_examples, swap_excluded; empty where the run has none.
    """
    swaps, facts = tables["swaps"], dict(section.summary.get("swaps", {}))
    reasons = [str(fact["reason"]) for fact in facts.values() if fact.get("reason")]
    if swaps.empty:
        needs_model(reasons[0] if reasons else "no text holds a term that could be swapped")
        return
    sources = list(dict.fromkeys(swaps["source"]))
    source = sources[0]
    if len(sources) > 1:
        state.settle("swap_source", sources)
        source = (
            st.segmented_control(
                "Sentences",
                sources,
                key="swap_source",
                format_func=lambda name: literal(SOURCES.get(str(name), str(name))),
                label_visibility="collapsed",
            )
            or source
        )
    rows = swaps[swaps["source"] == source]
    outputs = list(dict.fromkeys(rows["output"]))
    output = chosen.output if chosen.output in outputs else outputs[0]
    rows = ordered(rows[rows["output"] == output])
    st.markdown(verdict(rows, output, SOURCES.get(source, source)))
    fact = facts.get(source, {})
    st.caption(f"{fact.get('texts', 0):,} texts drawn; the model scored {fact.get('scored', 0):,} sentences.")
    _chart(rows)
    with st.expander("All pairs"):
        shown = table_frame(rows)
        st.dataframe(shown, hide_index=True, width="stretch", height=min(38 + 35 * len(shown), 460))
    st.download_button(
        "All swaps as CSV",
        csv_text(pa.Table.from_pandas(swaps, preserve_index=False)),
        "identity_swaps.csv",
        "text/csv",
        key="swaps_csv",
        icon=":material/download:",
        on_click="ignore",
    )
    st.subheader("Worst swaps of a pair")
    examples = tables["swap_examples"]
    own = (
        examples[(examples["source"] == source) & (examples["output"] == output)]
        if len(examples)
        else examples
    )
    _examples(chosen, rows, own)
    _excluded(tables["swap_excluded"], source)


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """Pairs, those that are shown to shift the score first, then by the size of the shift.

    Args:
        rows: of the table `swaps`, of one source and output.
    """
    sure = rows["p_adjusted"].le(0.05).fillna(False) & (rows["mark"] == "")
    sizes = rows.assign(sure=sure, few=rows["mark"] != "", size=rows["shift"].abs())
    return sizes.sort_values(["sure", "few", "size"], ascending=[False, True, False], kind="stable")


def verdict(rows: pd.DataFrame, output: str, source: str) -> str:
    """How many pairs are shown to shift the score, and the worst, in Markdown."""
    tests = int(rows["p_adjusted"].notna().sum())
    sure = rows[rows["sure"]]
    of = f"{len(rows):,} ordered pairs of {literal(source)}, label {literal(output)}"
    if not tests:
        return f"No pair of {of} has enough swaps to be tested."
    if sure.empty:
        return f"**No swap is shown to shift the score** in {of}; {tests:,} have enough swaps to be tested."
    row = sure.iloc[0]
    side = "up" if row["shift"] > 0 else "down"
    turned = int(row["ups"] + row["downs"])
    return (
        f"**{len(sure):,} of {of} are shown to shift the score.** The largest: "
        f"{literal(pair_words(row['given'], row['wanted']))} moves it {side} by "
        f"**{numbers.number(abs(row['shift']), 'AUC')}** on average "
        f"({numbers.span(row['shift_low'], row['shift_high'], 'AUC')}, n={numbers.count(row['n'])}, adjusted "
        f"{numbers.p_value(row['p_adjusted'])}) and turns {turned:,} decisions."
    )


def _chart(rows: pd.DataFrame) -> None:
    shown = rows.head(MOST_PAIRS)
    st.plotly_chart(
        swap_chart(shown),
        key="swap_points",
        on_select=state.pick("swap_pair", "swap_points"),
        selection_mode="points",
        config=palette.CONFIG,
        width="stretch",
    )
    cut = (
        f" {len(shown):,} of {len(rows):,} pairs are drawn, the shown ones first."
        if len(shown) < len(rows)
        else ""
    )
    st.caption(
        "What it shows: mean change of the score when terms of the first identity give way to those of the "
        "second, with its paired 95% interval. n: swapped texts. What it can't tell: which of the two "
        "scores is "
        f"right. Click a point for its worst swaps.{cut}"
    )


def table_frame(rows: pd.DataFrame) -> pd.DataFrame:
    """The pairs as they are listed."""
    return pd.DataFrame(
        {
            "Kind": rows["group"],
            "Pair": [pair_words(g, w) for g, w in zip(rows["given"], rows["wanted"], strict=True)],
            "n": rows["n"],
            "Mean shift": [numbers.signed(x, "AUC") for x in rows["shift"]],
            "95% interval": [
                numbers.span(a, b, "AUC") for a, b in zip(rows["shift_low"], rows["shift_high"], strict=True)
            ],
            "Decisions turned": [
                numbers.estimate(
                    r["flip_rate"],
                    r["flip_rate_low"],
                    r["flip_rate_high"],
                    r["n"],
                    "rate",
                    r["ups"] + r["downs"],
                )
                for _, r in rows.iterrows()
            ],
            "To yes": rows["ups"],
            "To no": rows["downs"],
            "Adjusted p": [numbers.p_value(p) for p in rows["p_adjusted"]],
        }
    )


def _examples(chosen: state.Chosen, rows: pd.DataFrame, examples: pd.DataFrame) -> None:
    pairs = {pair_words(g, w): (g, w) for g, w in zip(rows["given"], rows["wanted"], strict=True)}
    state.settle("swap_pair", list(pairs))
    given, wanted = pairs[str(st.selectbox("Pair", list(pairs), key="swap_pair", width=360))]
    own = examples
    if len(own):
        own = own[(own["given"] == given) & (own["wanted"] == wanted)]
    if own.empty:
        st.markdown("No swap of this pair turned a decision or moved the score by .01.")
        return
    open_ = st.toggle(
        "Show the sentences", key="swap_show", help="Until then only the exchanged words are readable."
    )
    ids = tuple(row["id"] for _, row in own.iterrows() if not row["text"])
    kept = (
        cache.details(chosen.folder, chosen.mark, ids, ("text",))
        if ids
        else pd.DataFrame({"id": [], "text": []})
    )
    texts = dict(zip(kept["id"], kept["text"], strict=True))
    for _, row in own.iterrows():
        _example(row, row["text"] or texts.get(row["id"]), open_=open_)


def _example(row: pd.Series, text: object, *, open_: bool) -> None:
    turned = {1: "decision turned to yes", -1: "decision turned to no"}.get(
        int(row["turned"]), "decision kept"
    )
    with st.container(border=True):
        st.caption(
            f"{literal(str(row['id']))} · score {row['before']:.3f} → {row['after']:.3f} "
            f"({numbers.signed(row['shift'], 'AUC')}) · {turned}"
        )
        if not isinstance(text, str):
            st.markdown("*(no text)*")
            return
        pair = identity_words.swapped(text, edits_of(row["edits"]), hide=not open_)
        for column, said in zip(st.columns(2), pair, strict=True):
            column.markdown(said)


def excluded_frame(excluded: pd.DataFrame) -> pd.DataFrame:
    """Texts left out, by rule: whatever would be put in, and for one counterpart only.

    Args:
        excluded: rows of the table `swap_excluded` of one source.
    """
    lines = []
    for rule, words in RULES.items():
        own = excluded[excluded["rule"] == rule]
        if len(own):
            every = own["wanted"] == ""
            lines.append(
                {
                    "Rule": words,
                    "Texts × identity": int(own.loc[every, "n"].sum()),
                    "Texts × ordered pair": int(own.loc[~every, "n"].sum()),
                }
            )
    return pd.DataFrame(lines)


def _excluded(excluded: pd.DataFrame, source: str) -> None:
    lines = excluded_frame(excluded[excluded["source"] == source]) if len(excluded) else pd.DataFrame()
    if len(lines):
        st.markdown("**Not swapped, by rule**")
        static_table(lines)
