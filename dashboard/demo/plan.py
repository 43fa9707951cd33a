"""What the demo makes: sizes, versions, settings of the trainings. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.data.faults import FAULTS, faults_of
from training.data.records import Kind

KINDS: tuple[Kind, ...] = ("faces", "comments", "mushrooms")
PIXELS = 64
"""Side of a drawn picture; the networks look at it smaller."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything."""

    rows: Mapping[Kind, int]
    epochs: Mapping[Kind, tuple[int, int]]
    """Of version 1 and version 2."""
    too_small_for: frozenset[str] = frozenset()
    """Faults that this many rows need not show: their slices have about 70 audited rows."""


FULL = Size(
    rows={"faces": 4000, "comments": 9000, "mushrooms": 3000},
    epochs={"faces": (8, 12), "comments": (4, 4), "mushrooms": (14, 14)},
)
FAST = Size(
    rows={"faces": 1200, "comments": 3600, "mushrooms": 1000},
    epochs={"faces": (4, 8), "comments": (4, 4), "mushrooms": (12, 12)},
    too_small_for=frozenset({"lost_glasses", "texture_shortcut"}),
)
SETTINGS: Mapping[Kind, tuple[str, ...]] = {
    "faces": (
        *("--backbone", "shufflenet_v2_x1_0", "--size", "48", "--backbone-rate", "1", "--dropout", "0"),
        *("--learning-rate", "3e-3", "--batch-size", "32", "--loss-weights", "0.3,1", "--augment", "none"),
        *("--copies-distance", "2"),
    ),
    "comments": ("--baseline", "bilstm", "--learning-rate", "4e-3", "--batch-size", "32"),
    "mushrooms": (
        *("--backbone", "squeezenet1_1", "--size", "40", "--backbone-rate", "1", "--dropout", "0"),
        *("--learning-rate", "1e-3", "--batch-size", "16", "--augment", "none", "--copies-distance", "2"),
    ),
}
"""Flags of `plumbline train`: small networks from scratch, since a demo must not need the network."""
COMMON = ("--accelerator", "cpu", "--patience", "0", "--licence", "synthesised, no real person")


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of one model."""

    kind: Kind
    version: str
    faults: frozenset[str]
    """Planted in the data that it trains on."""
    repaired: frozenset[str]
    """Faults of the audited data that its own training data do not have."""
    trained_with: tuple[str, ...]
    """Faults that its training plants."""
    flags: tuple[str, ...]
    """Of `plumbline train`, without the places."""

    @property
    def planted(self) -> frozenset[str]:
        """What an audit or a comparison of this version should show."""
        return self.faults | frozenset(self.trained_with)


@dataclass(frozen=True, kw_only=True)
class Demo:
    """All of it."""

    folder: Path
    runs: Path
    size: Size
    seed: int = 0
    twin: bool = False
    """Without any fault: what is found then is a false alarm."""

    def name(self, kind: Kind) -> str:
        """Name of the runs of one model."""
        return f"{'twin' if self.twin else 'demo'}-{kind}"

    def audited(self, kind: Kind) -> frozenset[str]:
        """Faults of the data that both versions are audited on."""
        return frozenset() if self.twin else faults_of(kind)

    def versions(self, kind: Kind) -> tuple[Version, Version]:
        """Both versions, in order."""
        repaired = frozenset(REPAIRED.get(kind, ())) & self.audited(kind)
        lost = () if self.twin else tuple(n for n, f in FAULTS.items() if _by_training(n, kind))
        first, second = (
            (*SETTINGS[kind], *COMMON, "--epochs", str(epochs), "--seed", str(self.seed + i))
            for i, epochs in enumerate(self.size.epochs[kind])
        )
        thin = tuple(flag for name in lost for flag in ("--thin", f"{_slice(name)}:{FAULTS[name].strength}"))
        return (
            Version(
                kind=kind,
                version="1",
                faults=self.audited(kind),
                repaired=frozenset(),
                trained_with=(),
                flags=first,
            ),
            Version(
                kind=kind,
                version="2",
                faults=self.audited(kind) - repaired,
                repaired=repaired,
                trained_with=lost,
                flags=(*second, *thin),
            ),
        )


REPAIRED: Mapping[Kind, tuple[str, ...]] = {
    "comments": ("identity_term",),
    "mushrooms": ("texture_shortcut",),
}
"""Faults that the training data of version 2 do not have."""


def _by_training(name: str, kind: Kind) -> bool:
    fault = FAULTS[name]
    return fault.kind == kind and fault.planted_in == "training"


def _slice(name: str) -> str:
    ((attribute, value),) = FAULTS[name].found_by.of
    return f"{attribute}={value}"
