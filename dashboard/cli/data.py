"""`plumbline data`: read a data folder, check every file, say what is in it and what is wrong with it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from training.data.loading import Loaded

ROWS_SHOWN = 40
"""Rows of a table that are printed; the rest is counted."""
REASONS_SHOWN = 12


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        subparsers: of the main parser.
    """
    parser = subparsers.add_parser(
        "data",
        help="read a data folder, check it, report what is wrong with it",
        description="Read and check a data folder; print counts by label and group; write rejected.csv.",
    )
    parser.add_argument("kind", choices=("faces", "comments", "mushrooms"), help="what the folder holds")
    parser.add_argument("folder", metavar="DIR", type=Path, help="the folder; for comments also one CSV file")
    parser.add_argument(
        "--layout",
        choices=("utkface", "fairface", "jigsaw", "civil", "folders", "csv"),
        help="how the folder is laid out (default: told from what is in it)",
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="ROLE=NAME",
        help="a column with a name of its own, such as age=years; may be given several times",
    )
    parser.add_argument(
        "--pixel-limit", type=int, default=50, metavar="MP", help="largest image decoded, in megapixels (50)"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes that check images; 0: none")
    parser.add_argument(
        "--rejected", type=Path, default=Path("rejected.csv"), metavar="FILE", help="where refused rows go"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check the folder and print what was found.

    Returns:
        0; an unusable folder or option raises `InputError`, which the entry point turns into 1.
    """
    from audit.errors import InputError
    from training.data.loading import LAYOUTS, load, write_rejected

    if args.layout and args.layout not in LAYOUTS[args.kind]:
        allowed = ", ".join(LAYOUTS[args.kind])
        raise InputError("--layout", f"{args.layout!r} is no layout of {args.kind}; it has {allowed}.")
    if args.pixel_limit < 1 or (args.workers or 0) < 0:
        raise InputError("--pixel-limit, --workers", "must be at least 1 and at least 0.")
    started = time.monotonic()
    progress = _ProgressLine()
    try:
        loaded = load(
            args.kind,
            args.folder,
            layout=args.layout,
            columns=_columns(args.column),
            pixel_limit=args.pixel_limit * 1_000_000,
            workers=args.workers,
            progress=progress,
        )
    finally:
        progress.end()
    write_rejected(args.rejected, loaded.rejected)
    print(f"{args.folder}: {args.kind}, layout {loaded.layout}")
    print(
        f"{loaded.data.n} rows can be used, {loaded.refused} were refused, "
        f"{len(loaded.rejected) - loaded.refused} were kept with a remark "
        f"({time.monotonic() - started:.1f} s)"
    )
    for message in loaded.messages:
        print(f"note: {message}")
    _print_reasons(loaded)
    _print_copies(loaded)
    for title, table in _tables(loaded).items():
        _print_table(title, table)
    print(f"\nrefused rows and remarks: {args.rejected}")
    return 0


def _columns(words: list[str]) -> dict[str, str]:
    from audit.errors import InputError

    for word in words:
        if "=" not in word:
            raise InputError("--column", f"ROLE=NAME was expected, not {word!r}.")
    return {role: name for role, _, name in (word.partition("=") for word in words)}


def _print_reasons(loaded: Loaded) -> None:
    """What was refused or remarked, by reason, most frequent first."""
    import re
    from collections import Counter

    names = r" as \S.*?(?= with other| in another| but for|$)|'[^']*'|\d{2,}"
    for action, title in (("refused", "Refused"), ("kept", "Kept with a remark")):
        reasons = Counter(re.sub(names, "", r.reason) for r in loaded.rejected if r.action == action)
        if reasons:
            print(f"\n{title}")
        for reason, count in reasons.most_common(REASONS_SHOWN):
            print(f"  {count:>7}  {reason[:110]}")
        if len(reasons) > REASONS_SHOWN:
            print(f"           and {len(reasons) - REASONS_SHOWN} more kinds")


def _print_copies(loaded: Loaded) -> None:
    """Clusters of near copies, those across splits counted apart."""
    import numpy as np

    clusters, split = loaded.clusters, loaded.data.split
    sizes = np.bincount(clusters)
    per_split = np.zeros((len(sizes), 4), dtype=bool)
    per_split[clusters, split + 1] = True
    across = int((per_split[:, 1:].sum(axis=1) > 1).sum())
    print(
        f"\nCopies and near copies: {int((sizes > 1).sum())} clusters of {int(sizes[sizes > 1].sum())} rows, "
        f"the largest of {int(sizes.max())}; {across} of them reach across declared splits"
    )


def _tables(loaded: Loaded) -> dict[str, pa.Table]:
    """The tables worth a look in a terminal."""
    from training.data.profile import profile_comments, profile_pictures
    from training.data.records import Comments, Faces

    if isinstance(loaded.data, Comments):
        every = profile_comments(loaded.data)
        return {k: t for k, t in every.items() if t.num_rows}
    every = profile_pictures(loaded.data, loaded.facts)
    wanted: tuple[str, ...]
    if not isinstance(loaded.data, Faces):
        wanted = ("splits", "label", "label by split", "sizes", "brightness by label")
    else:
        pairs = ("gender by ethnicity", "gender by age_band", "ethnicity by age_band", "gender by tone_band")
        groups = tuple(loaded.data.groups)
        wanted = ("splits", *groups, *pairs, "sizes", *(f"brightness by {name}" for name in groups))
    return {name: every[name] for name in wanted if name in every}


def _print_table(title: str, table: pa.Table) -> None:
    """Print a table; one of pairs (first, second, n, share) as a matrix of its counts."""
    print(f"\n{title}")
    names: list[str] = table.column_names
    lines = [
        list(row.values()) for row in table.slice(0, None if len(names) == 4 else ROWS_SHOWN).to_pylist()
    ]
    rest = table.num_rows - len(lines)
    if len(names) == 4 and names[3].startswith("share_of_"):
        names, lines = _matrix(names, lines)
    cells = [names, *([_cell(value) for value in line] for line in lines)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    for line in cells:
        words = [line[0].ljust(widths[0])]
        words += [word.rjust(width) for word, width in zip(line[1:], widths[1:], strict=True)]
        print("  " + "  ".join(words).rstrip())
    if rest:
        print(f"  and {rest} rows more")


def _matrix(names: list[str], lines: list[list[object]]) -> tuple[list[str], list[list[object]]]:
    """Counts of pairs: the first as rows, the second as columns; empty columns are left out."""
    counts = {(str(first), str(second)): n for first, second, n, _ in lines}
    rows = list(dict.fromkeys(first for first, _ in counts))
    columns = [c for c in dict.fromkeys(second for _, second in counts) if any(counts[r, c] for r in rows)]
    return [names[0], *columns], [[row, *(counts[row, column] for column in columns)] for row in rows]


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 1000 or value.is_integer() else f"{value:.3g}"


class _ProgressLine:
    """One line with a rate and the time left on a terminal; one line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._open = False

    def step(self, what: str, done: int, total: int) -> None:
        """Show how far it is."""
        now = time.monotonic()
        if now - self._last < (0.1 if self._terminal else 10.0) and done < total:
            return
        self._last = now
        rate = done / max(now - self._start, 1e-9)
        text = (
            f"{what}: {done} of {total}, {rate:.0f} a second, {(total - done) / max(rate, 1e-9):.0f} s left"
        )
        if self._terminal:
            print(f"\r{text:<70}", end="", file=sys.stderr, flush=True)
            self._open = True
        elif done < total:
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Close the line."""
        if self._open:
            print(file=sys.stderr)
            self._open = False
