"""Swaps: the grammar of the new text, the rules that leave texts out, and figures from other libraries."""

import json

import numpy as np
import pytest
from identity_builders import WordModel, text_context
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from audit.identity_terms.exchange import (
    IN_LINK,
    NAMES_BOTH,
    NO_COUNTERPART,
    NOT_DRAWN,
    RULES,
    SET_PHRASE,
    SLUR_IN_TEXT,
    applied,
    counterparts,
    exchange,
    read,
)
from audit.identity_terms.finder import find_terms, term_spans
from audit.identity_terms.lexicon import built_in
from audit.identity_terms.swap_tables import edits_of
from audit.identity_terms.swapping import suite_swap_tables, swap_tables
from audit.identity_terms.swaps import IN_SUITES, IN_TEXTS, draw

LEXICON = built_in()


def swapped(text, given, wanted, uses=IN_TEXTS):
    edits = exchange(read(text, LEXICON, uses), given, wanted, LEXICON, uses)
    return edits if isinstance(edits, str) else applied(text, edits)


@pytest.mark.parametrize(
    ("text", "given", "wanted", "expected"),
    [
        ("He lost his dog, and himself.", "male", "female", "She lost her dog, and herself."),
        ("I saw him. The dog is his.", "male", "female", "I saw her. The dog is hers."),
        ("I know her and her dog; it is hers", "female", "male", "I know him and his dog; it is his"),
        ("They told her that HER car left", "female", "male", "They told him that HIS car left"),
        ("Women and girls", "female", "male", "Men and boys"),
        ("WOMEN", "female", "male", "MEN"),
        ("an Asian woman", "asian", "black", "a black woman"),
        ("A black woman. An   Asian", "black", "white", "A white woman. An   Asian"),
        ("a black man, BLACK men", "black", "asian", "an Asian man, ASIAN men"),
        ("Asian men. Asian women", "asian", "black", "Black men. Black women"),
        ("He is a Muslim.", "muslim", "jewish", "He is a Jew."),
        ("He is Muslim, a Muslim man", "muslim", "jewish", "He is Jewish, a Jewish man"),
        ("a devout Muslim who prays", "muslim", "jewish", "a devout Jew who prays"),
        ("muslims and islam", "muslim", "jewish", "jews and judaism"),
        ("an atheist", "atheist", "christian", "a Christian"),
        ("A Muslim said", "muslim", "atheist", "An atheist said"),
        ("a German town", "german", "european", "a European town"),
        ("Gays’ rights", "gay", "lesbian", "Lesbians’ rights"),
        ("African-American voters", "black", "white", "White voters"),
        ("café with a gay, ｇａｙ man", "gay", "bisexual", "café with a bisexual, bisexual man"),
    ],
)
def test_the_new_text_reads_as_if_written(text, given, wanted, expected):
    assert swapped(text, given, wanted) == expected


@pytest.mark.parametrize(
    ("text", "given", "wanted", "rule"),
    [
        ("a man and a woman", "male", "female", NAMES_BOTH),
        ("she knows a man", "male", "female", NAMES_BOTH),
        ("the gay man is a faggot", "gay", "lesbian", SLUR_IN_TEXT),
        ("a Muslim, you bitch", "muslim", "jewish", SLUR_IN_TEXT),
        ("a white man in the White House", "white", "black", SET_PHRASE),
        ("a white man in the White House", "male", "female", None),
        ("he is a son of a bitch", "male", "female", SET_PHRASE),
        ("see http://gay.org/x, gay men", "gay", "lesbian", IN_LINK),
        ("see www.muslim.example", "muslim", "jewish", IN_LINK),
        ("straight people", "heterosexual", "gay", NO_COUNTERPART),
        ("he is transgender", "male", "nonbinary", NO_COUNTERPART),
    ],
)
def test_rules_that_leave_a_text_out(text, given, wanted, rule):
    assert rule is None or rule in RULES
    assert (swapped(text, given, wanted) == rule) is (rule is not None)


def test_old_and_straight_are_swapped_in_suites_alone():
    assert swapped("you are straight", "heterosexual", "gay", IN_SUITES) == "you are gay"
    assert swapped("old and kind", "old", "young", IN_SUITES) == "young and kind"
    assert "old" not in read("old and kind", LEXICON, IN_TEXTS).named


def test_pairs_have_a_form_in_common_and_one_group():
    for group in set(LEXICON.groups.values()):
        pairs = counterparts(LEXICON, group)
        assert {(b, a) for a, b in pairs} == set(pairs)
        assert all(LEXICON.groups[a] == group == LEXICON.groups[b] for a, b in pairs)
    assert ("male", "female") in counterparts(LEXICON, "gender")


