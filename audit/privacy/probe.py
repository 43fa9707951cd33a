"""The probe `privacy`: rows of training against rows held out, from predictions alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from audit.core import SPLITS, Reason, Section, Status
from audit.group_error.targets import targets
from audit.privacy.findings import PROBE, findings, table
from audit.privacy.measure import Measured, adjusted, measured
from audit.privacy.signals import SIGNALS
from audit.protocols import Context

CAVEAT = (
    "An AUC above .5 says that the two splits can be told apart by the model's answers. Where they were not "
    "drawn at random from the same rows, part of it is the difference of the rows themselves; copies of rows "
    "of training among those held out work against it, and are not taken out here."
)
TRAIN, VALIDATION, TEST = range(3)


class Privacy:
    """Membership inference by loss and by confidence; runs without a model."""

    name = PROBE

    def applies(self, context: Context) -> Reason | None:
        """Where the file has rows of training beside rows held out."""
        return None if _held_out(context) is not None else Reason.NO_TRAINING

    def run(self, context: Context) -> Section:
        """Measure every output and signal, everyone and by group; then held-out splits as a control."""
        held_out = _held_out(context)
        assert held_out is not None
        split = context.examples.split
        found = adjusted(_all(context, split == TRAIN, split == held_out, by_group=True))
        control: list[Measured] = []
        if held_out == TEST and (split == VALIDATION).any():
            control = adjusted(_all(context, split == VALIDATION, split == TEST, by_group=False))
        tables = {"membership": table(found), "control": table(control)}
        return Section(
            probe=self.name,
            status=Status.OK,
            findings=findings(found, context.spec.margins["auc"]),
            tables={name: made for name, made in tables.items() if made.num_rows},
            summary={
                "training_rows": int((split == TRAIN).sum()),
                "held_out_rows": int((split == held_out).sum()),
                "held_out_split": SPLITS[held_out],
                "tests_everyone": _tests(found, of_groups=False),
                "tests_groups": _tests(found, of_groups=True),
                "control_differs": sum(one.p_adjusted <= 0.05 for one in control),
                "control_tests": _tests(control, of_groups=False),
                "caveat": CAVEAT,
            },
        )


def _held_out(context: Context) -> int | None:
    """The split to compare training with: test, else validation; None where a side has no predictions."""
    split = context.examples.split
    for candidate in (TEST, VALIDATION):
        for predictions in context.predictions.values():
            of = split[predictions.rows]
            if (of == TRAIN).any() and (of == candidate).any():
                return candidate
    return None


def _all(
    context: Context, member: NDArray[np.bool_], other: NDArray[np.bool_], *, by_group: bool
) -> list[Measured]:
    made: list[Measured] = []
    examples = context.examples if by_group else replace(context.examples, attributes={})
    for done, predictions in enumerate(context.predictions.values(), start=1):
        for target in targets(predictions):
            for name in SIGNALS:
                made += measured(target, name, examples, member, other, context.spec)
        context.progress.step("membership inference", done, len(context.predictions))
    return made


def _tests(found: list[Measured], *, of_groups: bool) -> int:
    return sum(bool(one.slice.of) is of_groups and not np.isnan(one.p) for one in found)
