"""A search as a picture: the course of its trials, what each parameter did, and how much each mattered."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna

INK, MARK, GREY, GRID = "#1f4e79", "#b3541e", "#8a8a8a", "#dddddd"


def draw(study: optuna.Study, out: Path) -> list[Path]:
    """Draw `search.svg` and `search.png`.

    Args:
        study: with at least one finished trial.
        out: folder for the two files.
    """
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "plumbline", "font.size": 9}):
        figure = _figure(study)
        paths = [out / "search.svg", out / "search.png"]
        figure.savefig(paths[0], metadata={"Date": None})
        figure.savefig(paths[1], dpi=110)
    return paths


def _figure(study: optuna.Study) -> Any:
    import optuna
    from matplotlib.figure import Figure  # not pyplot: no window, nothing global

    done = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    names = sorted({name for trial in done for name in trial.params})
    columns = min(4, len(names) + 3)
    rows = -(-(len(names) + 3) // columns)
    figure = Figure(figsize=(3.6 * columns, 2.9 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    _course(panels[0], study, done)
    _epochs(panels[1], study)
    _importance(panels[2], study, len(done))
    for panel, name in zip(panels[3:], names, strict=False):
        _parameter(panel, name, done, study.best_trial)
    for panel in panels:
        panel.grid(color=GRID, lw=0.5)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[len(names) + 3 :]:
        panel.set_visible(False)
    return figure


def _course(panel: Any, study: optuna.Study, done: list[Any]) -> None:
    better = min if study.direction.name == "MINIMIZE" else max
    best: list[float] = []
    for trial in done:
        best.append(trial.value if not best else better(best[-1], trial.value))
    numbers = [trial.number for trial in done]
    panel.plot(numbers, [trial.value for trial in done], "o", color=INK, ms=4, label="finished")
    cut = [t for t in study.trials if t.state.name == "PRUNED" and t.intermediate_values]
    if cut:
        last = [t.intermediate_values[max(t.intermediate_values)] for t in cut]
        panel.plot([t.number for t in cut], last, "x", color=GREY, ms=5, label="pruned")
    panel.step(numbers, best, where="post", color=MARK, lw=1.2, label="best so far")
    panel.legend(frameon=False)
    panel.set_title(f"validation {study.user_attrs.get('metric', 'value')} by trial")
    panel.set_xlabel("trial")
    panel.xaxis.get_major_locator().set_params(integer=True)


def _epochs(panel: Any, study: optuna.Study) -> None:
    for trial in study.trials:
        steps = sorted(trial.intermediate_values)
        best = trial.number == study.best_trial.number
        colour = MARK if best else GREY if trial.state.name == "PRUNED" else INK
        values = [trial.intermediate_values[step] for step in steps]
        panel.plot(
            [step + 1 for step in steps], values, color=colour, lw=1.8 if best else 0.7, marker=".", ms=3
        )
    panel.set_title("by epoch (best in orange, pruned in grey)")
    panel.set_xlabel("epoch")
    panel.xaxis.get_major_locator().set_params(integer=True)


def _importance(panel: Any, study: optuna.Study, finished: int) -> None:
    import optuna

    panel.set_title("importance (fANOVA)")
    shares: dict[str, float] = {}
    if finished >= 4:  # below it the forest has nothing to split
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                shares = optuna.importance.get_param_importances(
                    study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
                )
            except (ValueError, RuntimeError, ImportError):
                shares = {}
    if not shares:
        panel.text(0.5, 0.5, "too few finished trials", ha="center", va="center", transform=panel.transAxes)
        return
    ordered = sorted(shares.items(), key=lambda item: item[1])
    panel.barh([name for name, _ in ordered], [share for _, share in ordered], color=INK)
    panel.set_xlim(0, 1)


def _parameter(panel: Any, name: str, done: list[Any], best: Any) -> None:
    with_it = [trial for trial in done if name in trial.params]
    values = [trial.params[name] for trial in with_it]
    if any(isinstance(value, str) for value in values):
        values = [str(value) for value in values]
    panel.plot(values, [trial.value for trial in with_it], "o", color=INK, ms=4)
    if name in best.params:
        chosen = best.params[name]
        panel.plot(
            [chosen if not isinstance(chosen, bool) else str(chosen)], [best.value], "o", color=MARK, ms=7
        )
    spread = [value for value in values if isinstance(value, float) and value > 0]
    if len(spread) == len(values) and spread and max(spread) / min(spread) > 20:
        panel.set_xscale("log")
    panel.set_title(name)
