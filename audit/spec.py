"""What an audit was asked to do, with the defaults. `audit.inputs.spec_file` reads it from TOML."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.core import TaskKind

MARGINS: Mapping[str, float] = {"rate": 0.05, "auc": 0.05, "mae": 1.0, "flip_rate": 0.05, "loss": 0.05}
"""Default margin of each family of metrics (STATISTICS: severity): a difference that matters."""


@dataclass(frozen=True, kw_only=True)
class OutputSpec:
    """How one output's columns are to be read."""

    type: TaskKind | None = None
    """None: decided from the columns."""
    positive: str = ""
    """binary: the value of `true.OUT` that counts as positive; empty: 1 / true."""
    threshold: float | Mapping[str, float] = 0.5
    """binary: decision is score >= threshold; multilabel: one number, or one a label."""
    labels: tuple[str, ...] = ()
    """Joins yes/no outputs of these names into this multilabel output."""
    unit: str = ""
    """regression: unit of the number."""
    harmful: str = "both"
    """binary: which error harms a person: "fpr", "fnr" or "both"."""


@dataclass(frozen=True, kw_only=True)
class AttributeSpec:
    """How one declared attribute is to be grouped and compared."""

    reference: str = ""
    """Value the others are compared with; empty: everyone outside the slice."""
    bins: tuple[float, ...] = ()
    """Inner edges that turn a numeric column into bands, e.g. (18, 30, 60)."""


@dataclass(frozen=True, kw_only=True)
class Primary:
    """One comparison of the primary family: an omnibus test of one metric over one attribute."""

    output: str
    attribute: str
    metric: str


@dataclass(frozen=True, kw_only=True)
class IdentitySpec:
    """What the probe of identity terms is to use beside the audited file."""

    lexicon: str = ""
    """The user's own terms, a CSV file; relative to the spec's folder; empty: the lexicon that ships."""
    lexicon_replaces: bool = False
    """The user's terms alone, instead of beside those that ship."""
    suites: tuple[str, ...] = ()
    """Suites of sentences, CSV files: Dixon et al.'s sentence templates, or HateCheck's form."""
    shipped_suite: bool = True
    """Run the suite that ships as well."""
    suite_label: str = "toxic"
    """The yes/no output, or label, that a suite's gold label speaks of."""
    swap_texts: int = 100
    """Texts of each identity whose terms are swapped, drawn with the seed; 0: no swaps."""
    files: Mapping[str, str] = field(default_factory=dict)
    """File named above -> SHA-256 of what it held when the spec was read."""
    root: str = ""
    """Folder that those files are relative to: where they lie says nothing of what they are."""


@dataclass(frozen=True, kw_only=True)
class AttributionSpec:
    """How many examples are explained, and how; the probe takes minutes where these are large."""

    examples: int = 8
    """Rows explained in full: LIME, SHAP, the model's own method, and every trust number."""
    survey: int = 40
    """Rows explained by a short SHAP for the sums by group."""
    fast: int = 200
    """Pictures explained by the model's own method for the sums by group, where it has one."""
    terms: int = 40
    """Texts of each identity from which its words are taken away."""
    samples: int = 1000
    """Of LIME at most; it stops earlier where the top features are stable."""
    evaluations: int = 300
    """Of SHAP for an example in full."""
    superpixels: str = "slic"
    """"slic", "quickshift" or "grid"."""
    colour: str = "mean"
    """What is seen where a picture is hidden: "mean", "blur" or "grey"."""
    hide: str = "remove"
    """What becomes of hidden words: "remove", "mask" or "ellipsis"."""
    engine: str = "plumbline"
    """"plumbline"; or "library": LIME and SHAP by the libraries of that name, which are slower."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A resolved audit.toml."""

    name: str = ""
    version: str = ""
    seed: int = 0
    probes: tuple[str, ...] = ()
    """Empty: every registered probe that applies."""
    split: str = "test"
    """Split that the metrics use; where it has no rows the run says which it used."""
    level: float = 0.95
    minimum_n: int = 30
    depth: int = 2
    """Depth of crossings."""
    replicates: int = 2000
    draws: int = 9999
    columns: Mapping[str, str] = field(default_factory=dict)
    """name in the file -> name of the contract."""
    outputs: Mapping[str, OutputSpec] = field(default_factory=dict)
    attributes: Mapping[str, AttributeSpec] = field(default_factory=dict)
    identity_threshold: float = 0.5
    identity: IdentitySpec = field(default_factory=IdentitySpec)
    attribution: AttributionSpec = field(default_factory=AttributionSpec)
    primary: tuple[Primary, ...] = ()
    """Empty: one omnibus test per output x attribute of the headline errors."""
    margins: Mapping[str, float] = field(default_factory=lambda: dict(MARGINS))
    impact_minimum_share: float = 0.02
    """Smallest share of rows of a category that can be the reference of an impact ratio."""
    compose_by: str = ""
    """Attribute to whose pooled mix gaps are standardised; empty: truth band or class."""
    metrics: tuple[str, ...] = ()
    """A user's own metrics, ``package.module:function`` of (y_true, y_pred)."""
    search_depth: int = 3
    max_values: int = 100
    """An attribute with more values is not sliced."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, keys in order of declaration; files by their hash, without their folder."""
        plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        del plain["identity"]["root"]
        return plain

    def sha256(self) -> str:
        """Hash of the resolved spec: equal specs have equal hashes, whatever the order of their file."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()