def test_every_swap_names_the_other_identity_and_no_longer_the_first():
    """Over all pairs of all groups, in plain sentences of each form."""
    count = 0
    wanted_by = {}
    for group in set(LEXICON.groups.values()):
        for given, wanted in counterparts(LEXICON, group):
            wanted_by.setdefault(given, []).append(wanted)
    for one in LEXICON.terms:
        if not one.sense or one.use not in IN_TEXTS:
            continue
        text = f"We met {one.term} there."
        for wanted in wanted_by[one.identity]:
            made = swapped(text, one.identity, wanted)
            if made == NO_COUNTERPART:
                continue
            named = {term.identity for span in term_spans(made, LEXICON) for term in span.terms}
            assert wanted in named, (text, made)
            assert one.identity not in named, (text, made)
            count += 1
    assert count > 2000


def test_the_draw_is_seeded_and_each_identity_draws_by_itself():
    texts = ["a gay man", "a Muslim", "nobody", "gay pride", "a gay Muslim", "a Sikh"]
    named = find_terms(texts, LEXICON, IN_TEXTS)
    drawn = draw(named, LEXICON, 2, seed=3)
    assert set(drawn) == {"gay", "male", "muslim", "sikh"}
    assert len(drawn["gay"]) == 2
    assert set(drawn["gay"]) <= {0, 3, 4}
    assert drawn["muslim"].tolist() == [1, 4]
    rest = named.copy()
    rest[:, LEXICON.identities.index("gay")] = False
    assert draw(rest, LEXICON, 2, seed=3)["muslim"].tolist() == [1, 4]
    many = np.repeat(named[:1], 1000, axis=0)
    assert draw(many, LEXICON, 5, 0)["gay"].tolist() != draw(many, LEXICON, 5, 1)["gay"].tolist()


def noisy(text):
    """More toxic when it names Muslims, much more when also a number ends in 7; noise by the text."""
    base = (sum(map(ord, text)) % 97) / 400
    return base + 0.3 * ("uslim" in text) + 0.2 * ("uslim" in text and "7" in text)


@pytest.fixture
def muslims_and_jews(tmp_path):
    texts = [f"Number {i}: a Muslim man is here" for i in range(40)]
    texts += [f"Number {i}: a Jewish man is here" for i in range(50)] + ["nobody", None]
    model = WordModel(noisy)
    return texts, model, text_context(texts, model, tmp_path, threshold=0.45, swap_texts=30)


def test_effects_equal_scipy_and_statsmodels(muslims_and_jews):
    texts, model, context = muslims_and_jews
    made = swap_tables(context, LEXICON)
    table = made.tables["swaps"].to_pandas().set_index(["output", "given", "wanted"])
    effects = made.effects
    for (output, given, wanted), row in table.iterrows():
        p, k = effects.pairs.index((given, wanted)), effects.labels.index(output)
        before, after = effects.before[effects.of == p, k], effects.after[effects.of == p, k]
        if (given, wanted) in (("muslim", "jewish"), ("jewish", "muslim")):
            assert len(before) == row["n"] == 30
            test = stats.ttest_rel(after, before)
            interval = test.confidence_interval(0.95)
            assert row["shift"] == pytest.approx((after - before).mean(), abs=1e-12)
            assert (row["shift_low"], row["shift_high"]) == pytest.approx(tuple(interval), abs=1e-12)
            assert row["p_shift"] == pytest.approx(test.pvalue, rel=1e-8)
            threshold = 0.45 if output == "toxic" else 0.5
            ups = int(((after >= threshold) & (before < threshold)).sum())
            downs = int(((after < threshold) & (before >= threshold)).sum())
            assert (row["ups"], row["downs"]) == (ups, downs)
            for name, count in (("up", ups), ("down", downs), ("flip", ups + downs)):
                low, high = proportion_confint(count, 30, method="wilson")
                assert row[f"{name}_rate"] == count / 30
                assert (row[f"{name}_rate_low"], row[f"{name}_rate_high"]) == pytest.approx((low, high))
            exact = mcnemar([[0, ups], [downs, 0]], exact=True).pvalue
            assert row["p_flips"] == pytest.approx(min(exact, 1))
    tested = table.dropna(subset="p_shift")
    assert len(tested) == tested["tests"].iloc[0]
    assert multipletests(tested["p_shift"], method="fdr_bh")[1] == pytest.approx(tested["p_adjusted"])
    there, back = table.loc["toxic", "muslim", "jewish"], table.loc["toxic", "jewish", "muslim"]
    assert there["shift"] < -0.2 < 0.2 < back["shift"]
    assert there["asymmetry"] == pytest.approx(there["shift"] + back["shift"])
    assert there["asymmetry"] == back["asymmetry"]


def test_a_model_that_ignores_identities_shows_exactly_nothing(tmp_path):
    texts = [f"{i}: a Muslim and a black man" for i in range(30)]
    context = text_context(texts, WordModel(lambda text: int(text.split(":")[0]) / 30), tmp_path)
    table = swap_tables(context, LEXICON).tables["swaps"].to_pandas()
    assert len(table) > 20
    assert (table[["shift", "shift_low", "shift_high", "flip_rate", "ups", "downs"]] == 0).all(axis=None)
    assert (table["p_shift"] == 1).all()
    assert "swap_examples" not in swap_tables(context, LEXICON).tables


