"""The compiled pass over the bytes of many texts that finds a lexicon's terms.

Each word is hashed as it is read and looked up once; only a word that begins a term leads any further. A word
that shares its hash with one of ours is told from it by its bytes, so nothing is found by chance.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from audit.identity_terms.folding import BREAK, GAP, plain

_IN_GAP, _IN_WORD = 1, 2
_OFFSET, _PRIME = np.uint32(2166136261), np.uint32(16777619)  # FNV-1a, 32 bits


class Automaton(NamedTuple):
    """Terms as the scan reads them.

    W words, N nodes (beginnings of terms; 0: nothing yet), T terms, S slots (a power of two).
    """

    letters: NDArray[np.uint8]  # the words' bytes, one after the other
    starts: NDArray[np.int64]  # (W + 1,) where each begins
    slots: NDArray[np.int32]  # (S,) word whose hash leads here, or -1; the next slot where it is taken
    moves: NDArray[np.int32]  # (N, W) node after one more word, or -1
    ends: NDArray[np.int32]  # (N,) the term that is complete here, or -1
    inner: NDArray[np.bool_]  # (N,) a longer term goes on from here
    lower: NDArray[np.uint8]  # (256,) a byte in lower case
    kinds: NDArray[np.uint8]  # (256,) 2 in a word, 1 in a gap, 0 between texts that are apart


def automaton(terms: list[tuple[str, ...]]) -> Automaton:
    """Prepare the scan.

    Args:
        terms: T distinct terms, each the folded words that it is made of.
    """
    words = list(dict.fromkeys(word for term in terms for word in term))
    number = {word: i for i, word in enumerate(words)}
    nodes: dict[tuple[str, ...], int] = {(): 0}
    for term in terms:
        for length in range(1, len(term) + 1):
            nodes.setdefault(term[:length], len(nodes))
    moves = np.full((len(nodes), max(len(words), 1)), -1, np.int32)
    for path, node in nodes.items():
        if path:
            moves[nodes[path[:-1]], number[path[-1]]] = node
    ends = np.full(len(nodes), -1, np.int32)
    ends[[nodes[term] for term in terms]] = np.arange(len(terms))
    letters = [word.encode() for word in words]
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum([len(word) for word in letters], out=starts[1:])
    joined = np.frombuffer(b"".join(letters) or b"\0", np.uint8)
    size = 1 << (4 * len(words) + 1).bit_length()
    slots = _fill(joined, starts, np.full(size, -1, np.int32))
    return Automaton(joined, starts, slots, moves, ends, np.any(moves >= 0, axis=1), *_bytes())


def _bytes() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Lower case and kind of each byte; one of 128 and more stands in a word, as `folding.plain` left it."""
    lower, kinds = np.arange(256, dtype=np.uint8), np.full(256, _IN_WORD, np.uint8)
    for code in range(128):
        one = plain(chr(code))
        lower[code] = ord(one)
        kinds[code] = _IN_GAP if one == GAP else 0 if one == BREAK else _IN_WORD
    return lower, kinds


@njit(cache=True, nogil=True)
def _fill(
    letters: NDArray[np.uint8], starts: NDArray[np.int64], slots: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Put each word into the first free slot from its hash on."""
    mask = np.uint32(slots.size - 1)
    for word in range(starts.size - 1):
        code = _OFFSET
        for byte in letters[starts[word] : starts[word + 1]]:
            code = (code ^ np.uint32(byte)) * _PRIME
        at = (code ^ (code >> np.uint32(15))) & mask
        while slots[at] >= 0:
            at = (at + np.uint32(1)) & mask
        slots[at] = word
    return slots


@njit(cache=True, nogil=True)
def _read_word(data: NDArray[np.uint8], start: int, stop: int, known: Automaton) -> tuple[int, int]:
    """The word that begins at `start`: its number or -1, and where it ends."""
    code, end = _OFFSET, start
    while end < stop and known.kinds[data[end]] == _IN_WORD:
        code = (code ^ np.uint32(known.lower[data[end]])) * _PRIME
        end += 1
    mask = np.uint32(known.slots.size - 1)
    at = (code ^ (code >> np.uint32(15))) & mask
    while known.slots[at] >= 0:
        word = known.slots[at]
        first = known.starts[word]
        if known.starts[word + 1] - first == end - start:
            same = True
            for i in range(end - start):
                if known.letters[first + i] != known.lower[data[start + i]]:
                    same = False
                    break
            if same:
                return word, end
        at = (at + np.uint32(1)) & mask
    return -1, end


@njit(cache=True, nogil=True)
def _longest(data: NDArray[np.uint8], word: int, end: int, stop: int, known: Automaton) -> tuple[int, int]:
    """The longest term that begins with `word`, which ends at `end`: its number or -1, and where to go on."""
    term, after = -1, end
    node = known.moves[0, word]
    while node >= 0:
        if known.ends[node] >= 0:
            term, after = known.ends[node], end
        if not known.inner[node]:
            break
        start = end
        while start < stop and known.kinds[data[start]] == _IN_GAP:
            start += 1
        if start in (end, stop) or known.kinds[data[start]] != _IN_WORD:
            break
        word, end = _read_word(data, start, stop, known)
        if word < 0:
            break
        node = known.moves[node, word]
    return term, after


@njit(cache=True, nogil=True)
def scan(
    data: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    known: Automaton,
    members: NDArray[np.int32],
    member_starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    ascii_only: bool,
    found: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Mark the columns of every term that stands in a text.

    Args:
        data: the texts' bytes in UTF-8.
        bounds: (n + 1,) where each text begins.
        known: the terms.
        members: columns of the terms, one term's after the other's.
        member_starts: (T + 1,) where each term's columns begin.
        rows: (n,) the row of `found` that each text fills.
        ascii_only: leave out texts with a byte of 128 or more, which must be folded first.
        found: (m, columns); changed in place.

    Returns:
        (n,) the texts that were left out.
    """
    left = np.zeros(rows.size, np.bool_)
    for i in range(rows.size):
        at, stop = bounds[i], bounds[i + 1]
        if ascii_only:
            high = np.uint8(0)
            for byte in data[at:stop]:
                high |= byte
            if high >= 128:
                left[i] = True
                continue
        while at < stop:
            if known.kinds[data[at]] != _IN_WORD:
                at += 1
                continue
            word, at = _read_word(data, at, stop, known)
            if word >= 0:
                term, at = _longest(data, word, at, stop, known)
                if term >= 0:
                    for column in members[member_starts[term] : member_starts[term + 1]]:
                        found[rows[i], column] = True
    return left
