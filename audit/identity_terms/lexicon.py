"""Identity terms and the words that a swap needs: read from a data file, the user's own adds or replaces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path

from audit.errors import InputError
from audit.identity_terms.csv_rows import Row, read_rows
from audit.identity_terms.folding import words_of
from audit.spec import IdentitySpec
from audit.store.hashes import hash_file

MENTION, SUITE, SWAP, SLUR, PHRASE = "mention", "suite", "swap", "slur", "phrase"
USES = {
    MENTION: "names the identity wherever it stands; counted, and swapped where it has counterparts",
    SUITE: "names the identity in a suite, where sentences are about people; too common elsewhere (old)",
    SWAP: "swapped along with others and never counted (he, mother)",
    SLUR: "a slur: never counted as a mention and never swapped; texts with it are not swapped; masked",
    PHRASE: "a set phrase that names nobody (White House): what it holds is not looked at, nor swapped",
}
"""What a term is for."""
FORMS = (
    "adjective",
    "singular",
    "plural",
    "noun",
    "title",
    "subject",
    "object",
    "possessive",
    "possessive_pronoun",
    "reflexive",
)
"""Grammatical forms; a term is swapped only for one of its own form. ``noun`` takes no article (Islam)."""
REQUIRED, OPTIONAL = ("identity", "group", "term"), ("form", "sense", "use", "source", "licence")


@dataclass(frozen=True, kw_only=True)
class Term:
    """One reading of one term; "Muslim" has two, an adjective and a singular noun."""

    identity: str
    """Empty for a set phrase."""
    group: str
    """gender, orientation, religion, ethnicity, nationality, disability, age, or the user's own."""
    term: str
    """As it is written in a sentence, capitals included."""
    form: str = ""
    sense: str = ""
    """Terms of one group, sense and form are counterparts (man, woman: adult); empty: it has none."""
    use: str = MENTION
    source: str = ""
    licence: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The term folded and cut into words, as it is looked up."""
        return words_of(self.term)


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """Terms in the order of their file: the first of an identity in a form is what others are swapped for."""

    terms: tuple[Term, ...]

    @cached_property
    def identities(self) -> tuple[str, ...]:
        """Every identity that has terms, in order of first appearance; columns of `finder.find_terms`."""
        return tuple(dict.fromkeys(one.identity for one in self.terms if one.identity))

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """Identity -> its group, in the order of `identities`."""
        found: dict[str, str] = {}
        for one in self.terms:
            if one.identity:
                found.setdefault(one.identity, one.group)
        return found

    def __hash__(self) -> int:
        """Computed once: a lexicon is the key of what was prepared from it."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.terms)

    def sha256(self) -> str:
        """Hash of what the terms say: equal lexicons find the same, whatever their file was called."""
        lines = ("\t".join((t.identity, t.group, t.term, t.form, t.sense, t.use)) for t in self.terms)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_lexicon(path: Path | None = None, replace: bool = False) -> Lexicon:
    """Read the lexicon that ships, the user's own, or both.

    Args:
        path: the user's CSV file with the columns identity, group, term and, if wanted, form, sense, use,
            source, licence; None: what ships.
        replace: the user's file alone; else it adds, and a row of ours with the same identity and term
            gives way to the rows of the file.

    Raises:
        InputError: the file can't be read, or a row is wrong; file, line and column are named.
    """
    if path is None:
        return built_in()
    own = _checked(read_rows(path, REQUIRED, OPTIONAL), {} if replace else built_in().groups)
    if not own:
        raise InputError(path.name, "the file has a header and no records.")
    if replace:
        return Lexicon(terms=own)
    given = {(one.identity, one.words) for one in own}
    kept = tuple(one for one in built_in().terms if (one.identity, one.words) not in given)
    return Lexicon(terms=kept + own)


def lexicon_of(asked: IdentitySpec) -> Lexicon:
    """The lexicon that a spec names.

    Raises:
        InputError: its file is wrong, or is not what it was when the spec was read.
    """
    return read_lexicon(named_file(asked, asked.lexicon) if asked.lexicon else None, asked.lexicon_replaces)


def named_file(asked: IdentitySpec, name: str) -> Path:
    """Path of a file that a spec names.

    Raises:
        InputError: it holds something else than when the spec was read, so the run would be misnamed.
    """
    path = Path(asked.root) / name
    if name in asked.files and (not path.is_file() or hash_file(path) != asked.files[name]):
        raise InputError(name, "it changed while the audit ran.", "Run the audit again.")
    return path


def built_in() -> Lexicon:
    """The terms that ship: `lexicon.csv` and the set phrases of `set_phrases.csv`."""
    folder = files("audit.identity_terms")
    with as_file(folder / "lexicon.csv") as path:
        terms = _checked(read_rows(path, REQUIRED, OPTIONAL), {})
    with as_file(folder / "set_phrases.csv") as path:
        phrases = read_rows(path, ("phrase",))
    named = (Term(identity="", group="", term=row.values["phrase"], use=PHRASE) for row in phrases)
    return Lexicon(terms=(*terms, *named))


def _checked(rows: Iterable[Row], groups: Mapping[str, str]) -> tuple[Term, ...]:
    """Rows as terms.

    Args:
        rows: of one file.
        groups: group of each identity that is known already.

    Raises:
        InputError: a field is not allowed, or an identity is put in two groups.
    """
    known = dict(groups)
    terms = {}
    for row in rows:
        one = _term(row)
        before = known.setdefault(one.identity, one.group) if one.identity else ""
        if before != one.group:
            raise row.wrong("group", f"{one.identity} is in {before} already, came {one.group}.")
        terms[one.identity, one.words, one.form, one.sense] = one
    return tuple(terms.values())


def _term(row: Row) -> Term:
    given = row.values
    use = given["use"] or MENTION
    if use not in USES:
        raise row.wrong("use", f"expected one of {', '.join(USES)}, came {use!r}.")
    if given["form"] and given["form"] not in FORMS:
        raise row.wrong("form", f"expected one of {', '.join(FORMS)} or nothing, came {given['form']!r}.")
    if given["sense"] and not given["form"]:
        raise row.wrong("form", "expected a form beside a sense, came nothing.", "Give the form, or neither.")
    if not words_of(given["term"]):
        raise row.wrong(
            "term", f"expected words with blanks, hyphens or apostrophes between, came {given['term']!r}."
        )
    named = [column for column in ("identity", "group") if given[column]]
    if use == PHRASE and named:
        raise row.wrong(named[0], f"a set phrase names nobody, came {given[named[0]]!r}.", "Leave it empty.")
    for column in () if use == PHRASE else ("identity", "group"):
        if not given[column]:
            raise row.wrong(column, f"expected a name for {given['term']!r}, came nothing.")
    return Term(**{**given, "use": use})
