"""Suites on trained models: pass rates by functionality, and the identities that fare worst.

python -m benchmarks.identity_suites ROWS.csv --suite hatecheck.csv --suite templates.csv.gz \
    MiniLM=minilm-0,minilm-1,minilm-2 BiLSTM=bilstm-0,bilstm-1,bilstm-2

ROWS.csv is what benchmarks/comments_rows.py writes: a TF-IDF and logistic regression is trained on its train
rows, its threshold set to the best F1 on the validation rows; the networks bring thresholds of their own.
Several weights of a name are its seeds: a rate is their mean, its interval the mean of their intervals.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_auc_score

from audit.core import Task, TaskKind
from audit.identity_terms.lexicon import built_in
from audit.identity_terms.scored import Scored, score_texts
from audit.identity_terms.suite_results import suite_rows
from audit.identity_terms.suites import Suite, read_suite, shipped_suite

LABEL = "toxic"
PUBLISHED = {
    "all": (63.2, 60.2, 76.6, 33.2),
    "ident_neutral_nh": (20.6, 58.7, 84.1, 100.0),
    "ident_pos_nh": (21.7, 52.9, 54.0, 100.0),
    "negate_neg_nh": (12.8, 12.0, 3.8, 96.2),
    "counter_quote_nh": (26.6, 32.9, 15.6, 79.8),
    "slur_reclaimed_nh": (39.5, 33.3, 28.4, 18.5),
    "spell_char_swap_h": (69.9, 58.6, 88.7, 11.3),
    "spell_char_del_h": (59.3, 47.9, 74.3, 0.0),
    "spell_space_del_h": (68.1, 51.1, 80.1, 13.5),
    "spell_space_add_h": (43.9, 37.6, 74.0, 22.5),
    "spell_leet_h": (48.0, 43.9, 68.2, 16.2),
}
"""Accuracy in per cent of BERT trained on Davidson, BERT trained on Founta, Perspective and SiftNinja, from
the notebook of HateCheck's authors (Röttger et al. 2021, paul-rottger/hatecheck-experiments)."""


