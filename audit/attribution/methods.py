"""LIME or SHAP of a picture or a text in one call, by this engine or by the library that defines it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.attribution import libraries
from audit.attribution.explanation import Explanation
from audit.attribution.local_linear import LimeSettings, lime
from audit.attribution.owen import Owen, OwenSettings, Shown, owen
from audit.attribution.scoring import PictureScorer, TextScorer
from audit.attribution.shapley import shapley
from audit.attribution.trees import BoxTree, WordTree
from audit.errors import InputError

Array = NDArray[np.float64]
Method = Literal["lime", "shap", "shapley"]
METHODS: tuple[Method, ...] = ("lime", "shap", "shapley")
Engine = Literal["plumbline", "lime", "shap"]
ENGINES: tuple[Engine, ...] = ("plumbline", "lime", "shap")


@dataclass(frozen=True, kw_only=True)
class MethodSettings:
    """How examples are explained."""

    lime: LimeSettings = LimeSettings()
    shap: OwenSettings = OwenSettings()
    engine: Engine = "plumbline"
    """``lime`` and ``shap`` hand the same example, segments, colour and seed to that library."""


def explain_picture(
    scorer: PictureScorer, method: Method, settings: MethodSettings | None = None
) -> Explanation:
    """Explain one picture.

    Args:
        scorer: the model, the picture, its superpixels and what is seen where it is hidden.
        method: ``lime`` and ``shapley`` weigh superpixels; ``shap`` (Owen values) weighs pixels, row by row.
        settings: None: the defaults.

    Raises:
        InputError: an unknown method, or an engine that has no such method.
    """
    chosen = settings or MethodSettings()
    _check(method, chosen.engine)
    before, names = scorer.passes, scorer.columns.names
    superpixels = int(scorer.labels.max()) + 1
    if chosen.engine == "lime":
        return libraries.lime_picture(scorer, chosen.lime)
    if chosen.engine == "shap":
        return libraries.shap_picture(scorer, chosen.shap)
    if method == "lime":
        found = lime(scorer.masked, superpixels, names, "image", chosen.lime)
    elif method == "shapley":
        found = shapley(scorer.masked, superpixels, names)
    else:
        tree = BoxTree(*scorer.picture.shape[:2])
        values = owen(lambda shown: scorer.boxed(*tree.masks(shown)), tree, chosen.shap)
        found = _explanation(values, tree.spread(values), names)
    return replace(found, passes=scorer.passes - before)


def explain_text(scorer: TextScorer, method: Method, settings: MethodSettings | None = None) -> Explanation:
    """Explain one text.

    Args:
        scorer: the model and the text cut into words.
        method: each weighs the features of `scorer.words`; ``shap`` needs every position to be one.
        settings: None: the defaults.

    Raises:
        InputError: an unknown method, an engine that has no such method, or a cut that it can't use.
    """
    chosen = settings or MethodSettings()
    _check(method, chosen.engine)
    before, names, words = scorer.passes, scorer.columns.names, scorer.words
    if words.n == 0:
        return replace(lime(scorer.masked, 0, names, "text"), method=method, passes=scorer.passes - before)
    if chosen.engine == "lime":
        return libraries.lime_text(scorer, chosen.lime)
    if method == "shap" and len(words.spans) != words.n:
        raise InputError("words", "Owen values need every position to be a feature: cut with positions=True.")
    if chosen.engine == "shap":
        return libraries.shap_text(scorer, chosen.shap)
    if method == "lime":
        found = lime(scorer.masked, words.n, names, "text", chosen.lime)
    elif method == "shapley":
        found = shapley(scorer.masked, words.n, names)
    else:
        tree = WordTree(pieces(scorer))

        def score(shown: Sequence[Shown]) -> Array:
            return scorer.masked(tree.masks(shown))

        values = owen(score, tree, chosen.shap)
        found = _explanation(values, tree.spread(values), names)
    return replace(found, passes=scorer.passes - before)


def pieces(scorer: TextScorer) -> list[str]:
    """Each word with the signs after it, as shap's tree of words expects them."""
    words = scorer.words
    edges = [start for start, _ in words.spans] + [words.spans[-1][1]]
    return [words.text[a:b].strip() for a, b in zip(edges, edges[1:], strict=False)]


def _check(method: str, engine: str) -> None:
    if method not in METHODS:
        raise InputError("method", f"one of {', '.join(METHODS)}; this is {method!r}.")
    if engine not in ENGINES:
        raise InputError("engine", f"one of {', '.join(ENGINES)}; this is {engine!r}.")
    if engine != "plumbline" and engine != method:
        raise InputError("engine", f"the library {engine!r} has no method {method!r} here.")


def _explanation(found: Owen, weights: Array, columns: tuple[str, ...]) -> Explanation:
    return Explanation(
        method="shap",
        engine="plumbline",
        columns=columns,
        weights=weights,
        base=found.empty,
        score=found.full,
        samples=found.evaluations,
        passes=found.evaluations,
        settled=found.finished,
    )
