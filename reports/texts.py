"""The standing words of a report: methods, limits, standards, glossary. Assess, measure, mitigate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NO_SIGN_OFF = "No sign-off and no note is recorded for this run."

METHODS: Sequence[tuple[str, str, str]] = (
    (
        "Rates",
        "Wilson score interval. No events are shown as an upper bound, never as 0%.",
        "Brown, Cai & DasGupta 2001",
    ),
    (
        "Differences of rates",
        "Newcombe hybrid score interval, method 10.",
        "Newcombe 1998",
    ),
    (
        "Ratios of rates",
        "Koopman score, or MOVER on Wilson limits.",
        "Koopman 1984; Donner & Zou 2012",
    ),
    (
        "Means of errors",
        "t interval; marked approximate where n < 50 and the errors are skewed.",
        "Student 1908; Welch 1947",
    ),
    (
        "ROC AUC",
        "DeLong's placements on the logit scale; classes under 60 rows take the wider of that and "
        "Newcombe's method 5.",
        "Sun & Xu 2014; Newcombe 2006",
    ),
    (
        "Mentions of identities",
        "Subgroup, BPSN and BNSP AUC, FPR and FNR against texts that do not speak of the identity; "
        "differences by MOVER or Newcombe; all cells are one family, Holm.",
        "Borkan et al. 2019",
    ),
    (
        "Calibration",
        "15 bins of equal mass shared by all groups; L2 corrected for sampling, L1 plain; bootstrap.",
        "Kumar, Liang & Ma 2019",
    ),
    (
        "Max − min",
        "No bootstrap interval, which fails for a true gap of 0; beside each stands what equal "
        "groups would give by chance: mean, 95% range and p.",
        "Lum, Zhang & Bower 2022",
    ),
    (
        "Tests",
        "Score test, or mid-p Fisher where an expected cell is below 5; Welch for means; DeLong z "
        "for AUC. Primary family: Holm. All other slices: Benjamini–Hochberg at .05.",
        "Holm 1979; Benjamini & Hochberg 1995",
    ),
    (
        "Severity",
        "The end of the interval nearest zero, on the harmful side, ÷ the metric's margin: high "
        "from 2, medium from 1, low above 0. Adjusted p > .05, an interval that touches 0 or a "
        "small slice: not established.",
        "",
    ),
    (
        "Small slices",
        "Ranked only from {minimum_n} rows of the metric's denominator, with 5 expected events "
        "and 5 expected non-events at the reference's rate.",
        "",
    ),
    (
        "Power",
        "The smallest gap found with 80% probability at two-sided .05 ÷ family size.",
        "",
    ),
    (
        "Clusters",
        "Rows that belong together are resampled, split and permuted together; intervals use n ÷ "
        "design effect.",
        "Miller 2024",
    ),
)
LIMITS: Sequence[tuple[str, str]] = (
    (
        "Not all gaps can be zero.",
        "Where base rates differ between groups, error rates, predictive values and selection "
        "rates can't all be equal at once. Which of them matters is a decision, not a result.",
    ),
    (
        "Many comparisons were made.",
        "Adjusted p values hold within their own family only; intervals are not adjusted. An "
        "unlisted difference is not a difference of zero.",
    ),
    (
        "No gap found is not equality.",
        "Read it with the smallest gap that the slice could have shown.",
    ),
    (
        "Declared attributes only.",
        "Attributes come with the data and are never inferred. Groups that nobody declared were "
        "not looked at.",
    ),
    (
        "Slices found by search were looked for.",
        "They are tested again on rows that the search did not see; the numbers of that second "
        "look are the ones to quote.",
    ),
    (
        "No causes.",
        "A gap says where a model errs more, not why, and not what a change would do.",
    ),
    (
        "These rows only.",
        "The figures hold for the rows that were audited. Other data, other times and other uses "
        "need their own audit.",
    ),
)
STANDARDS: Sequence[tuple[str, str, str]] = (
    (
        "Model Cards (Mitchell et al. 2019)",
        "Model details, factors, metrics, evaluation data, quantitative analyses (unitary and "
        "intersectional)",
        "pages 1 and 2; the other parts are their owner's: plumbline card",
    ),
    (
        "EU AI Act, Annex IV",
        "1, 2(d), 2(g), 3, 4, 6",
        "evidence towards these items; no verdict of conformity",
    ),
    (
        "NIST AI RMF 1.0",
        "MEASURE 2.11",
        "evidence; no verdict of conformity",
    ),
)
GLOSSARY: Sequence[tuple[str, str]] = (
    (
        "Adjusted p",
        "how surprising a difference would be if there were none, made larger for the number of tests.",
    ),
    (
        "AUC",
        "the chance that a positive row scores above a negative one; .5 is guessing.",
    ),
    (
        "BPSN, BNSP AUC",
        "AUC of an identity's texts without the label against other texts with it, and the other way.",
    ),
    (
        "Bias (signed)",
        "mean of predicted − true: which way a number errs.",
    ),
    (
        "By chance",
        "what equal groups of these sizes would show.",
    ),
    (
        "Crossing",
        "a slice named by two or more attributes at once.",
    ),
    (
        "FNR",
        "share of truly positive rows that the model missed.",
    ),
    (
        "FPR",
        "share of truly negative rows that the model flagged.",
    ),
    (
        "Interval",
        "the range that holds the true value in {level} of audits like this one.",
    ),
    (
        "MAE",
        "mean distance between predicted and true number.",
    ),
    (
        "Margin",
        "the difference that is taken to matter; set in the spec.",
    ),
    (
        "n",
        "rows in the metric's own denominator: positives for FNR.",
    ),
    (
        "Points",
        "difference of two percentages.",
    ),
    (
        "Reference",
        "what a slice is compared with: everyone else, unless the spec names a group.",
    ),
    (
        "Selection rate",
        "share of rows for which the model says yes.",
    ),
    (
        "Slice",
        "rows that share values of declared attributes.",
    ),
)
PROBES: Mapping[str, str] = {
    "group_error": "error by group",
    "identity_terms": "identity terms in text",
    "attribution": "attribution: what the model looks at",
    "leakage": "leakage between splits",
    "adversarial": "attacks and corruptions",
    "privacy": "membership inference",
    "latency": "latency",
    "selfcheck": "the self-check: planted faults found and false alarms raised",
}
"""Everything that an audit can look at; what a run did not look at is said."""
UNTESTED_SHORT: Mapping[str, str] = {
    "too_few": "too few",
    "too_few_expected": "too few",
    "unknown_group": "unknown",
    "mirror": "mirror",
    "is_reference": "reference",
    "no_reference": "no ref.",
    "attribute_fixes_truth": "fixed",
    "no_harmful_direction": "shown only",
    "shown_only": "shown only",
}
UNTESTED_MEANING: Mapping[str, str] = {
    "too few": "below the minimum n, or fewer than 5 expected events",
    "unknown": "rows without a group are shown, never tested",
    "mirror": "the other of two groups was tested: the same comparison",
    "reference": "the group that others are compared with",
    "no ref.": "nobody to compare with",
    "fixed": "the attribute fixes the truth: the difference is not the model's alone",
    "shown only": "neither direction is harmful by itself",
}
BANNED = ("debias", "prove fair", "proves fair", "bias-free", "unbiased model")
"""Words that promise what no audit can; a test keeps them out."""
