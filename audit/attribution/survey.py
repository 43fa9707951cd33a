"""Short explanations of many rows, for the sums by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.attribution.background import GRID, outside_share
from audit.attribution.columns import columns as columns_of
from audit.attribution.examples import explain_by, method_settings, own_weights, row_seed
from audit.attribution.kept import kept
from audit.attribution.maps import pooled
from audit.attribution.mentions import Mention, Named, TermMeans, averaged, mentions, term_means
from audit.attribution.owen import OwenSettings
from audit.attribution.removal import removed_texts
from audit.attribution.scoring import TEXTS
from audit.attribution.subject import subject
from audit.attribution.words import Hide, cut
from audit.core import Task
from audit.identity_terms.lexicon import Lexicon
from audit.protocols import Context, Model
from audit.run_rows import inputs

Array = NDArray[np.float64]
EVALUATIONS = 130
"""Of SHAP for a row of the survey: 64 parts of a picture."""


class PictureSurvey(NamedTuple):
    """Maps of n pictures by one method."""

    rows: NDArray[np.int64]
    """(n,) positions in the examples."""
    outside: Array
    """(n, K) share of the attribution outside the centre; NaN for a map of zeros."""
    grids: Array
    """(n, K, GRID, GRID) maps, each divided by its absolute sum."""


class TextSurvey(NamedTuple):
    """Attributions of the words of n texts."""

    rows: NDArray[np.int64]
    found: list[list[Mention]]
    weights: list[Array]
    """(P, K) of each text."""


def picture_survey(
    context: Context, model: Model, rows: NDArray[np.int64], tasks: dict[str, Task], own: str | None
) -> PictureSurvey:
    """Map pictures.

    Args:
        context: of the audit.
        model: of images.
        rows: of the examples.
        tasks: of the model.
        own: the model's own method; None: SHAP.
    """

    def explain(row: int, payload: Any) -> dict[str, NDArray[Any]]:
        one = subject(model, payload, context.spec.attribution)
        if own is None:
            settings = _short(context, one, tasks, row)
            weights = explain_by(one, "shap", settings, context.spec.attribution.engine).weights
        else:
            weights = own_weights(one, model, own)
        densities = [one.density(weights[:, k]) for k in range(one.columns.k)]
        sums = [max(float(np.abs(density).sum()), np.finfo(float).tiny) for density in densities]
        return {
            "outside": np.array([outside_share(density) for density in densities]),
            "grids": np.stack([pooled(d / s, GRID, GRID) for d, s in zip(densities, sums, strict=True)]),
        }

    name = own or "shap"
    done = _each(context, rows, f"survey-{name}", explain)
    at = np.array([row for row, _ in done], dtype=np.int64)
    if not done:
        return PictureSurvey(at, np.zeros((0, 0)), np.zeros((0, 0, GRID, GRID)))
    return PictureSurvey(
        at,
        np.stack([arrays["outside"] for _, arrays in done]),
        np.stack([arrays["grids"] for _, arrays in done]),
    )


def text_survey(
    context: Context, model: Model, rows: NDArray[np.int64], tasks: dict[str, Task], lexicon: Lexicon
) -> TextSurvey:
    """Explain texts by SHAP and find the identities that they name."""
    found: list[list[Mention]] = []

    def explain(row: int, payload: Any) -> dict[str, NDArray[Any]]:
        one = subject(model, payload, context.spec.attribution)
        settings = _short(context, one, tasks, row)
        return {"weights": explain_by(one, "shap", settings, context.spec.attribution.engine).weights}

    def seen(payload: Any) -> None:
        found.append(mentions(cut(payload), lexicon))

    done = _each(context, rows, "survey-shap", explain, seen)
    at = np.array([row for row, _ in done], dtype=np.int64)
    return TextSurvey(at, found, [arrays["weights"] for _, arrays in done])


def survey_means(context: Context, survey: TextSurvey, by: str) -> TermMeans:
    """Mean attribution of the words that name an identity."""
    clusters = context.examples.clusters
    together = None if clusters is None else clusters[survey.rows].astype(np.int64)
    return term_means(survey.found, survey.weights, together, by=by, level=context.spec.level)


def removal_means(
    context: Context, model: Model, rows: NDArray[np.int64], lexicon: Lexicon
) -> tuple[TermMeans, int]:
    """Mean loss of score when the words that name an identity are taken away; and the passes that it took."""
    columns = columns_of(model.tasks)
    texts: list[str] = []
    plan: list[tuple[int, str, int, int, int]] = []  # text, identity, its three places among `texts`
    hide: Hide = context.spec.attribution.hide  # type: ignore[assignment]
    used: list[int] = []
    for text, (row, payload) in enumerate(_payloads(context, rows)):
        used.append(row)
        words = cut(payload, hide=hide)
        names, without, other, enough = removed_texts(
            words, mentions(words, lexicon), row_seed(context.seed, row)
        )
        whole = len(texts)
        texts.append(words.texts(np.ones((1, words.n), dtype=np.bool_))[0])
        for name, bare, control, fits in zip(names, without, other, enough, strict=True):
            plan.append((text, name, whole, len(texts), len(texts) + 1 if fits else -1))
            texts += [bare, control]
    distinct = list(dict.fromkeys(texts))
    order = sorted(range(len(distinct)), key=lambda i: -len(distinct[i]))
    scores = np.empty((len(distinct), columns.k))
    for at in range(0, len(order), TEXTS):
        chosen = order[at : at + TEXTS]
        scores[chosen] = columns.of(model.predict([distinct[i] for i in chosen]))
        context.progress.step("attribution: words taken away", min(at + TEXTS, len(order)), len(order))
    place = {text: i for i, text in enumerate(distinct)}
    value = np.array([scores[place[text]] for text in texts]).reshape(-1, columns.k)
    named = [
        Named(
            name,
            text,
            value[whole] - value[bare],
            value[other] - value[bare] if other >= 0 else np.full(columns.k, np.nan),
        )
        for text, name, whole, bare, other in plan
    ]
    clusters = context.examples.clusters
    together = None if clusters is None else clusters[used].astype(np.int64)
    return averaged(named, columns.k, together, context.spec.level), len(distinct)


def _short(context: Context, one: Any, tasks: dict[str, Task], row: int) -> Any:
    full = method_settings(
        context.spec.attribution, dict(context.spec.margins), one, tasks, row_seed(context.seed, row)
    )
    return replace(full, shap=OwenSettings(evaluations=EVALUATIONS, scale=full.shap.scale))


def _payloads(context: Context, rows: NDArray[np.int64], size: int = 16) -> Any:
    """(row, payload) of the rows that have one; pictures a few at a time."""
    for at in range(0, len(rows), size):
        part = rows[at : at + size]
        for row, payload in zip(part.tolist(), inputs(context, part), strict=True):
            if payload is not None:
                yield row, payload


def _each(
    context: Context,
    rows: NDArray[np.int64],
    name: str,
    explain: Callable[[int, Any], dict[str, NDArray[Any]]],
    seen: Callable[[Any], None] | None = None,
) -> Sequence[tuple[int, Any]]:
    done: list[tuple[int, Any]] = []
    for row, payload in _payloads(context, rows):
        file: Path = context.cache / f"{name}-{row}.npz"
        done.append((row, kept(file, lambda row=row, payload=payload: explain(row, payload))))  # type: ignore[misc]
        if seen is not None:
            seen(payload)
        context.progress.step(f"attribution: {name}", len(done), len(rows))
    return done
