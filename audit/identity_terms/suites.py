"""Suites: sentences with a known answer, by what they test and whom they speak of.

Three forms are read: HateCheck's (Röttger et al. 2021), sentence templates as Dixon et al. 2018 publish them,
and the suite that ships, whose templates are filled with the identities of the lexicon in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from audit.errors import InputError
from audit.identity_terms.csv_rows import Row, read_rows
from audit.identity_terms.finder import find_terms, term_spans
from audit.identity_terms.forms import with_article
from audit.identity_terms.lexicon import MENTION, PHRASE, SLUR, SUITE, Lexicon

SHIPPED = "shipped suite"
GOLD = {
    **dict.fromkeys(("hateful", "toxic", "bad", "1", "true", "yes"), True),
    **dict.fromkeys(("non-hateful", "non-toxic", "not_bad", "0", "false", "no"), False),
}
"""What a label may be called."""
REQUIRED = ("functionality|template", "test_case|text", "label_gold|label")
OPTIONAL = ("case_id|id", "target_ident|target")
NAMES = (MENTION, SUITE)
"""Terms that tell whom a sentence speaks of."""


@dataclass(frozen=True)
class Suite:
    """n cases."""

    name: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    gold: tuple[bool, ...]
    """(n,) true: the label is expected."""
    functionalities: tuple[str, ...]
    """(n,) what the case tests; a template's name."""
    targets: tuple[str, ...]
    """(n,) whom it speaks of, as the file says, else the term found; empty: nobody."""
    by_term: bool
    """The targets are terms that were found: the file names none."""


def read_suite(path: Path, lexicon: Lexicon, name: str = "") -> Suite:
    """Read a suite from a CSV file, plain or compressed with gzip.

    Args:
        path: the file. HateCheck's columns are functionality, test_case, label_gold, case_id and target_ident
            (hateful, non-hateful); templates have Text, Label (BAD, NOT_BAD) and Template.
        lexicon: finds whom a sentence speaks of, where the file has no target at all: the last term in it.
        name: of the suite; default: the file's.

    Raises:
        InputError: the file can't be read, or a row is wrong; file, line and column are named.
    """
    rows = read_rows(path, REQUIRED, OPTIONAL)
    if not rows:
        raise InputError(path.name, "the file has a header and no records.")
    gold = tuple(_gold(row) for row in rows)
    texts = tuple(_filled(row, "test_case") for row in rows)
    targets = tuple(row.values["target_ident"] for row in rows)
    by_term = not any(targets)
    return Suite(
        name=name or path.name,
        ids=tuple(row.values["case_id"] or f"line {row.line}" for row in rows),
        texts=texts,
        gold=gold,
        functionalities=tuple(_filled(row, "functionality") for row in rows),
        targets=tuple(_terms(texts, lexicon)) if by_term else targets,
        by_term=by_term,
    )


def shipped_suite(lexicon: Lexicon) -> Suite:
    """The suite that ships: each template with each identity that has the words for it."""
    with as_file(files("audit.identity_terms") / "suite.csv") as path:
        rows = read_rows(path, ("functionality", "label", "template"))
    cases: list[tuple[str, str, bool, str, str]] = []
    for row in rows:
        template, gold = row.values["template"], GOLD[row.values["label"]]
        about = people(lexicon) if "{" in template else {"": ("", "")}
        for identity, (person, plural) in about.items():
            case = f"{row.line}-{identity}" if identity else str(row.line)
            text = _written(template, person, plural)
            cases.append((case, text, gold, row.values["functionality"], identity))
    return Suite(
        name=SHIPPED,
        ids=tuple(case[0] for case in cases),
        texts=tuple(case[1] for case in cases),
        gold=tuple(case[2] for case in cases),
        functionalities=tuple(case[3] for case in cases),
        targets=tuple(case[4] for case in cases),
        by_term=False,
    )


def people(lexicon: Lexicon) -> dict[str, tuple[str, str]]:
    """How one person and several of an identity are called: ("gay person", "gay people"), ("man", "men").

    From the lexicon: the nouns of the senses `adult`, `migrant` or `person`, else the adjective of `kind`
    before person and people; identities with neither are absent.
    """
    first: dict[tuple[str, str, str], str] = {}
    for term in lexicon.terms:
        if term.identity and term.use not in (SLUR, PHRASE):
            first.setdefault((term.identity, term.sense, term.form), term.term)
    found = {}
    for identity in lexicon.identities:
        for sense in ("adult", "migrant", "person", "generation"):
            one, many = first.get((identity, sense, "singular")), first.get((identity, sense, "plural"))
            if one and many:
                found[identity] = (one, many)
                break
        else:
            adjective = first.get((identity, "kind", "adjective"))
            if adjective:
                found[identity] = (f"{adjective} person", f"{adjective} people")
    return found


def _written(template: str, person: str, plural: str) -> str:
    """A template with its places filled: {a person}, {person}, {people}, {People}."""
    return (
        template.replace("{a person}", with_article("a ", person) + person)
        .replace("{person}", person)
        .replace("{people}", plural)
        .replace("{People}", plural[:1].upper() + plural[1:])
    )


def _gold(row: Row) -> bool:
    given = row.values["label_gold"]
    if given.casefold() not in GOLD:
        raise row.wrong("label_gold", f"expected one of {', '.join(GOLD)}, came {given!r}.")
    return GOLD[given.casefold()]


def _filled(row: Row, column: str) -> str:
    if not row.values[column]:
        raise row.wrong(column, "expected text, came nothing.")
    return row.values[column]


def _terms(texts: Sequence[str], lexicon: Lexicon) -> Iterable[str]:
    """The last term that names somebody in each sentence, as the lexicon spells it in lower case."""
    any_term = np.any(find_terms(texts, lexicon, NAMES), axis=1)
    for text, named in zip(texts, any_term, strict=True):
        spans = [span for span in term_spans(text, lexicon) if span.uses & set(NAMES)] if named else []
        yield " ".join(spans[-1].terms[0].words) if spans else ""
