"""What a trained model says of a data set, as a table that `plumbline audit` reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.predicted import predictions_table
from audit.protocols import Model, Progress
from audit.scoring import score
from training.data.contract import contract_table
from training.data.records import Comments, DataSet


def predictions(
    model: Model,
    data: DataSet,
    *,
    clusters: NDArray[np.int32] | None = None,
    beside: Path | None = None,
    batch_size: int = 64,
    workers: int = 0,
    progress: Progress | None = None,
) -> pa.Table:
    """Score every row; columns as the predictions contract names them.

    Args:
        model: an adapter, such as `models.text_adapter.load` gives.
        data: rows and what is known of them.
        clusters: (n,) near copies, for the column `cluster`.
        beside: folder in which the file will lie; images are named relative to it.
        batch_size: rows in one forward pass.
        workers: processes that decode pictures.
        progress: told how many rows are scored.

    Returns:
        id, split, truth and scores of each output (gender's truth is 0/1 in the order of the model's
        classes), what else is measured (``spread.age``, in years), group.*, identity.*, cluster, text or
        image.
    """
    payloads = data.text if isinstance(data, Comments) else data.paths
    scores = score(
        model,
        payloads.to_pylist(),
        root=data.root,
        batch_size=batch_size,
        workers=workers,
        progress=progress,
    )
    return predictions_table(model, contract_table(data, clusters, beside), scores)
