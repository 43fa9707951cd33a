"""Fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from audit.core import Examples, Predictions
from audit.protocols import Context
from audit.spec import Spec


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., Context]:
    def make(examples: Examples, *predictions: Predictions, **spec: object) -> Context:
        return Context(
            examples=examples,
            predictions={p.output: p for p in predictions},
            audited=examples.split == 2,
            spec=Spec(**spec),  # type: ignore[arg-type]
            seed=0,
            executor=ThreadPoolExecutor(1),
            cache=tmp_path,
        )

    return make