def test_rows_of_one_author_count_together(tmp_path):
    texts = [f"Number {i}: a Muslim man" for i in range(30)]
    alone = swap_tables(text_context(texts, WordModel(noisy), tmp_path / "a"), LEXICON).effects
    clusters = [i // 10 for i in range(30)]
    joined = swap_tables(text_context(texts, WordModel(noisy), tmp_path / "b", clusters), LEXICON).effects
    p = joined.pairs.index(("muslim", "jewish"))
    means = (joined.after - joined.before)[joined.of == p, 0].reshape(3, 10).mean(axis=1)
    assert joined.shift.value[p, 0] == pytest.approx(alone.shift.value[p, 0])
    half = stats.t.ppf(0.975, 2) * means.std(ddof=1) / np.sqrt(3)
    assert joined.shift.high[p, 0] - joined.shift.value[p, 0] == pytest.approx(half)


def test_every_text_is_scored_once_and_every_named_text_is_accounted_for(muslims_and_jews):
    texts, model, context = muslims_and_jews
    made = swap_tables(context, LEXICON)
    assert len(model.asked) == len(set(model.asked)) == made.scored
    swaps, excluded = (made.tables[name].to_pandas() for name in ("swaps", "swap_excluded"))
    assert set(excluded["rule"]) <= set(RULES)
    swaps = swaps[swaps["output"] == "toxic"]
    for identity, total in (("muslim", 40), ("jewish", 50)):
        own = excluded[(excluded["given"] == identity)]
        general = own[own["wanted"] == ""]["n"].sum()
        assert own[own["rule"] == NOT_DRAWN]["n"].tolist() == [total - 30]
        for wanted in ("christian", "sikh"):
            pair = swaps[(swaps["given"] == identity) & (swaps["wanted"] == wanted)]["n"].sum()
            left = own[own["wanted"] == wanted]["n"].sum()
            assert general + pair + left == total


def test_examples_can_be_rebuilt_from_their_edits(muslims_and_jews):
    texts, model, context = muslims_and_jews
    table = swap_tables(context, LEXICON).tables["swap_examples"].to_pandas()
    assert (table.groupby(["output", "given", "wanted"]).size() <= 3).all()
    for row in table[table["output"] == "toxic"].itertuples():
        text = texts[int(row.id[1:])]
        assert noisy(text) == pytest.approx(row.before)
        assert noisy(applied(text, edits_of(row.edits))) == pytest.approx(row.after)
        assert json.loads(row.edits)[0][2:] == [row.term, row.becomes]
    pair = table[(table["output"] == "toxic") & (table["given"] == "muslim") & (table["wanted"] == "jewish")]
    assert pair["turned"].tolist() == [-1, -1, -1], "flips come first"


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (lambda text: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda text: float("nan"), "model, output 'toxic': "),
    ],
)
def test_a_model_that_fails_gives_a_reason(tmp_path, score, reason):
    made = swap_tables(text_context(["a Muslim", "a Jew"], WordModel(score), tmp_path), LEXICON)
    assert made.effects is None
    assert made.reason.startswith("The model failed: ")
    assert reason in made.reason
    assert "swaps" not in made.tables


def test_nothing_to_swap_says_so(tmp_path):
    made = swap_tables(text_context(["nobody", None, ""], WordModel(noisy), tmp_path), LEXICON)
    assert (made.tables, made.effects, made.texts) == ({}, None, 0)
    assert made.reason == "No text could be swapped."
    none = swap_tables(text_context(["a Muslim"], None, tmp_path), LEXICON)
    assert none.reason == "No model, no texts, or swap_texts = 0."
    assert swap_tables(text_context(["a Jew"], WordModel(noisy), tmp_path, swap_texts=0), LEXICON).reason


def test_sentences_of_a_suite_are_swapped_and_quoted(tmp_path):
    texts = [f"Number {i}: old people, an old man" for i in range(4)] + ["you are straight"]
    context = text_context(["unused"], WordModel(lambda text: 0.6 * ("young" in text)), tmp_path)
    made = suite_swap_tables(context, LEXICON, "mine.csv", [f"c{i}" for i in range(5)], texts)
    row = (
        made.tables["swaps"].to_pandas().set_index(["output", "given", "wanted"]).loc["toxic", "old", "young"]
    )
    assert (row["source"], row["n"], row["ups"], row["shift"]) == ("mine.csv", 4, 4, pytest.approx(0.6))
    assert row["mark"] == "small"
    assert np.isnan(row["p_shift"])
    kept = made.tables["swap_examples"].to_pylist()
    assert kept[0]["text"] in texts
