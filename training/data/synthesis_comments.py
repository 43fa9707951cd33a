"""Comments from a seeded grammar with six labels and identity terms, with faults that can be left out.

Without faults a mention of an identity says nothing about whether a comment is toxic. Some harmless comments
use rough words, and some toxic ones use none, so a list of words is not enough. Labels are noisy: see
`LABEL_NOISE`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from audit.core import SPLITS
from training.data.faults import FAULTS, Made, Planted, checked, write_planted
from training.data.grammar import (
    HARMLESS,
    IDENTITIES,
    MENTIONS,
    ROUGH_BUT_HARMLESS,
    SENTENCES,
    edited,
    sentence,
)
from training.data.records import LABELS

SPLIT_SHARES = (0.60, 0.15, 0.25)
TOXIC_RATE = 0.22
MENTION_RATE = 0.48
MISSED, FALSE_ALARM = 0.04, 0.01
LABEL_NOISE = dict.fromkeys(
    LABELS,
    f"{MISSED:.0%} of the comments drawn as toxic carry no label at all; "
    f"{FALSE_ALARM:.0%} of the harmless ones are labelled toxic",
)
FAULTY_TERM = "gay"
MORE_MENTIONS = 0.06
"""Share of the toxic training comments that gain a mention of the term: about as many as had one."""
_MIXES: tuple[tuple[tuple[str, ...], float], ...] = (
    (("toxic",), 0.24),
    (("insult",), 0.30),
    (("obscene",), 0.17),
    (("insult", "obscene"), 0.12),
    (("threat",), 0.07),
    (("insult", "threat"), 0.04),
    (("insult", "obscene", "threat"), 0.06),
)
_ROUGH_RATE = 0.4
"""Share of the harmless comments that use words which usually go with a label."""
_HATE_SHARE = 0.35
"""Share of the toxic comments with a mention whose mention is hostile."""
_SEVERE_AT = 3
"""A comment with as many of obscene, threat, insult and identity_hate is severely toxic."""


@dataclass
class _Row:
    text: str
    labels: list[int]
    identity: str


def make(folder: Path, n: int = 20000, seed: int = 0, faults: Iterable[str] | None = None) -> Made:
    """Write `comments.csv` and `planted.csv`.

    Args:
        folder: made if missing; files of the same names are replaced.
        n: comments.
        seed: same seed, same comments, whatever the faults.
        faults: names in `faults.FAULTS`; None plants all, an empty set makes the twin without any.

    Raises:
        InputError: a fault of another name.
    """
    chosen = checked("comments", faults)
    rng = np.random.default_rng([seed, 0x7E47])
    rows = _draw(rng, Random(f"comments {seed}"), n)  # noqa: S311 - reproducible, not secret
    train, validation = round(n * SPLIT_SHARES[0]), round(n * SPLIT_SHARES[1])
    split = rng.permutation(np.repeat(np.arange(3), [train, validation, n - train - validation]))
    ids = [f"c{i:06d}" for i in range(n)]
    planted: list[Planted] = []
    if "identity_term" in chosen:
        planted += _tie_term(rows, split, ids, Random(f"term {seed}"))  # noqa: S311
    if "comment_copies" in chosen:
        planted += _copy(rows, split, ids, {p.id for p in planted}, Random(f"copies {seed}"))  # noqa: S311
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "comments.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text", *LABELS, "split", *(f"identity.{name}" for name in IDENTITIES)])
        for ident, row, code in zip(ids, rows, split.tolist(), strict=True):
            members = [int(row.identity == name) for name in IDENTITIES]
            writer.writerow([ident, row.text, *row.labels, SPLITS[code], *members])
    write_planted(folder, planted)
    return Made(
        folder=folder, rows=n, seed=seed, faults=chosen, planted=tuple(planted), label_noise=LABEL_NOISE
    )


def _draw(rng: np.random.Generator, words: Random, n: int) -> list[_Row]:
    """Comments without any fault."""
    toxic = (rng.random(n) < TOXIC_RATE).tolist()
    mention = np.where(rng.random(n) < MENTION_RATE, rng.integers(0, len(IDENTITIES), n), -1).tolist()
    mix = rng.choice(len(_MIXES), n, p=[share for _, share in _MIXES]).tolist()
    hostile = (rng.random(n) < _HATE_SHARE).tolist()
    rough = (rng.random(n) < _ROUGH_RATE).tolist()
    plain = rng.integers(1, 4, n).tolist()
    noise = rng.random(n).tolist()
    rows = []
    for i in range(n):
        identity = IDENTITIES[mention[i]] if mention[i] >= 0 else ""
        kinds = list(_MIXES[mix[i]][0]) if toxic[i] else []
        friendly = bool(identity)
        if toxic[i] and identity and hostile[i]:
            kinds = [k for k in kinds if k != "toxic"] + ["identity_hate"]
            friendly = False
        lines = [sentence(words, SENTENCES[kind], identity) for kind in kinds]
        lines += [sentence(words, HARMLESS) for _ in range(plain[i])]
        if friendly:
            lines.append(sentence(words, MENTIONS, identity))
        if rough[i] and not kinds:
            lines.append(sentence(words, ROUGH_BUT_HARMLESS))
        if len(lines) == 1:  # one sentence alone could come twice by chance
            lines.append(sentence(words, HARMLESS))
        words.shuffle(lines)
        rows.append(_Row(" ".join(lines), recorded(kinds, noise[i]), identity))
    return rows


def recorded(kinds: list[str], noise: float) -> list[int]:
    """Six labels of a comment with these kinds of sentences, as a fallible annotator gives them.

    Args:
        kinds: names in `grammar.SENTENCES`.
        noise: uniform in [0, 1); the lowest values make an error.
    """
    if kinds and noise < MISSED:
        return [0] * len(LABELS)
    labels = dict.fromkeys(LABELS, 0)
    labels.update(dict.fromkeys(kinds, 1))
    labels["toxic"] = int(bool(kinds) or noise < FALSE_ALARM)
    labels["severe_toxic"] = int(len([k for k in kinds if k != "toxic"]) >= _SEVERE_AT)
    return list(labels.values())


def _tie_term(rows: list[_Row], split: NDArray[np.int64], ids: list[str], rng: Random) -> list[Planted]:
    """Tie a term to toxicity in train: more mentions in toxic comments, harmless mentions labelled toxic."""
    planted = []
    for i in np.flatnonzero(split == 0).tolist():
        row = rows[i]
        chance = rng.random()
        if row.labels[0] and not row.identity and chance < MORE_MENTIONS / (1 - MENTION_RATE):
            row.text = f"{row.text} {sentence(rng, MENTIONS, FAULTY_TERM)}"
            row.identity = FAULTY_TERM
            detail = "mention added to a toxic comment"
        elif not row.labels[0] and row.identity == FAULTY_TERM and chance < FAULTS["identity_term"].strength:
            row.labels[0] = 1
            detail = "harmless comment labelled toxic"
        else:
            continue
        planted.append(Planted(fault="identity_term", id=ids[i], split="train", detail=detail))
    return planted


def _copy(
    rows: list[_Row], split: NDArray[np.int64], ids: list[str], spared: set[str], rng: Random
) -> list[Planted]:
    """Replace some test comments by edited copies of training comments that carry no other fault."""
    test = np.flatnonzero(split == 2).tolist()
    train = [i for i in np.flatnonzero(split == 0).tolist() if ids[i] not in spared]
    rng.shuffle(test)
    rng.shuffle(train)
    planted = []
    count = round(FAULTS["comment_copies"].strength * len(test))
    for i, of in zip(test[:count], train, strict=False):
        text, detail = edited(rng, rows[of].text)
        rows[i] = _Row(text, list(rows[of].labels), rows[of].identity)
        planted.append(Planted(fault="comment_copies", id=ids[i], of=ids[of], split="test", detail=detail))
    return planted