class Linear:
    """TF-IDF of words and letters into a logistic regression, as benchmarks/comments_models.py has it."""

    payload = "text"
    tasks = {LABEL: Task(kind=TaskKind.BINARY, classes=("no", "yes"))}

    def __init__(self, rows: Path) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_union

        data = pd.read_csv(rows, dtype={"id": str}, keep_default_na=False)
        train, held = data[data["split"] == "train"], data[data["split"] == "validation"]
        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, strip_accents="unicode")
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=3, sublinear_tf=True)
        self.union = make_union(words, letters)
        x = self.union.fit_transform(train["comment_text"])
        self.model = LogisticRegression(C=4.0, max_iter=2000, solver="liblinear").fit(x, train[LABEL])
        scores = self.predict(held["comment_text"].tolist())[LABEL]
        precision, recall, thresholds = precision_recall_curve(held[LABEL], scores)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        self.threshold = float(thresholds[np.argmax(f1[:-1])])

    def predict(self, batch: Sequence[str]) -> dict[str, np.ndarray]:
        """Score texts."""
        return {LABEL: self.model.predict_proba(self.union.transform(batch))[:, 1]}

    def decide(self, scores: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Decide by the tuned threshold."""
        return {LABEL: (scores[LABEL] >= self.threshold).astype(np.int8)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("weights", nargs="*", help="NAME=FOLDER[,FOLDER]")
    parser.add_argument("--suite", type=Path, action="append", default=[])
    parser.add_argument("--keep", type=Path, help="folder of scores: a second run need not score again")
    args = parser.parse_intermixed_args()
    from models.text_adapter import load

    lexicon = built_in()
    suites = [shipped_suite(lexicon), *(read_suite(path, lexicon) for path in args.suite)]
    models = {"TF-IDF": [Linear(args.rows)]}
    for given in args.weights:
        name, _, folders = given.partition("=")
        models[name] = [load(folder) for folder in folders.split(",")]
    for name, seeds in models.items():
        told = [getattr(one, "threshold", None) or one.thresholds[LABEL] for one in seeds]
        print(f"threshold of {name}: {', '.join(f'{one:.3f}' for one in told)}")
    for suite in suites:
        scored = {}
        for name, seeds in models.items():
            start = time.perf_counter()
            scored[name] = [
                score_texts(model, suite.texts, keep=args.keep and args.keep / suite.name / f"{name}-{i}")
                for i, model in enumerate(seeds)
            ]
            spent = time.perf_counter() - start
            print(f"\n{suite.name}, {name}: {len(suite.texts) * len(seeds) / spent:,.0f} texts/s")
        show(suite, scored)


def show(suite: Suite, scored: dict[str, list[Scored]]) -> None:
    """Print the tables of one suite."""
    tables = {
        name: [
            pd.DataFrame(suite_rows(suite, one, LABEL, 0.95, 30)).set_index(
                ["functionality", "target", "gold"]
            )
            for one in seeds
        ]
        for name, seeds in scored.items()
    }
    first = next(iter(tables.values()))[0]
    published = PUBLISHED if "derog_neg_emote_h" in suite.functionalities else {}
    print(f"\n## {suite.name}: {len(suite.texts):,} cases\n")
    given = " | BERT-Davidson | BERT-Founta | Perspective | SiftNinja" if published else ""
    print(f"| passed, % | cases | {' | '.join(tables)}{given} |")
    print("| --- |" + " --- |" * (1 + len(tables) + 4 * bool(published)))
    keys = [("", "", "both"), ("", "", "yes"), ("", "", "no")]
    keys += [key for key in first.index if key[0] and not key[1]]
    for key in keys:
        cells = [whole(seeds, key) if key[0] == "" else mean(seeds, key) for seeds in tables.values()]
        side = {"both": "", "yes": " (toxic)", "no": " (not toxic)"}[key[2]]
        theirs = published.get(key[0] or ("all" if key[2] == "both" else ""), ())
        cells += [f"{one:.1f}" for one in theirs] or [""] * 4 * bool(published)
        print(f"| {(key[0] or 'all') + side} | {first.loc[key, 'n']:,} | {' | '.join(cells)} |")
    gold = np.array(suite.gold)
    for name, seeds in scored.items():
        aucs = [roc_auc_score(gold, one.scores[:, one.labels.index(LABEL)]) for one in seeds]
        print(f"AUC of {name}: {' / '.join(f'{auc:.3f}' for auc in aucs)}")
    for wanted, words in (("no", "harmless sentences called toxic"), ("yes", "toxic sentences missed")):
        print(f"\n{words}, % by target, worst five and best, mean of seeds:")
        for name, seeds in tables.items():
            print(f"- {name}: {worst(seeds, wanted)}")


def whole(seeds: list[pd.DataFrame], key: tuple[str, str, str]) -> str:
    low, high = (np.mean([one.loc[key, end] for one in seeds]) for end in ("low", "high"))
    rates = " / ".join(f"{100 * one.loc[key, 'rate']:.1f}" for one in seeds)
    return f"{mean(seeds, key)} [{100 * low:.1f}, {100 * high:.1f}]" + (
        f" ({rates})" if len(seeds) > 1 else ""
    )


def mean(seeds: list[pd.DataFrame], key: tuple[str, str, str]) -> str:
    return f"{100 * np.mean([one.loc[key, 'rate'] for one in seeds]):.1f}"


def worst(seeds: list[pd.DataFrame], wanted: str) -> str:
    parts = [one.reset_index() for one in seeds]
    parts = [
        one[(one["functionality"] == "") & ~one["target"].isin(["", "(nobody)"]) & (one["gold"] == wanted)]
        for one in parts
    ]
    failed = 100 * (1 - np.mean([one["rate"].to_numpy() for one in parts], axis=0))
    order = np.argsort(-failed, kind="stable")
    told = [
        f"{parts[0]['target'].iloc[i]} {failed[i]:.1f} (n={parts[0]['n'].iloc[i]})"
        for i in [*order[:5], order[-1]]
    ]
    return ", ".join(told)


if __name__ == "__main__":
    main()
