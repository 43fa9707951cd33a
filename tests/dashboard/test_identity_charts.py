"""Charts and marked texts of identity terms: every number drawn is a stored one."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from identity_pages import (
    DECLARED,
    FEW,
    FEW_TEXTS,
    FOUND,
    HARMED,
    HOSTILE,
    MODEL,
    SLUR,
    identity_run,
)

from audit import wording
from audit.identity_terms.exchange import Edit, applied
from audit.identity_terms.lexicon import built_in
from audit.store.read import open_run
from dashboard import state
from dashboard.charts import identity_errors, identity_forest, identity_heat
from dashboard.panels import identity_members, identity_summary, identity_swaps, identity_words


def plain(said: str) -> str:
    """Markdown without the signs that keep text literal."""
    return re.sub(r"\\(.)", r"\1", said)


def table(model: str, name: str) -> pd.DataFrame:
    section = next(s for s in open_run(identity_run(model)).sections if s.probe == "identity_terms")
    return section.tables[name].to_pandas()


@pytest.mark.parametrize("metric", list(wording.IDENTITY_HARMS))
def test_cells_of_the_map_are_the_stored_differences(metric: str) -> None:
    cells = table(FOUND, "cells")
    own = identity_heat.with_harm(cells[cells["metric"] == metric], 30)
    drawn = identity_heat.arrange(own, every=True)
    figure = identity_heat.heat_chart(own, drawn, {}, (HARMED, "toxic"), 0.05)
    shown = {
        tuple(p): t for trace in figure.data[1:] for p, t in zip(trace.customdata, trace.text, strict=True)
    }
    assert len(shown) == len(own)
    scale, digits = (100, 1) if own["unit"].iloc[0] == "rate" else (1, 3)
    for _, row in own.iterrows():
        said = shown[row["identity"], row["output"]]
        if pd.isna(row["difference"]):
            assert said == "╱"
            continue
        assert ("◆" in said) == bool(row["level"])
        number = float(said.replace("◆", "").replace("−", "-"))
        assert number == pytest.approx(scale * row["difference"], abs=0.51 * 10**-digits)


def test_colour_is_on_the_harmful_side_for_lower_aucs_and_for_higher_rates() -> None:
    harm = identity_heat.with_harm(table(DECLARED, "cells"), 30).set_index(["metric", "identity"])["harm"]
    for metric in ("bpsn_auc", "fpr", "negative_aeg"):  # harmless texts of the first identity are overrated
        assert harm[metric, HOSTILE] > 0


def test_the_map_puts_the_harmed_first_and_hides_those_with_few_texts() -> None:
    cells = table(FOUND, "cells")
    own = identity_heat.with_harm(cells[cells["metric"] == "bpsn_auc"], 30)
    few = identity_heat.arrange(own, every=False)
    assert few.kinds[0][1][0] == HARMED
    assert FEW not in few.identities
    assert few.hidden == 1
    every = identity_heat.arrange(own, every=True)
    assert FEW in every.identities
    assert not own[own["identity"] == FEW]["enough"].any()


def test_a_cell_with_few_texts_has_a_number_and_no_colour() -> None:
    cells = table(FOUND, "cells")
    own = identity_heat.with_harm(cells[cells["metric"] == "fpr"], 30)
    drawn = identity_heat.arrange(own, every=True)
    figure = identity_heat.heat_chart(own, drawn, {FEW: FEW_TEXTS}, ("", ""), 0.05)
    heat = figure.data[0]
    row = next(i for i, name in enumerate(heat.y) if name.startswith(FEW))
    assert list(heat.z[row]) == [None, None]
    assert not figure.layout.shapes


def test_a_slur_in_a_harmless_text_is_masked_until_asked_for() -> None:
    lexicon = built_in()
    said = f"Then a {SLUR} sang of christians."
    marks = identity_words.terms_of(said, lexicon, "christian")
    assert plain(identity_words.markdown(said, marks, hide=False, slurs=False)) == (
        f"Then a {'•' * len(SLUR)} sang of **:orange-background[christians]**."
    )
    assert SLUR in identity_words.markdown(said, marks, hide=False, slurs=True)
    hidden = plain(identity_words.markdown(said, marks, hide=True, slurs=False))
    assert hidden == f"•••• • {'•' * len(SLUR)} •••• •• **:orange-background[christians]**."


def test_a_long_text_is_cut_and_says_so() -> None:
    said = "word " * 400
    shown = identity_words.markdown(said, [], hide=False, slurs=True)
    assert shown.endswith(f"*… and {len(said) - identity_words.MOST:,} more characters*")


def test_a_swap_is_shown_as_the_model_read_it() -> None:
    said = "He is a *muslim*, not an atheist."
    edits = (Edit(9, 15, "muslim", "christian"), Edit(21, 23, "an", "a"), Edit(24, 31, "atheist", "hindu"))
    before, after = (
        plain(one).replace("**:orange-background[", "").replace("]**", "")
        for one in identity_words.swapped(said, edits, hide=False)
    )
    assert before == said
    assert after == applied(said, edits)


def test_an_edit_far_into_a_text_is_shown_with_what_is_beside_it() -> None:
    said = "x" * 1000 + " muslim " + "y" * 1000
    before, after = identity_words.swapped(said, (Edit(1001, 1007, "muslim", "sikh"),), hide=True)
    assert before.startswith("… ")
    assert "[muslim]" in before
    assert "[sikh]" in after
    assert "more characters" in after


def test_texts_that_were_not_swapped_are_counted_by_rule() -> None:
    excluded = table(MODEL, "swap_excluded").query("source == 'texts'")
    shown = identity_swaps.excluded_frame(excluded)
    every = shown[["Texts × identity", "Texts × ordered pair"]].to_numpy().sum()
    assert every == excluded["n"].sum() > 0


def test_power_means_and_sums_are_those_of_the_run() -> None:
    summary = table(DECLARED, "summary")
    means = identity_summary.means_frame(summary).iloc[0]
    stored = summary.set_index("metric")
    assert means["BPSN AUC"].startswith(f"{stored.loc['power_mean_bpsn_auc', 'value']:.3f} (")
    assert means["BPSN AUC"].endswith(f"; {stored.loc['power_mean_bpsn_auc', 'expected']:.3f}")
    assert means["Counted"].endswith("of 2")
    sums = identity_summary.sums_frame(summary).set_index("Sum")
    assert sums.loc["FPED", "Value"] == f"{stored.loc['fped', 'value']:.3f}"


def test_no_error_at_a_threshold_is_an_upper_bound() -> None:
    row = pd.Series({"fpr": 0.0, "fpr_low": 0.0, "fpr_high": 0.114, "n_neg": 30, "threshold": 0.5})
    assert identity_errors.tip_value(row, "fpr", "n_neg") == "0 of 30 (at most 11.4%)"


def test_forest_ticks_stand_where_no_bias_would_be() -> None:
    rows = table(FOUND, "cells").query("identity == @HARMED and metric == 'bpsn_auc'")
    figure = identity_forest.forest_chart(rows, "BPSN AUC", 30)
    ticks = next(trace for trace in figure.data if trace.name == "without bias")
    assert list(ticks.x) == pytest.approx(rows["expected"].tolist())


@pytest.mark.parametrize("name", [DECLARED, FOUND])
def test_members_of_every_identity_are_as_many_as_the_audit_counted(name: str) -> None:
    run = open_run(identity_run(name))
    chosen = state.Chosen(folder=str(identity_run(name)), mark=f"members-{name}", run=run, output="toxic")
    section = next(s for s in run.sections if s.probe == "identity_terms")
    for _, row in table(name, "terms").iterrows():
        ids = identity_members.ids_of(chosen, section, row["identity"])
        assert len(set(ids)) == row["rows"]
