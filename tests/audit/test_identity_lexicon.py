"""The lexicon that ships, and the user's own: what is allowed, and where a mistake is said to be."""

import gzip

import pytest

from audit.errors import InputError
from audit.identity_terms.finder import find_terms
from audit.identity_terms.lexicon import FORMS, PHRASE, SLUR, USES, built_in, lexicon_of, read_lexicon
from audit.inputs.spec_file import read_spec
from audit.spec import IdentitySpec

GROUPS = {"gender", "orientation", "religion", "ethnicity", "nationality", "disability", "age"}
DIXON = (
    "lesbian|gay|bisexual|transgender|trans|queer|lgbt|lgbtq|homosexual|straight|heterosexual|male|female|"
    "nonbinary|african|african american|black|white|european|hispanic|latino|latina|latinx|mexican|canadian|"
    "american|asian|indian|middle eastern|chinese|japanese|christian|muslim|jewish|buddhist|catholic|"
    "protestant|sikh|taoist|old|older|young|younger|teenage|middle aged|elderly|blind|deaf|paralyzed|"
    "millenial"  # codespell:ignore millenial
)
"""The terms of Dixon et al. 2018 (conversationai/unintended-ml-bias-analysis), as spelled there."""


def write(tmp_path, text, name="mine.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_what_ships_is_whole():
    lexicon = built_in()
    assert set(lexicon.groups.values()) == GROUPS
    assert tuple(lexicon.groups) == lexicon.identities
    for one in lexicon.terms:
        assert one.use in USES
        assert one.form in ("", *FORMS)
        assert one.words
        assert bool(one.identity) == (one.use != PHRASE)
        assert one.use == PHRASE or (one.source and one.licence == "Apache-2.0")
        assert not (one.use == SLUR and one.sense), "a slur is never swapped"


def test_published_terms_and_names_are_in_it():
    words = {one.words for one in built_in().terms}
    assert [term for term in DIXON.split("|") if tuple(term.split()) not in words] == []
    identities = set(built_in().identities)
    assert {"male", "female", "transgender", "heterosexual", "bisexual", "christian", "jewish"} <= identities
    assert {"muslim", "hindu", "buddhist", "atheist", "black", "white", "asian", "latino"} <= identities


def test_no_set_phrase_is_without_effect():
    """Each holds a term that would be found, or swapped, without it."""
    terms = {one.words for one in built_in().terms if one.use != PHRASE}
    for phrase in (one.words for one in built_in().terms if one.use == PHRASE):
        n = len(phrase)
        assert any(phrase[i:j] in terms for i in range(n) for j in range(i + 1, n + 1)), phrase


def test_no_set_phrase_is_an_identity_as_well():
    phrases = {one.words for one in built_in().terms if one.use == PHRASE}
    assert not phrases & {one.words for one in built_in().terms if one.use != PHRASE}


def test_own_terms_add_and_give_way(tmp_path):
    text = (
        "Identity, group ,TERM,use\nwelsh,nationality,Welsh,\nwelsh,nationality,Cymry,mention\n"
        "gay,orientation,homosexual,slur\n,,Welsh rarebit,phrase\n"
    )
    lexicon = read_lexicon(write(tmp_path, text))
    assert lexicon.groups["welsh"] == "nationality"
    assert lexicon.identities[-1] == "welsh"
    assert {one.use for one in lexicon.terms if one.words == ("homosexual",)} == {SLUR}
    found = find_terms(["Welsh people", "Welsh rarebit", "a homosexual", "a gay man"], lexicon)
    assert found[:, lexicon.identities.index("welsh")].tolist() == [True, False, False, False]
    assert found[:, lexicon.identities.index("gay")].tolist() == [False, False, False, True]


def test_own_terms_replace(tmp_path):
    text = "identity,group,term\nwelsh,nationality,Welsh\n"
    lexicon = read_lexicon(write(tmp_path, text), replace=True)
    assert lexicon.identities == ("welsh",)
    zipped = tmp_path / "mine.csv.gz"
    zipped.write_bytes(gzip.compress(text.encode()))
    assert read_lexicon(zipped, replace=True) == lexicon


def test_the_hash_tells_what_is_said_not_where(tmp_path):
    text = "identity,group,term\nwelsh,nationality,Welsh\n"
    one = read_lexicon(write(tmp_path, text)).sha256()
    assert read_lexicon(write(tmp_path, text, "other.csv")).sha256() == one
    assert read_lexicon(write(tmp_path, text + "cornish,nationality,Cornish\n")).sha256() != one
    assert built_in().sha256() != one


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.csv: the file is empty: it holds no header and no records."),
        ("identity,group,term\n", "mine.csv: the file has a header and no records."),
        (
            "identity,term\nx,y\n",
            "mine.csv, line 1: expected a column group, came identity, term. Add it.",
        ),
        (
            "identity,group,term,term\n",
            "mine.csv, line 1: expected one column term, came 2.",
        ),
        (
            'identity,group,term\n\n"x\ny",g,t\nx,g\n',
            "mine.csv, line 5: expected 3 fields as in the header, came 2. "
            "Quote fields that hold commas or line ends.",
        ),
        (
            "identity,group,term\n,g,t\n",
            "mine.csv, line 2, column identity: expected a name for 't', came nothing.",
        ),
        (
            "identity,group,term\nx,,t\n",
            "mine.csv, line 2, column group: expected a name for 't', came nothing.",
        ),
        (
            "identity,group,term\nx,g,a.b\n",
            "mine.csv, line 2, column term: expected words with blanks, hyphens or apostrophes between, "
            "came 'a.b'.",
        ),
        (
            "identity,group,term,use\nx,g,t,swop\n",
            "mine.csv, line 2, column use: expected one of mention, suite, swap, slur, phrase, came 'swop'.",
        ),
        (
            "identity,group,term,form\nx,g,t,verb\n",
            "mine.csv, line 2, column form: expected one of adjective, singular, plural, noun, title, "
            "subject, object, possessive, possessive_pronoun, reflexive or nothing, came 'verb'.",
        ),
        (
            "identity,group,term,sense\nx,g,t,kind\n",
            "mine.csv, line 2, column form: expected a form beside a sense, came nothing. "
            "Give the form, or neither.",
        ),
        (
            "identity,group,term\ngay,religion,t\n",
            "mine.csv, line 2, column group: gay is in orientation already, came religion.",
        ),
        (
            "identity,group,term,use\nx,,t,phrase\n",
            "mine.csv, line 2, column identity: a set phrase names nobody, came 'x'. Leave it empty.",
        ),
        (
            'identity,group,term\nx,g,"t\n',
            "mine.csv, line 2: it is no CSV: unexpected end of data. Close every quote.",
        ),
    ],
)
def test_mistakes_are_placed(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        read_lexicon(write(tmp_path, text))
    assert str(caught.value) == message


def test_other_bytes_and_a_missing_file(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(b"identity,group,term\nx,g,\xe9t\xe9\n")
    with pytest.raises(InputError, match=r"^mine.csv, line 2: expected UTF-8, came other bytes. Save"):
        read_lexicon(path)
    path.write_bytes(b"\x1f\x8bnothing of the kind")
    with pytest.raises(InputError, match=r"^mine.csv: it can't be decompressed: "):
        read_lexicon(path)
    with pytest.raises(InputError, match=r"none.csv: it can't be read: No such file or directory"):
        read_lexicon(tmp_path / "none.csv")


def test_the_spec_names_the_lexicon(tmp_path):
    path = write(tmp_path, "identity,group,term\nwelsh,nationality,Welsh\n")
    (tmp_path / "audit.toml").write_text('[identity]\nlexicon = "mine.csv"\nlexicon_replaces = true')
    asked = read_spec(tmp_path / "audit.toml").identity
    assert lexicon_of(asked).identities == ("welsh",)
    assert lexicon_of(IdentitySpec()) == built_in()
    path.write_text("identity,group,term\nwelsh,nationality,Cymry\n")
    with pytest.raises(InputError, match=r"^mine.csv: it changed while the audit ran. Run the audit again.$"):
        lexicon_of(asked)
