"""Finding identity terms in comments: one pass against a loop of one compiled regex a term.

python -m benchmarks.identity_finding COMMENTS.csv.gz [--rows 1000000] [--loop-rows 100000]

The comments (a column comment_text) are cut into runs of 60 words and drawn with replacement. All ways get
the same texts. The loop takes every term by itself, so it finds more: "American" in "African American". Rows
where it differs from ours are counted, and every difference must come of such a term inside a longer one. A
second peer is one regex of all terms joined by |, the longest first, which has our rule.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from audit.identity_terms.finder import find_terms, term_spans
from audit.identity_terms.lexicon import MENTION, Lexicon, built_in

WORDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comments", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--loop-rows", type=int, default=100_000, help="rows that the loop is timed on")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    lexicon = built_in()
    texts = sixty_words(args.comments, args.rows)
    column = pa.array(texts, pa.large_string())
    not_ascii = sum(not text.isascii() for text in texts) / len(texts)
    patterns = {
        words: re.compile(rf"\b{'[ -]+'.join(map(re.escape, words))}\b")
        for words in dict.fromkeys(one.words for one in lexicon.terms if one.use == MENTION)
    }
    print(
        f"{args.rows:,} texts of {WORDS} words, {column.nbytes / len(texts):.0f} bytes each, {not_ascii:.1%} "
        f"not ASCII; {len(patterns)} terms of {len(lexicon.identities)} identities"
    )
    find_terms(column[:10], lexicon)  # compiled before the clock starts
    ours = median(lambda: find_terms(column, lexicon), args.repeats)
    small = median(lambda: find_terms(column[: args.loop_rows], lexicon), args.repeats)
    from_list = median(lambda: find_terms(texts, lexicon), args.repeats)
    sample = texts[: args.loop_rows]
    looped = median(lambda: loop(sample, lexicon, patterns), 1)
    scale = args.rows / args.loop_rows
    print(f"one pass, {args.rows:,} texts: {ours:.2f} s from an arrow column, {from_list:.2f} s from a list")
    print(f"one pass, {args.loop_rows:,} texts: {small:.3f} s")
    print(f"one regex a term, {args.loop_rows:,} texts: {looped:.1f} s ({looped * scale:.0f} s for all)")
    joined = median(lambda: joined_terms(sample, patterns), 1)
    print(
        f"one regex of all terms, {args.loop_rows:,} texts: {joined:.1f} s ({joined * scale:.0f} s for all)"
    )
    print(f"ratio on the same {args.loop_rows:,} texts: {looped / small:.0f}, {joined / small:.0f}")
    check(sample, lexicon, find_terms(sample, lexicon), loop(sample, lexicon, patterns))


def sixty_words(path: Path, rows: int) -> list[str]:
    """Runs of 60 words of the comments, drawn with replacement."""
    comments = pd.read_csv(path, keep_default_na=False)["comment_text"].astype(str)
    words = " ".join(comments).split(" ")
    starts = np.random.default_rng(0).integers(0, len(words) - WORDS, rows)
    return [" ".join(words[start : start + WORDS]) for start in starts]


def fold(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text.casefold())


def loop(texts: list[str], lexicon: Lexicon, patterns: dict[tuple[str, ...], re.Pattern[str]]) -> np.ndarray:
    """The plain way: fold every text, then search it for each term by itself."""
    folded = [fold(text) for text in texts]
    column = {name: i for i, name in enumerate(lexicon.identities)}
    found = np.zeros((len(texts), len(column)), bool)
    for words, pattern in patterns.items():
        of = {column[one.identity] for one in lexicon.terms if one.words == words and one.use == MENTION}
        hits = [pattern.search(text) is not None for text in folded]
        for i in of:
            found[:, i] |= hits
    return found


def joined_terms(texts: list[str], patterns: dict[tuple[str, ...], re.Pattern[str]]) -> list[list[str]]:
    """One regex of all terms, the longest first; what it finds is not yet turned into identities."""
    longest_first = sorted((one.pattern for one in patterns.values()), key=len, reverse=True)
    pattern = re.compile("|".join(longest_first))
    return [pattern.findall(fold(text)) for text in texts]


def check(texts: list[str], lexicon: Lexicon, ours: np.ndarray, looped: np.ndarray) -> None:
    """Print how many rows differ, and how many of those the rule of the longest term explains."""
    differ = np.flatnonzero((ours != looped).any(axis=1))
    inside = 0
    for row in differ:
        long = [one for one in term_spans(texts[row], lexicon) if len(one.terms[0].words) > 1]
        inside += bool(long) and not (ours[row] & ~looped[row]).any()
    print(f"rows that differ: {len(differ):,}, of them {inside:,} with a term or phrase of several words")


def median(work, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
