"""Planted bias: whether the two identities of twenty that were shifted are found, and who else is named.

    python -m benchmarks.identity_simulation [--seeds 200]

Comments with three labels; 20 identities, each in 3 % of the texts, by chance alone, so texts of several are
as common as chance makes them. Scores are normal, those of texts with the label 2 higher (AUC .92); decisions
are at the middle. Of the first label, scores of texts about identities 0 and 1 are shifted. An audit *finds*
an identity where it has an established finding about it on that label, and *cries wolf* where it has one
about any other identity or label. Prints the table of docs/identity-terms.md.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audit.core import Level
from audit.executors import Serial
from audit.identity_terms.probe import IdentityTerms
from audit.protocols import Context
from benchmarks.identity_context import comments_context

LABELS, IDENTITIES, SHARE, BASE = ("toxic", "insult", "threat"), 20, 0.03, 0.2


@dataclass(frozen=True)
class Scenario:
    """What is planted, in how many rows."""

    name: str
    rows: int = 20_000
    harmless: float = 0.0
    """Added to scores of texts without the label, in standard deviations."""
    abuse: float = 0.0
    """Taken off scores of texts with it."""
    authors: int = 0
    """Comments an author wrote, whose scores share half of their variance; 0: independent rows."""


SCENARIOS = (
    Scenario("nobody"),
    Scenario("harmless +.25", harmless=0.25),
    Scenario("harmless +.5", harmless=0.5),
    Scenario("harmless +1", harmless=1.0),
    Scenario("abuse -.5", abuse=0.5),
    Scenario("abuse -1", abuse=1.0),
    Scenario("both, .5", harmless=0.5, abuse=0.5),
    Scenario("both, 1", harmless=1.0, abuse=1.0),
    Scenario("nobody, 5 an author", authors=5),
    Scenario("both, 1, 5 an author", harmless=1.0, abuse=1.0, authors=5),
    Scenario("nobody, 4,000 rows", rows=4000),
    Scenario("both, 1, 4,000 rows", rows=4000, harmless=1.0, abuse=1.0),
)


def made(scenario: Scenario, seed: int) -> Context:
    rng = np.random.default_rng([seed, 4])
    n = scenario.rows
    author = np.arange(n) // max(scenario.authors, 1)
    truth = (rng.random((n, len(LABELS))) < BASE).astype(np.int8)
    member = rng.random((n, IDENTITIES)) < SHARE
    noise = rng.normal(size=truth.shape)
    if scenario.authors:
        noise = (noise + rng.normal(size=(author[-1] + 1, len(LABELS)))[author]) / np.sqrt(2)
    shifted = member[:, :2].any(axis=1)
    raw = noise + 2.0 * truth - 1.0
    raw[:, 0] += shifted * np.where(truth[:, 0] == 1, -scenario.abuse, scenario.harmless)
    scores = 1 / (1 + np.exp(-raw))
    return comments_context(
        LABELS,
        truth,
        scores,
        {f"g{k:02}": member[:, k].astype(np.float32) for k in range(IDENTITIES)},
        clusters=author.astype(np.int32) if scenario.authors else None,
        seed=seed,
        executor=Serial(),
        cache=Path("."),
    )


def audited(scenario: Scenario, seed: int) -> tuple[bool, bool, bool, bool, int]:
    """First found, second found, wolf cried, wolf above the level "low", tests."""
    section = IdentityTerms().run(made(scenario, seed))
    planted = scenario.harmless > 0 or scenario.abuse > 0
    mine, others = set(), []
    for finding in section.findings:
        if finding.severity.level is Level.NOT_ESTABLISHED:
            continue
        identity = finding.slice.of[0][1]
        if planted and finding.output == "comment/toxic" and identity in ("g00", "g01"):
            mine.add(identity)
        else:
            others.append(finding.severity.level)
    loud = any(level is not Level.LOW for level in others)
    return "g00" in mine, "g01" in mine, bool(others), loud, int(section.summary["tests"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=200)
    seeds = parser.parse_args().seeds
    print(f"{seeds} seeds. Monte Carlo error of a share of .05: {np.sqrt(0.05 * 0.95 / seeds):.3f}.\n")
    print(
        "| shifted | tests | both found | one of the two found | audits that cry wolf | of these above low |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with ProcessPoolExecutor(2) as pool:
        for scenario in SCENARIOS:
            runs = list(pool.map(audited, [scenario] * seeds, range(seeds), chunksize=10))
            first, second, wolf, loud, tests = (np.array(column) for column in zip(*runs, strict=True))
            planted = scenario.harmless > 0 or scenario.abuse > 0
            found = (
                [f"{(first & second).mean():.3f}", f"{(first | second).mean():.3f}"] if planted else ["", ""]
            )
            row = [
                scenario.name,
                f"{np.median(tests):.0f}",
                *found,
                f"{wolf.mean():.3f}",
                f"{loud.mean():.3f}",
            ]
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
