"""Errors that a person can act on. Each names the place, what was allowed and what came."""

from __future__ import annotations


class PlumblineError(Exception):
    """Base of every error whose message is meant for the user: shown without a traceback, exit code 1."""


class InputError(PlumblineError):
    """A predictions file, data folder or column that can't be read or understood."""

    def __init__(self, place: str, problem: str, remedy: str = "") -> None:
        """Join the three parts every message must have.

        Args:
            place: file, and record or column where known, e.g. ``preds.csv, column score.toxic``.
            problem: what was expected and what came.
            remedy: what to do about it; may be empty where the problem says it.
        """
        self.place, self.problem, self.remedy = place, problem, remedy
        super().__init__(f"{place}: {problem}" + (f" {remedy}" if remedy else ""))


class SpecError(InputError):
    """An audit.toml that is malformed or names what the data do not have."""


class RunError(PlumblineError):
    """A run folder that is missing, ambiguous, unfinished, altered or of an unknown schema version."""


class MissingExtraError(PlumblineError):
    """An optional dependency is not installed; the message carries the pip line."""

    def __init__(self, what: str, extra: str) -> None:
        """Say what needed it and how to get it."""
        super().__init__(f"{what} needs an optional part of Plumbline: pip install 'plumbline[{extra}]'")
