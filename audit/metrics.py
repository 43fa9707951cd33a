"""The table of metrics: what each number means, which direction is better, which can be findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.core import Better


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One row of the table."""

    name: str
    title: str
    unit: str
    better: Better
    margin: str
    """Key of the spec's margins that says how large a difference matters."""
    finding: bool = False
    """Tested and ranked. Complements (TPR beside FNR) and blends are shown, not counted twice."""
    headline: bool = False
    """Has an omnibus test per attribute in the default primary family."""


def _rate(name: str, title: str, better: Better, finding: bool = False, headline: bool = False) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit="rate",
        better=better,
        margin="rate",
        finding=finding,
        headline=headline,
    )


METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        _rate("base_rate", "Base rate", "neither"),
        _rate("selection_rate", "Selection rate", "neither"),
        _rate("accuracy", "Accuracy", "higher"),
        _rate("error_rate", "Error rate", "lower", finding=True, headline=True),
        _rate("tpr", "True positive rate", "higher"),
        _rate("fpr", "False positive rate", "lower", finding=True, headline=True),
        _rate("fnr", "False negative rate", "lower", finding=True, headline=True),
        _rate("ppv", "Precision (PPV)", "higher", finding=True),
        _rate("balanced_accuracy", "Balanced accuracy", "higher"),
        _rate("f1", "F1", "higher"),
        Metric(name="auc", title="ROC AUC", unit="AUC", better="higher", margin="auc", finding=True),
        Metric(
            name="average_precision",
            title="Average precision",
            unit="AP",
            better="higher",
            margin="auc",
        ),
        Metric(name="brier", title="Brier score", unit="squared error", better="lower", margin="loss"),
        Metric(name="log_loss", title="Log loss", unit="nats", better="lower", margin="loss"),
        Metric(
            name="calibration_error",
            title="Calibration error (L2, debiased)",
            unit="rate",
            better="lower",
            margin="rate",
        ),
        Metric(
            name="calibration_error_l1",
            title="Calibration error (L1, plain)",
            unit="rate",
            better="lower",
            margin="rate",
        ),
        _rate("top_2", "Top-2 accuracy", "higher"),
        _rate("top_3", "Top-3 accuracy", "higher"),
        _rate("top_5", "Top-5 accuracy", "higher"),
        Metric(name="macro_f1", title="Macro F1", unit="rate", better="higher", margin="rate"),
        Metric(name="micro_f1", title="Micro F1", unit="rate", better="higher", margin="rate"),
        _rate("exact_match", "Exact match", "higher", finding=True),
        Metric(
            name="mae",
            title="Mean absolute error",
            unit="unit",
            better="lower",
            margin="mae",
            finding=True,
            headline=True,
        ),
        Metric(name="rmse", title="Root mean squared error", unit="unit", better="lower", margin="mae"),
        Metric(
            name="bias",
            title="Signed bias (predicted - true)",
            unit="unit",
            better="zero",
            margin="mae",
            finding=True,
            headline=True,
        ),
        _rate("within_5", "Within 5", "higher"),
        _rate("within_10", "Within 10", "higher"),
        Metric(name="r2", title="R²", unit="share of variance", better="higher", margin="rate"),
    )
}

IDENTITY_METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        Metric(
            name="subgroup_auc", title="Subgroup AUC", unit="AUC", better="higher", margin="auc", finding=True
        ),
        Metric(name="bpsn_auc", title="BPSN AUC", unit="AUC", better="higher", margin="auc", finding=True),
        Metric(name="bnsp_auc", title="BNSP AUC", unit="AUC", better="higher", margin="auc", finding=True),
        Metric(name="positive_aeg", title="Positive AEG", unit="AEG", better="zero", margin="auc"),
        Metric(name="negative_aeg", title="Negative AEG", unit="AEG", better="zero", margin="auc"),
        METRICS["fpr"],
        METRICS["fnr"],
    )
}
"""Metrics of an identity and a label, against the texts that do not speak of it."""
LEAKED_SHARE = _rate("leaked_share", "Leaked share", "lower", finding=True)
"""Of the search for copies: the share of audited rows that have a copy in training."""
PRIVACY_METRICS: Mapping[str, Metric] = {
    f"membership_auc_{signal}": Metric(
        name=f"membership_auc_{signal}",
        title=f"Membership AUC by {signal}",
        unit="AUC",
        better="lower",
        margin="auc",
        finding=True,
    )
    for signal in ("loss", "confidence")
}
"""How well rows of training are told from held-out ones; .5 is chance."""


def metric(name: str) -> Metric:
    """Look a metric up; per-class ones are ``recall/CLASS`` and ``precision/CLASS``; others a user's."""
    if name in METRICS:
        return METRICS[name]
    if name == LEAKED_SHARE.name:
        return LEAKED_SHARE
    for others in (IDENTITY_METRICS, PRIVACY_METRICS):
        if name in others:
            return others[name]
    kind, _, label = name.partition("/")
    if kind in ("recall", "precision") and label:
        # one class's recall and precision are findings: they are the many-class form of FNR and PPV
        return Metric(
            name=name,
            title=f"{kind.capitalize()} of {label}",
            unit="rate",
            better="higher",
            margin="rate",
            finding=kind == "recall",
        )
    return Metric(name=name, title=name, unit="", better="neither", margin="rate")
