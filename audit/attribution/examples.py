"""One row explained in full: LIME, SHAP and the model's own method, with the numbers that trust needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.attribution.curves import CurveSettings, curves
from audit.attribution.explanation import Explanation
from audit.attribution.gradients import picture_gradients, text_gradients
from audit.attribution.kept import Arrays, kept
from audit.attribution.local_linear import LimeSettings
from audit.attribution.maps import SIDE, pooled
from audit.attribution.methods import Method, MethodSettings, explain_picture, explain_text
from audit.attribution.owen import OwenSettings
from audit.attribution.scoring import PictureScorer
from audit.attribution.subject import Subject, engine_settings
from audit.core import Task, TaskKind
from audit.spec import AttributionSpec, Spec

Array = NDArray[np.float64]
OWN = "own"
RANDOM_SAMPLES, RANDOM_EVALUATIONS = 256, 130
"""Of LIME and SHAP in the check with random weights."""
RANDOM_EXAMPLES = 3


def explain_row(
    make: Callable[[], Subject], spec: Spec, tasks: dict[str, Task], own: str | None, row: int, file: Path
) -> Arrays:
    """Explain one row in full.

    Args:
        make: prepares the row; not called where the arrays are kept.
        spec: of the audit.
        tasks: of the model.
        own: the model's own method, or None.
        row: position in the examples; part of the seed.
        file: where the arrays are kept.

    Returns:
        ``methods`` (M,) names; ``columns`` (K,) names; ``weights`` (M, F, K) by feature; ``base`` (M, K);
        ``score``, ``varies`` (K,); ``fit``, ``overlap``, ``correlation`` (K,) of LIME; ``deletion``,
        ``insertion``, ``beaten`` (M, K); ``random_gain`` (K,); ``samples``, ``passes``, ``settled`` (M,);
        ``reduced`` (); for pictures ``maps`` (M, K, h, w) sums over places of a small map, ``shape`` (2,).
    """
    return kept(file, lambda: _explain(make(), spec, tasks, own, row))


def method_settings(
    spec: AttributionSpec, margins: dict[str, float], subject: Subject, tasks: dict[str, Task], seed: int
) -> MethodSettings:
    """Settings of LIME and SHAP; a change that matters in each column's unit steers SHAP."""
    scale = tuple(
        margins["mae"] if tasks[output].kind is TaskKind.REGRESSION else margins["rate"]
        for output in subject.columns.outputs
    )
    return MethodSettings(
        lime=LimeSettings(samples=spec.samples, seed=seed),
        shap=OwenSettings(evaluations=spec.evaluations, scale=scale),
    )


def row_seed(seed: int, row: int) -> int:
    """A seed of each row's own."""
    return int(np.random.SeedSequence([seed, row]).generate_state(1)[0])


def own_weights(subject: Subject, model: object, method: str) -> Array:
    """(F, K) of the model's own method."""
    scorer = subject.scorer
    if isinstance(scorer, PictureScorer):
        return picture_gradients(model, subject.columns, [scorer.picture], [scorer.labels], method)[0]
    return text_gradients(model, subject.columns, [scorer.words], method)[0]


def explain_by(subject: Subject, method: Method, settings: MethodSettings, engine: str) -> Explanation:
    """One method, by this engine or by the library of the method's name."""
    chosen = engine_settings(settings, method, engine)
    if isinstance(subject.scorer, PictureScorer):
        return explain_picture(subject.scorer, method, chosen)
    return explain_text(subject.scorer, method, chosen)


def _explain(subject: Subject, spec: Spec, tasks: dict[str, Task], own: str | None, row: int) -> Arrays:
    asked = spec.attribution
    settings = method_settings(asked, dict(spec.margins), subject, tasks, row_seed(spec.seed, row))
    lime = explain_by(subject, "lime", settings, asked.engine)
    shap = explain_by(subject, "shap", settings, asked.engine)
    names = ["lime", "shap"]
    fine = [lime.weights, shap.weights]
    if own is not None:
        names.append(own)
        fine.append(own_weights(subject, subject.scorer.model, own))
    weights = np.stack([subject.by_feature(one) for one in fine])  # (M, F, K)
    m, f, k = weights.shape
    faith = curves(
        lambda masks: np.tile(subject.masked(masks), m),
        weights.transpose(1, 0, 2).reshape(f, m * k),
        CurveSettings(seed=row_seed(spec.seed, row)),
    )
    nothing = np.full(k, np.nan)
    stability = lime.stability
    made = {
        "methods": np.array(names),
        "columns": np.array(subject.columns.names),
        "weights": weights,
        "base": np.stack([lime.base, shap.base, nothing][:m]),
        "score": shap.score if f else lime.score,
        "fit": nothing if lime.fit is None else lime.fit,
        "overlap": nothing if stability is None else stability.overlap,
        "correlation": nothing if stability is None else stability.correlation,
        "deletion": faith.deletion.reshape(m, k),
        "insertion": faith.insertion.reshape(m, k),
        "beaten": faith.beaten.reshape(m, k),
        "random_gain": faith.random.mean(axis=0)[:k],
        "varies": np.ptp(np.concatenate([weights.reshape(m * f, k), np.zeros((1, k))]), axis=0) > 0,
        "samples": np.array([lime.samples, shap.samples, 1][:m]),
        "passes": np.array([lime.passes, shap.passes, 1][:m]),
        "settled": np.array([lime.settled, shap.settled, True][:m]),
        "reduced": np.array(subject.reduced),
    }
    if isinstance(subject.scorer, PictureScorer):
        shape = subject.labels.shape
        small = [max(1, round(side * min(1.0, SIDE / max(shape)))) for side in shape]
        made["maps"] = np.stack(
            [[pooled(subject.density(one[:, j]), *small) for j in range(k)] for one in fine]
        ).astype(np.float32)
        made["shape"] = np.array(shape)
    return made
