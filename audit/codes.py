"""Codes of the vocabulary: why a number is missing, how a probe ended, how severe a finding is."""

from __future__ import annotations

from enum import StrEnum

SPLITS = ("train", "validation", "test")


class Reason(StrEnum):
    """Why a number was not computed or a comparison not tested. Words for each are in `audit.wording`."""

    NO_TRUTH = "no_truth"
    NO_SCORES = "no_scores"
    NO_ROWS = "no_rows"
    NO_POSITIVES = "no_positives"
    NO_NEGATIVES = "no_negatives"
    NO_SELECTED = "no_selected"
    ONE_CLASS = "one_class"
    TOO_FEW = "too_few"
    TOO_FEW_EXPECTED = "too_few_expected"
    UNKNOWN_GROUP = "unknown_group"
    MIRROR = "mirror"
    IS_REFERENCE = "is_reference"
    NO_REFERENCE = "no_reference"
    ATTRIBUTE_FIXES_TRUTH = "attribute_fixes_truth"
    NO_HARMFUL_DIRECTION = "no_harmful_direction"
    TOO_MANY_VALUES = "too_many_values"
    NO_ATTRIBUTES = "no_attributes"
    NO_IDENTITIES = "no_identities"
    NO_YES_NO = "no_yes_no"
    NO_THRESHOLD = "no_threshold"
    SINGLE_ATTRIBUTES_ONLY = "single_attributes_only"
    NEEDS_MODEL = "needs_model"
    NEEDS_DATA = "needs_data"
    NO_TRAINING = "no_training"
    FAILED = "failed"


class Status(StrEnum):
    """How a probe ended."""

    OK = "ok"
    NOT_APPLICABLE = "not_applicable"
    FAILED = "failed"


class Level(StrEnum):
    """Severity of a finding, worst first; NOT_ESTABLISHED is never ranked above an established one."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NOT_ESTABLISHED = "not_established"
