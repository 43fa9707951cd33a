"""`plumbline duplicates`: near duplicates across folders of images, as lists; no file is changed."""

from __future__ import annotations

import argparse
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.leakage.actions import Choice
    from audit.leakage.folders import Listing
    from audit.leakage.images import ImageSearch
    from dashboard.cli.arguments import Subparsers

FEW = 512
"""Files below which starting processes costs more than it saves."""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "duplicates",
        help="find near duplicates across folders",
        description="Find copies among the images below folders. A copy of a file in an earlier folder is "
        "listed to be dropped from the later one: name the test set first. Nothing is changed or deleted.",
    )
    parser.add_argument("folders", nargs="+", metavar="DIR", help="folders of images, the one to keep first")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where the lists are written"
    )
    parser.add_argument(
        "--distance", type=int, default=12, metavar="BITS", help="largest distance explored (default: 12)"
    )
    parser.add_argument("--turned", action="store_true", help="also look for rotated and mirrored copies")
    parser.add_argument(
        "--draft", action="store_true", help="faster reading of JPEG files; moves a few bits of some hashes"
    )
    parser.add_argument(
        "--planted",
        type=int,
        default=100,
        metavar="N",
        help="pictures copied in memory to estimate recall (default: 100)",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: as many as there are CPUs)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the samples (default: 0)")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="where fingerprints are kept (default: FOLDER/fingerprints)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Search, write the lists, print what was found; the folder is the last line."""
    from audit.errors import InputError
    from audit.leakage.decode import Reading
    from audit.leakage.folders import list_images
    from audit.leakage.images import ImageSettings, search_images
    from dashboard import progress

    if not 0 <= arguments.distance <= 32:
        raise InputError("--distance", f"expected 0 to 32 bits, came {arguments.distance}.")
    listing = list_images(arguments.folders)
    settings = ImageSettings(
        reading=Reading(draft=arguments.draft, orientations=arguments.turned),
        distance=arguments.distance,
        planted=max(0, arguments.planted),
        seed=arguments.seed,
    )
    with _processes(arguments.workers, len(listing.paths)) as executor:
        found = search_images(
            listing.paths,
            settings,
            executor=executor,
            cache=arguments.cache or arguments.out / "fingerprints",
            progress=progress.make(),
        )
    _write(arguments.out, listing, found)
    print(_summary(listing, found))
    print(arguments.out)
    return 0


def _processes(workers: int | None, files: int) -> AbstractContextManager[Executor | None]:
    """Processes that start afresh: small files are decoded one at a time in threads."""
    import multiprocessing
    import os
    from concurrent.futures import ProcessPoolExecutor

    count = workers if workers is not None else os.cpu_count() or 1
    if count <= 1 or files < FEW:
        return nullcontext(None)
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


def _write(out: Path, listing: Listing, found: ImageSearch) -> None:
    import numpy as np
    import pyarrow as pa

    from audit.csv_export import write_csv
    from audit.leakage.actions import choose
    from audit.leakage.folders import readable
    from audit.leakage.tables import by_distance

    names = pa.array([readable(path) for path in listing.paths], pa.string())
    prints = found.prints
    order = np.lexsort((-prints.width.astype(np.int64) * prints.height, listing.folder))
    priority = np.empty(prints.n, dtype=np.int64)
    priority[order] = np.arange(prints.n)
    choice = choose(found.copies, priority)
    out.mkdir(parents=True, exist_ok=True)
    pairs = found.pairs.table(names).select(["a", "b", "kind", "distance", "confirmed", "check"])
    write_csv(pairs, out / "pairs.csv")
    write_csv(by_distance(found.curve, found.checked_to), out / "by_distance.csv")
    cluster = found.copies.clusters()
    rows = np.flatnonzero(cluster >= 0)
    rows = rows[np.argsort(cluster[rows], kind="stable")]
    write_csv(
        pa.table(
            {
                "cluster": pa.array(cluster[rows]),
                "path": names.take(pa.array(rows)),
                "folder": pa.array([readable(str(listing.folder[row])) for row in rows]),
                "keep": pa.array(choice.keep[rows]),
            }
        ),
        out / "clusters.csv",
    )
    _write_choice(out, names, found, choice, cluster >= 0)
    reasons = enumerate(prints.reasons)
    odd = [(names[row].as_py(), reason, bool(prints.used[row])) for row, reason in reasons if reason]
    odd += [(readable(path), reason, False) for path, reason in listing.rejected]
    write_csv(
        pa.table(
            {
                "path": pa.array([path for path, _, _ in odd], pa.string()),
                "reason": pa.array([reason for _, reason, _ in odd], pa.string()),
                "used": pa.array([used for _, _, used in odd], pa.bool_()),
            }
        ),
        out / "rejected.csv",
    )


def _write_choice(
    out: Path, names: pa.StringArray, found: ImageSearch, choice: Choice, clustered: object
) -> None:
    import numpy as np
    import pyarrow as pa

    from audit.csv_export import write_csv

    used = found.prints.used
    kept, dropped = np.flatnonzero(choice.keep & used), np.flatnonzero(~choice.keep)
    reasons = np.where(np.asarray(clustered)[kept], "no direct copy is kept before it", "no copy")
    write_csv(
        pa.table({"path": names.take(pa.array(kept)), "reason": pa.array(reasons.tolist(), pa.string())}),
        out / "keep.csv",
    )
    why = np.where(
        choice.equal[dropped], "identical to the file kept", "confirmed near copy of the file kept"
    )
    write_csv(
        pa.table(
            {
                "path": names.take(pa.array(dropped)),
                "reason": pa.array(why.tolist(), pa.string()),
                "kept": names.take(pa.array(choice.kept_instead[dropped])),
            }
        ),
        out / "drop.csv",
    )


def _summary(listing: Listing, found: ImageSearch) -> str:
    import numpy as np

    from audit.leakage.pair_list import BORDERED, CAPTIONED

    counts, curve = found.counts, found.curve
    near = int((found.pairs.confirmed & (found.pairs.kind == "near")).sum())
    parts = int(np.isin(found.pairs.kind, (CAPTIONED, BORDERED)).sum())
    identical = counts["identical_files"] + counts["identical_pixels"]
    turned = int(found.pairs.confirmed.sum()) - near - parts - identical
    clusters = found.copies.clusters()
    lines = [
        f"{counts['files']:,} images, {counts['rejected']:,} of them unusable, {counts['blank']:,} blank; "
        f"{listing.others:,} other files not read.",
        f"Identical: {counts['identical_files']:,} files, {counts['identical_pixels']:,} more by pixels.",
        f"Near: {near:,} confirmed pairs, {parts:,} more but for a caption or border, {turned:,} turned or "
        f"mirrored; every pair up to {found.checked_to} bits was checked, a sample beyond.",
        f"Clusters: {int(clusters.max(initial=-1)) + 1:,} with {int((clusters >= 0).sum()):,} files.",
        "",
        "bits   pairs  by chance  checked  confirmed",
    ]
    for bits in range(curve.pairs.size):
        if curve.pairs[bits]:
            lines.append(
                f"{bits:4}{curve.pairs[bits]:8,}{curve.by_chance[bits]:11.3g}{curve.sampled[bits]:9,}"
                f"{curve.confirmed[bits]:11,}"
            )
    lines += ["", _advice(found)]
    if found.planted is not None and found.planted.pictures:
        at = curve.same_up_to
        shares = found.planted.found(at) / found.planted.pictures
        each = zip(found.planted.kinds, shares, strict=True)
        words = ", ".join(f"{kind} {share:.0%}" for kind, share in each)
        lines.append(f"Of copies made of {found.planted.pictures} pictures, found up to {at} bits: {words}.")
    return "\n".join(lines)


def _advice(found: ImageSearch) -> str:
    curve = found.curve
    if not curve.pairs.sum():
        return f"No pair within {found.searched_to} bits: no threshold is needed."
    at, same = curve.recommended, curve.same_up_to
    if not curve.pairs[at]:
        return "No distance separates copies from look-alikes here: trust the second check, not a threshold."
    further = f" Any up to {same} gives the same pairs." if same > at else ""
    share, low, high = (float(part[at]) for part in curve.precision)
    return (
        f"Recommended threshold without a second check: {at} bits; {share:.0%} of its pairs are copies "
        f"({low:.0%} to {high:.0%}).{further}"
    )
