"""Compare predictions of the same held-back comments: AUC by label with intervals, and paired differences.

python -m benchmarks.comments_models tfidf ROWS.csv OUT.parquet       the linear baseline, on the train rows
python -m benchmarks.comments_models compare NAME=FILE[,FILE] ...     several files of a name are its seeds

AUC: `audit.auc` (DeLong, or Newcombe where a class is small). A difference is paired: its variance is that
of the mean over rows of the difference of placements (DeLong, DeLong & Clarke-Pearson 1988), over seeds and
labels averaged first; it says how far another draw of comments would move it, not another seed.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from audit.auc import mann_whitney
from audit.placements import rank

LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
COMMON = ("toxic", "obscene", "insult")
Z = 1.959964


def tfidf(rows, out):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_union

    data = pd.read_csv(rows, dtype={"id": str}, keep_default_na=False)
    data["text"] = data["comment_text"]
    train, test = data[data["split"] == "train"], data[data["split"] == "test"].copy()
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, strip_accents="unicode")
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=3, sublinear_tf=True)
    union = make_union(words, letters)
    x, y = union.fit_transform(train["text"]), union.transform(test["text"])
    for label in LABELS:
        model = LogisticRegression(C=4.0, max_iter=2000, solver="liblinear").fit(x, train[label])
        test[f"true.{label}"], test[f"score.{label}"] = test[label], model.predict_proba(y)[:, 1]
    columns = ["id", "split", *(f"{kind}.{label}" for label in LABELS for kind in ("true", "score")), "text"]
    test[columns].to_parquet(out, index=False)


def read(path):
    path = Path(path)
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"id": str})
    table = table[table["split"] == "test"] if "split" in table else table
    return table.set_index("id").sort_index()


def influence(scores, truth):
    """AUC, and (n,) what each row adds to its error."""
    positive = truth == 1
    m, n = positive.sum(), (~positive).sum()
    ranks = rankdata(scores)
    share = np.empty(len(scores))
    share[positive] = (ranks[positive] - rankdata(scores[positive])) / n
    share[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive])) / m
    auc = share[positive].mean()
    return auc, (share - auc) / np.where(positive, m, n)


def summed(files, labels):
    """Mean AUC over seeds and labels, and the rows' influences on it."""
    parts = [
        influence(f[f"score.{name}"].to_numpy(), f[f"true.{name}"].to_numpy())
        for f in files
        for name in labels
    ]
    return np.mean([auc for auc, _ in parts]), np.mean([rows for _, rows in parts], axis=0)


def compare(given):
    models = {
        name: [read(file) for file in files.split(",")] for name, files in (g.split("=") for g in given)
    }
    same = sorted(set.intersection(*(set(f.index) for files in models.values() for f in files)))
    models = {name: [f.loc[same] for f in files] for name, files in models.items()}
    print(f"{len(same)} comments that every file scores\n")
    first = next(iter(models.values()))[0]
    print("| label (positives) | " + " | ".join(f"{n} ({len(f)})" for n, f in models.items()) + " |")
    print("| --- |" + " --- |" * len(models))
    for label in LABELS:
        truth = first[f"true.{label}"].to_numpy() == 1
        cells = []
        for files in models.values():
            tables = [mann_whitney(rank(f[f"score.{label}"]), truth, ~truth) for f in files]
            value, low, high = (np.mean([getattr(t, k)[0] for t in tables]) for k in ("value", "low", "high"))
            seeds = " / ".join(f"{t.value[0]:.3f}" for t in tables) if len(tables) > 1 else ""
            cells.append(f"{value:.3f} [{low:.3f}, {high:.3f}]" + (f" ({seeds})" if seeds else ""))
        print(f"| {label} ({int(truth.sum())}) | " + " | ".join(cells) + " |")
    for name, chosen in (("mean of toxic, obscene, insult", COMMON), ("mean of all six", LABELS)):
        print(f"| {name} | " + " | ".join(f"{summed(f, chosen)[0]:.4f}" for f in models.values()) + " |")
    names = list(models)
    print("\n| paired difference | " + " | ".join([*LABELS, "toxic, obscene, insult", "all six"]) + " |")
    print("| --- |" + " --- |" * (len(LABELS) + 2))
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            cells = []
            for chosen in [*((label,) for label in LABELS), COMMON, LABELS]:
                (va, ia), (vb, ib) = summed(models[a], chosen), summed(models[b], chosen)
                half = Z * np.sqrt(((ia - ib) ** 2).sum())
                cells.append(f"{va - vb:+.4f} [{va - vb - half:+.4f}, {va - vb + half:+.4f}]")
            print(f"| {a} − {b} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("tfidf", "compare"))
    parser.add_argument("given", nargs="+")
    args = parser.parse_args()
    if args.what == "tfidf":
        tfidf(*args.given)
    else:
        compare(args.given)


if __name__ == "__main__":
    main()
