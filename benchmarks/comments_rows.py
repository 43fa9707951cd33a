"""The rows of docs/real-runs-comments.md: 9,000 Jigsaw comments to train on, 1,000 to tune, 4,000 held back.

python benchmarks/comments_rows.py JIGSAW/train.csv.gz PREDICTIONS/comments-tfidf-v1.csv.gz OUT.csv

Held back are the rows of the predictions file, so that its figures can be compared with ours.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
VALIDATION = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("comments", "held_back", "out"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    rows = pd.read_csv(args.comments, dtype={"id": str}, keep_default_na=False)
    held = set(pd.read_csv(args.held_back, usecols=["id"], dtype=str)["id"])
    rows["split"] = np.where(rows["id"].isin(held), "test", "train")
    # validation keeps every label's share: rows are dealt out by their rarest label, one in ten
    order = rows[rows["split"] == "train"].sample(frac=1, random_state=0)
    counts = order[list(LABELS)].sum()
    rarest = order[list(LABELS)].mul(1 / counts).idxmax(axis=1).where(order[list(LABELS)].any(axis=1), "none")
    share = VALIDATION / len(order)
    chosen = [group.index[: round(share * len(group))] for _, group in order.groupby(rarest)]
    rows.loc[np.concatenate(chosen), "split"] = "validation"
    args.out.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(args.out, index=False)
    print(rows["split"].value_counts().to_string())
    print(rows.groupby("split")[list(LABELS)].sum().to_string())


if __name__ == "__main__":
    main()
