"""Suites: the three forms are read, rates equal statsmodels', and a wrong file is placed."""

import gzip

import numpy as np
import pandas as pd
import pytest
from identity_builders import WordModel, text_context
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from audit.core import Task, TaskKind
from audit.errors import InputError
from audit.identity_terms.finder import term_spans
from audit.identity_terms.lexicon import Lexicon, Term, built_in
from audit.identity_terms.scored import ScoringError, labels_of, score_texts
from audit.identity_terms.suite_results import NOBODY, chosen_label, suite_tables
from audit.identity_terms.suites import people, read_suite, shipped_suite
from audit.inputs.spec_file import read_spec

LEXICON = built_in()
HATECHECK = (
    ",functionality,case_id,test_case,label_gold,target_ident,direction\n"
    "0,derog_h,1,I hate women. ,hateful,women,general\n"
    "1,ident_nh,2,I am a Muslim.,non-hateful,Muslims,\n"
    "2,target_obj_nh,3,I hate Mondays.,non-hateful,,\n"
)
TEMPLATES = (
    'Text,Label,Template\n"murder american",BAD,verb_adj\n'
    '"Morgan is a fun african american",NOT_BAD,name_adj\n"You are a fun dancer",NOT_BAD,you_occupation\n'
)


def write(tmp_path, text, name="mine.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_hatechecks_form(tmp_path):
    suite = read_suite(write(tmp_path, HATECHECK), LEXICON)
    assert suite.name == "mine.csv"
    assert suite.ids == ("1", "2", "3")
    assert suite.texts == ("I hate women.", "I am a Muslim.", "I hate Mondays.")
    assert suite.gold == (True, False, False)
    assert suite.functionalities == ("derog_h", "ident_nh", "target_obj_nh")
    assert suite.targets == ("women", "Muslims", "")
    assert not suite.by_term


def test_templates_form_finds_whom_a_sentence_speaks_of(tmp_path):
    path = tmp_path / "madlibs.csv.gz"
    path.write_bytes(gzip.compress(TEMPLATES.encode()))
    suite = read_suite(path, LEXICON)
    assert suite.ids == ("line 2", "line 3", "line 4")
    assert suite.gold == (True, False, False)
    assert suite.functionalities == ("verb_adj", "name_adj", "you_occupation")
    assert suite.targets == ("american", "african american", "")
    assert suite.by_term


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("functionality,test_case,label_gold\n", "mine.csv: the file has a header and no records."),
        (
            "functionality,text\nx,y\n",
            "mine.csv, line 1: expected a column label_gold or label, came functionality, text. Add it.",
        ),
        (
            "functionality,text,label\nx,y,BAD\nx,y,worse\n",
            "mine.csv, line 3, column label_gold: expected one of hateful, toxic, bad, 1, true, yes, "
            "non-hateful, non-toxic, not_bad, 0, false, no, came 'worse'.",
        ),
        (
            "functionality,text,label\nx,,BAD\n",
            "mine.csv, line 2, column test_case: expected text, came nothing.",
        ),
    ],
)
def test_a_wrong_suite_is_placed(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        read_suite(write(tmp_path, text), LEXICON)
    assert str(caught.value) == message


def test_the_shipped_suite_says_the_same_of_everybody():
    suite = shipped_suite(LEXICON)
    table = pd.DataFrame({"f": suite.functionalities, "t": suite.targets, "gold": suite.gold})
    assert len(set(suite.ids)) == len(suite.ids)
    assert set(suite.targets) - {""} == set(LEXICON.identities)
    counts = table[table["t"] != ""].groupby(["f", "gold"])["t"].value_counts().unstack()
    assert (counts.nunique(axis=1) == 1).all()
    assert len(counts) == 12
    assert table.groupby("f")["gold"].nunique().eq(1).all()
    for text, target in zip(suite.texts, suite.targets, strict=True):
        assert "{" not in text
        named = {
            one.identity for span in term_spans(text, LEXICON) for one in span.terms if one.use != "swap"
        }
        assert target in named or not target
        assert target or not named
        assert text[0] == text[0].upper()


def test_the_shipped_suite_speaks_of_the_users_own_identities():
    own = Lexicon(
        terms=(
            Term(identity="welsh", group="nationality", term="Welsh", form="adjective", sense="kind"),
            Term(identity="vegan", group="diet", term="vegan"),
        )
    )
    assert people(own) == {"welsh": ("Welsh person", "Welsh people")}
    assert people(LEXICON)["male"] == ("man", "men")
    assert people(LEXICON)["immigrant"] == ("immigrant", "immigrants")
    assert set(shipped_suite(own).targets) == {"", "welsh"}


def judge(text):
    """Calls what names hate or Muslims toxic, by the letters a little more or less."""
    return 0.4 + 0.3 * ("hate" in text) + 0.15 * ("uslim" in text) + (len(text) % 7) / 100


@pytest.fixture
def results(tmp_path):
    rng = np.random.default_rng(1)
    verbs, whom = ["I hate", "I like", "We hate", "We know"], ["Muslims", "women", "gay people", ""]
    rows = []
    for i in range(240):
        verb, target = str(rng.choice(verbs)), str(rng.choice(whom))
        gold = "hateful" if verb == "I hate" else "non-hateful"
        functionality = "first" if verb.startswith("I") else "second"
        rows.append((functionality, f"c{i}", f"{verb} {target or 'rain'} {'a' * (i % 9)}", gold, target))
    frame = pd.DataFrame(
        rows, columns=["functionality", "case_id", "test_case", "label_gold", "target_ident"]
    )
    frame.to_csv(tmp_path / "mine.csv", index=False)
    (tmp_path / "audit.toml").write_text('[identity]\nsuites = ["mine.csv"]\nshipped_suite = false')
    asked = read_spec(tmp_path / "audit.toml").identity
    settings = {name: getattr(asked, name) for name in ("suites", "shipped_suite", "files", "root")}
    context = text_context(["unused"], WordModel(judge), tmp_path / "cache", threshold=0.52, **settings)
    return frame, suite_tables(context, LEXICON)


def test_rates_equal_pandas_and_statsmodels(results):
    frame, made = results
    frame["ok"] = (frame["test_case"].str.strip().map(judge) >= 0.52) == (frame["label_gold"] == "hateful")
    table = made.tables["suites"].to_pandas()
    assert set(table["output"]) == {"toxic"}
    assert not table.duplicated(["functionality", "target", "gold"]).any()
    for row in table.itertuples():
        cases = frame
        if row.functionality:
            cases = cases[cases["functionality"] == row.functionality]
        if row.target:
            cases = cases[cases["target_ident"] == ("" if row.target == NOBODY else row.target)]
        if row.gold != "both":
            cases = cases[(cases["label_gold"] == "hateful") == (row.gold == "yes")]
        assert (row.n, row.passed) == (len(cases), cases["ok"].sum())
        assert row.rate == pytest.approx(cases["ok"].mean())
        low, high = proportion_confint(row.passed, row.n, method="wilson")
        assert (row.low, row.high) == pytest.approx((low, high), abs=1e-12)
    margins = table[(table["functionality"] == "") & (table["target"] == "")]
    assert margins["gold"].tolist() == ["both", "yes", "no"]
    assert margins["n"].iloc[0] == len(frame)
    cells = table[(table["functionality"] != "") & (table["target"] != "") & (table["gold"] == "both")]
    assert cells["n"].sum() == len(frame)


def test_gaps_of_targets_equal_statsmodels(results):
    _, made = results
    table = made.tables["suites"].to_pandas()
    rows = table.dropna(subset="gap")
    assert set(rows["target"]) == {"Muslims", "women", "gay people"}
    assert len(rows) == 6
    for _, part in rows.groupby("gold"):
        for row in part.itertuples():
            others = part[part["target"] != row.target]
            e, n = others["passed"].sum(), others["n"].sum()
            low, high = confint_proportions_2indep(row.passed, row.n, e, n, method="newcomb", compare="diff")
            assert row.gap == pytest.approx(row.passed / row.n - e / n)
            assert (row.gap_low, row.gap_high) == pytest.approx((low, high), abs=1e-9)
            pooled = (row.passed + e) / (row.n + n)
            if min(row.n, n) * min(pooled, 1 - pooled) >= 5:
                z = row.gap / np.sqrt(pooled * (1 - pooled) * (1 / row.n + 1 / n))
                assert row.p == pytest.approx(2 * stats.norm.sf(abs(z)))
    tested = rows.dropna(subset="p")
    assert multipletests(tested["p"], method="fdr_bh")[1] == pytest.approx(tested["p_adjusted"])
    assert (tested["tests"] == len(tested)).all()
    worst = rows[rows["gold"] == "no"].sort_values("gap").iloc[0]
    assert worst["target"] == "Muslims"
    assert worst["p_adjusted"] < 0.001


def test_failures_are_kept_worst_first(results):
    frame, made = results
    kept = made.tables["suite_examples"].to_pandas()
    assert (kept.groupby(["functionality", "target", "gold"]).size() <= 2).all()
    for row in kept.itertuples():
        assert row.score == pytest.approx(judge(row.text))
        assert (row.score >= 0.52) != (row.gold == "yes")
    false_alarms = kept[kept["gold"] == "no"]
    assert false_alarms["score"].iloc[0] == false_alarms["score"].max()


def test_suites_without_a_model_or_its_label(tmp_path):
    made = suite_tables(text_context([], None, tmp_path), LEXICON)
    assert (made.tables, made.reason) == ({}, "No model, or no suite.")
    assert [one.name for one in made.suites] == ["shipped suite"]
    model = WordModel(judge)
    made = suite_tables(text_context([], model, tmp_path, suite_label="spam"), LEXICON)
    assert made.reason == (
        "The suites' labels speak of 'spam'; the model has toxic, insult. Name one in [identity] suite_label."
    )
    assert model.asked == []
    broken = suite_tables(text_context([], WordModel(lambda text: 1 / 0), tmp_path), LEXICON)
    assert broken.reason.startswith("The model failed: ")
    assert "ZeroDivisionError: division by zero" in broken.reason


def test_a_suite_of_one_target_has_the_same_columns(tmp_path, results):
    write(
        tmp_path, "functionality,text,label,target\nx,I hate rain,1,women\nx,I like rain,0,women\n", "one.csv"
    )
    context = text_context(
        [], WordModel(judge), tmp_path / "one", suites=("one.csv",), shipped_suite=False, root=str(tmp_path)
    )
    table = suite_tables(context, LEXICON).tables["suites"]
    assert table.schema == results[1].tables["suites"].schema
    assert table["gap"].null_count == len(table)


def test_the_label_is_chosen_by_its_name():
    assert chosen_label(("comments/toxic", "comments/insult"), "toxic") == "comments/toxic"
    assert chosen_label(("a/toxic", "toxic"), "toxic") == "toxic"
    assert chosen_label(("Toxic",), "toxic") == "Toxic"
    with pytest.raises(ScoringError, match="the model has a/toxic, b/toxic"):
        chosen_label(("a/toxic", "b/toxic"), "toxic")


class ThreeKinds:
    """A multilabel output, a yes/no output and one that is neither; decides the yes/no output itself."""

    payload = "text"
    tasks = {
        "comments": Task(kind=TaskKind.MULTILABEL, classes=("toxic", "insult")),
        "age": Task(kind=TaskKind.REGRESSION, unit="years"),
        "spam": Task(kind=TaskKind.BINARY, classes=("no", "yes")),
    }

    def predict(self, batch):
        length = np.array([len(text) for text in batch], float)
        return {"comments": np.stack([length / 10, length / 20], 1), "age": length, "spam": length / 10}

    def decide(self, scores):
        return {"spam": (scores["spam"] >= 0.9).astype(np.int8)}


def test_every_kind_of_yes_no_label_is_scored_and_decided(tmp_path):
    model = ThreeKinds()
    scored = score_texts(model, ["aaaaaaaa", "a", "aaaaaaaa"])
    assert scored.labels == labels_of(model.tasks) == ("comments/toxic", "comments/insult", "spam")
    assert scored.scores.tolist() == [[0.8, 0.4, 0.8], [0.1, 0.05, 0.1], [0.8, 0.4, 0.8]]
    assert scored.decisions.tolist() == [[True, False, False], [False] * 3, [True, False, False]]
    assert score_texts(model, []).scores.shape == (0, 3)
