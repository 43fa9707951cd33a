"""A text as words that can be hidden, and the texts in which they are.

Words are what `lime` calls words, runs of letters, digits and ``_``; a text without any (emoji, signs) is cut
at its spaces instead. Three ways of hiding: ``remove`` (lime's default: the word goes, all else stays),
``mask`` (a token in its place: lime's way of telling positions apart) and ``ellipsis`` (shap's: each run of
hidden words becomes " ...", spaces are tidied).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import compress
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.attribution.sampling import Masks

Hide = Literal["remove", "mask", "ellipsis"]
HIDES: tuple[Hide, ...] = ("remove", "mask", "ellipsis")
TOKEN = "UNKWORDZ"  # lime's
ELLIPSIS = "..."  # shap's, where a tokenizer has no mask token

_WORD, _SIGN, _SPACES = re.compile(r"\w+"), re.compile(r"\S+"), re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True)
class Words:
    """A text cut into words and what stands between them."""

    text: str
    spans: tuple[tuple[int, int], ...]
    """(P,) first character of each word and one past its last."""
    feature: NDArray[np.int64]
    """(P,) the feature that each word belongs to."""
    names: tuple[str, ...]
    """(F,) the word of each feature."""
    hide: Hide = "remove"
    token: str = TOKEN
    """What stands for a hidden word where `hide` is ``mask``."""

    @property
    def n(self) -> int:
        """Number of features."""
        return len(self.names)

    def texts(self, masks: Masks) -> list[str]:
        """The text as each mask leaves it.

        Args:
            masks: (n, F), true for a feature that is shown.
        """
        shown = masks[:, self.feature]  # (n, P)
        make = {"remove": self._removed, "mask": self._masked, "ellipsis": self._elided}[self.hide]
        return make(shown)

    def by_position(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """(F, ...) weights of features -> (P, ...) of words; each place of a word has its whole weight."""
        return weights[self.feature]

    def by_feature(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(P, ...) values of words -> (F, ...) sums over the places of each feature."""
        sums = np.zeros((self.n, *values.shape[1:]))
        np.add.at(sums, self.feature, values)
        return sums

    def _parts(self) -> tuple[list[str], NDArray[np.int64]]:
        """Words and separators in order, and the places of the words among them."""
        parts: list[str] = []
        places = np.empty(len(self.spans), dtype=np.int64)
        end = 0
        for i, (start, stop) in enumerate(self.spans):
            if start > end:
                parts.append(self.text[end:start])
            places[i] = len(parts)
            parts.append(self.text[start:stop])
            end = stop
        if end < len(self.text):
            parts.append(self.text[end:])
        return parts, places

    def _removed(self, shown: Masks) -> list[str]:
        parts, places = self._parts()
        keep = np.ones((len(shown), len(parts)), dtype=np.bool_)
        keep[:, places] = shown
        return ["".join(compress(parts, row)) for row in keep.tolist()]

    def _masked(self, shown: Masks) -> list[str]:
        parts, places = self._parts()
        keep = np.ones((len(shown), len(parts)), dtype=np.bool_)
        keep[:, places] = shown
        return [
            "".join([part if kept else self.token for part, kept in zip(parts, row, strict=True)])
            for row in keep.tolist()
        ]

    def _elided(self, shown: Masks) -> list[str]:
        edges = [start for start, _ in self.spans] + [self.spans[-1][1] if self.spans else 0]
        pieces = [self.text[a:b] for a, b in zip(edges, edges[1:], strict=False)]
        head, tail = self.text[: edges[0]], self.text[edges[-1] :]
        made = []
        for row in shown.tolist():
            out, hidden = [head], False
            for piece, kept in zip(pieces, row, strict=True):
                if kept:
                    out.append(piece)
                elif not hidden:
                    out.append(f" {ELLIPSIS}")
                hidden = not kept
            made.append(_SPACES.sub(" ", "".join([*out, tail])).strip())
        return made


def cut(text: str, *, positions: bool = True, hide: Hide = "remove", token: str = TOKEN) -> Words:
    """Cut a text into words.

    Args:
        text: any text; one without words has no features.
        positions: each place is a feature of its own; else equal words are one feature (lime's bag of words).
        hide: what becomes of hidden words.
        token: what stands for a hidden word where `hide` is ``mask``.
    """
    found = [match.span() for match in _WORD.finditer(text)]
    if not found:
        found = [match.span() for match in _SIGN.finditer(text)]
    words = [text[start:stop] for start, stop in found]
    if positions:
        feature, names = np.arange(len(words), dtype=np.int64), tuple(words)
    else:
        place: dict[str, int] = {}
        feature = np.array([place.setdefault(word, len(place)) for word in words], dtype=np.int64)
        names = tuple(place)
    return Words(text=text, spans=tuple(found), feature=feature, names=names, hide=hide, token=token)
