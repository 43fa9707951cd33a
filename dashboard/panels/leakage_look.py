"""Which pairs of copies and look-alikes are looked at: of what, and at which distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from audit.leakage.hashes import ORIENTATIONS
from audit.leakage.pair_list import BORDERED, CAPTIONED, NEAR_TEXT, REORDERED, SAME_TEXT, SIMILAR
from dashboard.charts import leakage_distance

TEXT_KINDS = (SAME_TEXT, NEAR_TEXT, REORDERED)
IMAGES, PARTS, TEXTS, ALIKE = "pictures", "pictures by a part or turned", "texts", "alike for the model"
BITS = 2
"""Step of the slider: pHash has 32 ones of 64 bits, so its distances are even."""
WIDTHS = {TEXTS: 0.05, ALIKE: 0.01}
"""Band of 1 - similarity."""
ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the explorer is set to."""

    what: str
    """One of `IMAGES`, `TEXTS`, `ALIKE`."""
    stop: str
    """Bits; or the upper end of a band of 1 - similarity."""

    @property
    def words(self) -> str:
        """The distance for a sentence."""
        if self.what == PARTS:
            return "any distance"
        if self.what == IMAGES:
            return f"{self.stop} bits"
        return f"similarity {leakage_distance.band(float(self.stop), WIDTHS[self.what])}"


def kinds_of(pairs: pa.Table | None, summary: dict[str, Any]) -> list[str]:
    """What there is to explore.

    Args:
        pairs: the table `pairs`; None where there are none.
        summary: of the section.
    """
    alike = pairs is not None and bool(pc.any(pc.equal(pairs["kind"], SIMILAR)).as_py())
    others = pairs is not None and of_what(pairs, PARTS).num_rows > 0
    return [
        *([IMAGES] if "images" in summary else []),
        *([PARTS] if others else []),
        *([TEXTS] if "texts" in summary else []),
        *([ALIKE] if alike else []),
    ]


def of_what(pairs: pa.Table, what: str) -> pa.Table:
    """Pairs of pictures, of texts, or those that the model finds alike.

    Pairs with a caption or border may lie beyond the slider as whole pictures: they are among the pictures at
    their distance, and also among those found by a part. Turned ones are among the latter alone.
    """
    texts = pc.is_in(pairs["kind"], value_set=pa.array(TEXT_KINDS))
    alike = pc.equal(pairs["kind"], SIMILAR)
    turned = pc.is_in(pairs["kind"], value_set=pa.array(ORIENTATIONS))
    parts = pc.or_(turned, pc.is_in(pairs["kind"], value_set=pa.array([CAPTIONED, BORDERED])))
    others = pc.or_(pc.or_(texts, alike), turned)
    return pairs.filter({TEXTS: texts, ALIKE: alike, PARTS: parts}.get(what, pc.invert(others)))


def at(pairs: pa.Table, look: Look, *, across: bool, confirmed: bool) -> pa.Table:
    """Pairs at one distance.

    Args:
        pairs: of what is looked at.
        look: the distance.
        across: only pairs whose rows lie in two splits.
        confirmed: only copies.
    """
    if look.what == PARTS:
        wanted = pc.is_valid(pairs["distance"])
        return _filtered(pairs, wanted, across, confirmed)
    top = float(look.stop)
    distance = pairs["distance"]
    if look.what == IMAGES or top == 0:
        wanted = pc.less_equal(pc.abs(pc.subtract(distance, top)), ROUNDING)
    else:
        low = top - WIDTHS[look.what]
        wanted = pc.and_(
            pc.greater(distance, low + ROUNDING * (low > 0)), pc.less_equal(distance, top + ROUNDING)
        )
    return _filtered(pairs, wanted, across, confirmed)


def _filtered(pairs: pa.Table, wanted: pa.ChunkedArray, across: bool, confirmed: bool) -> pa.Table:
    if across:
        wanted = pc.and_(wanted, pc.not_equal(pairs["split_a"], pairs["split_b"]))
    if confirmed:
        wanted = pc.and_(wanted, pairs["confirmed"])
    return pairs.filter(wanted)


def stops_of(pairs: pa.Table, what: str, summary: dict[str, Any]) -> list[str]:
    """Positions of the slider.

    Args:
        pairs: of what is looked at.
        what: see `Look`.
        summary: of the section.
    """
    if what == IMAGES:
        return [str(bits) for bits in range(0, int(summary["images"]["searched_to"]) + 1, BITS)]
    width = WIDTHS[what]
    largest = pc.max(pairs["distance"]).as_py() or 0.0
    steps = int(-(-(largest - ROUNDING) // width)) if largest > ROUNDING else 0
    return [f"{step * width:.2f}" for step in range(steps + 1)]


def nearest(pairs: pa.Table, what: str, stops: list[str]) -> str:
    """The first position at which there is a pair."""
    looks = (Look(what=what, stop=stop) for stop in stops)
    return next(
        (look.stop for look in looks if at(pairs, look, across=False, confirmed=False).num_rows), stops[0]
    )


def sampled(curve: pd.DataFrame, look: Look) -> str:
    """What the run does not list of the pairs at a distance; empty where it lists all.

    Args:
        curve: the table `by_distance`.
        look: the distance.
    """
    if look.what != IMAGES or curve.empty:
        return ""
    row = curve[curve["distance"] == int(look.stop)].iloc[0]
    if row["checked"] == row["pairs"]:
        return ""
    return (
        f"A sample of {row['checked']:,} of the {row['pairs']:,} pairs at this distance was checked "
        "and is listed."
    )


def bands(pairs: pa.Table, width: float) -> pd.DataFrame:
    """Pairs by kind and band of similarity: columns `step`, `kind`, `pairs`."""
    frame = pairs.select(["kind", "distance"]).to_pandas()
    steps = (-(-(frame["distance"] - ROUNDING) // width)).clip(lower=0) * width
    found: pd.DataFrame = (
        frame.assign(step=steps.round(2)).groupby(["step", "kind"]).size().reset_index(name="pairs")
    )
    return found
