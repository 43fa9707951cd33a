"""Search for good hyper-parameters with Optuna: prunes what lags, goes on where it stopped, keeps time.

A study lives in one SQLite file in the output folder. The same command on the same data adds trials to it.
The best setting is written as TOML for `plumbline train --settings best.toml`.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from audit.errors import InputError, PlumblineError
from training.settings import write

if TYPE_CHECKING:
    import optuna

KINDS = {"faces": ("nll", "minimize"), "comments": ("auc", "maximize"), "mushrooms": ("nll", "minimize")}
"""Model -> metric of an epoch that is searched for, and which way is better."""
PATHS = ("data", "weights_out", "work", "settings", "resume", "minutes", "help")
"""Flags that are no setting of the model."""
FEWEST_MINUTES = 0.05
"""A trial is not begun with less time left."""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search came to."""

    best: Mapping[str, Any]
    """Flag -> value."""
    value: float
    trials: int
    """Finished, in this call and before."""
    pruned: int
    settings: Path
    """The TOML file."""


def search(
    kind: str,
    data: Path,
    out: Path,
    *,
    flags: Sequence[str] = (),
    trials: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    say: Say = print,
) -> Found:
    """Run trials until a number of them or the minutes are used up.

    Args:
        kind: a key of `KINDS`.
        data: the data folder.
        out: folder of the study, its plots, its table and the best setting.
        flags: further flags of `plumbline train KIND` that every trial has, e.g. ``["--size", "96"]``.
        trials: to run in this call; None: until the minutes are over.
        minutes: budget of this call; a trial that is under way is cut when they are over.
        seed: of the sampler and the trainings.
        say: takes lines for a person.

    Raises:
        InputError: no such model, neither trials nor minutes, or `out` holds a study of something else.
        PlumblineError: no trial was finished.
    """
    if trials is None and minutes is None:
        raise InputError("--trials, --minutes", "one of the two was expected; neither came.")
    module = _module(kind)
    parser = argparse.ArgumentParser(prog=f"plumbline train {kind}", allow_abbrev=False, exit_on_error=False)
    module.add_arguments(parser)
    base = _parsed(parser, ["--data", str(data), "--seed", str(seed), *flags])
    base.work = out / "trials"
    prepared = module.prepare(base)
    space = {name: range_ for name, range_ in module.SPACE.items() if not _was_given(name, flags)}
    study = _study(kind, out, _identity(prepared, base, space), seed)
    until = None if minutes is None else monotonic() + minutes * 60
    done = 0
    while (trials is None or done < trials) and (until is None or until - monotonic() > FEWEST_MINUTES * 60):
        trial = study.ask()
        _run(study, trial, module, base, space, prepared, until, out)
        done += 1
        say(_line(study.trials[-1], study))
    return _finish(study, kind, base, parser, out)


def suggest(trial: optuna.Trial, space: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Draw one value for every name.

    Args:
        trial: who draws.
        space: name -> ("log", low, high), ("linear", low, high), ("whole", low, high) or ("one of", ...).
    """
    drawn: dict[str, Any] = {}
    for name, (how, *range_) in space.items():
        if how == "one of":
            drawn[name] = trial.suggest_categorical(name, range_)
        elif how == "whole":
            drawn[name] = trial.suggest_int(name, *range_)
        else:
            drawn[name] = trial.suggest_float(name, *range_, log=how == "log")
    return drawn


def _run(
    study: optuna.Study,
    trial: optuna.Trial,
    module: Any,
    base: argparse.Namespace,
    space: Mapping[str, tuple[Any, ...]],
    prepared: Any,
    until: float | None,
    out: Path,
) -> None:
    """One trial: train, report every epoch, stop where it lags."""
    import optuna

    metric = study.user_attrs["metric"]
    args = argparse.Namespace(**{**vars(base), **suggest(trial, space)})
    args.work = out / "trials" / f"{trial.number:04d}"
    args.minutes = None if until is None else max((until - monotonic()) / 60, FEWEST_MINUTES)
    epochs: list[float] = []

    def on_epoch(metrics: Mapping[str, float]) -> None:
        epochs.append(float(metrics[metric]))
        trial.report(epochs[-1], len(epochs) - 1)
        if trial.should_prune():
            raise optuna.TrialPruned

    try:
        outcome = module.train(args, on_epoch, prepared)
        trial.set_user_attr("stopped", outcome.results[-1].stopped)
        study.tell(trial, outcome.value)
    except optuna.TrialPruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    except InputError as error:  # a setting that makes the loss overflow is a bad trial, not the end
        if not epochs and len(study.trials) == 1:
            raise
        trial.set_user_attr("failed", str(error))
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    except BaseException:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        raise
    finally:
        for checkpoints in args.work.rglob("checkpoints"):  # weights of every trial would fill the disk
            shutil.rmtree(checkpoints, ignore_errors=True)


def _study(kind: str, out: Path, identity: str, seed: int) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    out.mkdir(parents=True, exist_ok=True)
    metric, direction = KINDS[kind]
    storage = f"sqlite:///{(out / 'study.db').resolve()}"
    study = optuna.create_study(study_name=kind, storage=storage, direction=direction, load_if_exists=True)
    known = study.user_attrs.get("identity", identity)
    if known != identity:
        raise InputError(
            str(out / "study.db"), "holds a search with other data or flags.", "Choose another --out."
        )
    study.set_user_attr("identity", identity)
    study.set_user_attr("metric", metric)
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):  # killed in an earlier call
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    # a seed alone would draw the first trials again after a resume
    study.sampler = optuna.samplers.TPESampler(seed=seed + 1000 * len(study.trials))
    # finished trials are the good ones: against their median, nearly every later trial would be pruned
    study.pruner = optuna.pruners.PercentilePruner(75.0, n_startup_trials=4, n_warmup_steps=2)
    return study


def _finish(
    study: optuna.Study, kind: str, base: argparse.Namespace, parser: argparse.ArgumentParser, out: Path
) -> Found:
    import optuna

    from training.search_plots import draw

    complete = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    pruned = study.get_trials(states=(optuna.trial.TrialState.PRUNED,))
    _write_table(study, out / "trials.csv")
    if not complete:
        raise PlumblineError(
            f"no trial was finished; give more --minutes or --trials. The study stays in {out}."
        )
    best = study.best_trial
    told = {
        action.dest: getattr(base, action.dest)
        for action in parser._actions
        if action.dest not in PATHS and getattr(base, action.dest) not in (action.default, [], None)
    }
    path = out / "best.toml"
    metric, _ = KINDS[kind]
    remarks = (
        f"plumbline tune {kind}: the best of {len(complete)} finished trials ({len(pruned)} pruned)",
        f"validation {metric} {best.value:.4f}, trial {best.number}",
    )
    write(path, {**told, **best.params}, remarks)
    draw(study, out)
    return Found(
        best=dict(best.params),
        value=float(best.value),
        trials=len(complete),
        pruned=len(pruned),
        settings=path,
    )


def _write_table(study: optuna.Study, path: Path) -> None:
    names = sorted({name for trial in study.trials for name in trial.params})
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["trial", "state", "value", "epochs", "seconds", *names])
        for trial in study.trials:
            seconds = trial.duration.total_seconds() if trial.duration else ""
            head = [trial.number, trial.state.name.lower(), "" if trial.value is None else trial.value]
            writer.writerow(
                [*head, len(trial.intermediate_values), seconds, *(trial.params.get(n, "") for n in names)]
            )


def _module(kind: str) -> Any:
    """What a search needs of a model's training: add_arguments, train, SPACE, and prepare(args)."""
    if kind not in KINDS:
        raise InputError(f"model {kind!r}", f"one of {', '.join(KINDS)} was expected.")
    module = importlib.import_module(f"training.{kind}")

    def prepare(args: argparse.Namespace) -> Any:
        if kind == "comments":
            return importlib.import_module("training.comment_data").prepare(args.data, args.seed)
        return importlib.import_module("training.image_data").prepare(kind, args)

    return argparse.Namespace(
        add_arguments=module.add_arguments, train=module.train, SPACE=module.SPACE, prepare=prepare
    )


def _parsed(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    try:
        args, unknown = parser.parse_known_args(list(words))
    except argparse.ArgumentError as error:
        raise InputError("flags of train", f"{error}.") from error
    if unknown:
        raise InputError(
            "flags of train", f"{' '.join(unknown)} is not known.", f"`{parser.prog} --help` lists them."
        )
    return args


def _was_given(name: str, flags: Sequence[str]) -> bool:
    """A flag that the person set is not searched."""
    word = "--" + name.replace("_", "-")
    return any(flag == word or flag.startswith(word + "=") for flag in flags)


def _identity(prepared: Any, base: argparse.Namespace, space: Mapping[str, Any]) -> str:
    fixed = {
        k: str(v) for k, v in sorted(vars(base).items()) if k not in (*PATHS, *space, "workers", "log_every")
    }
    return f"{prepared.sha256[:16]} {fixed}"


def _line(trial: optuna.trial.FrozenTrial, study: optuna.Study) -> str:
    value = "" if trial.value is None else f" {trial.value:.4f}"
    try:
        best = f"; best {study.best_value:.4f}"
    except ValueError:
        best = ""
    epochs = len(trial.intermediate_values)
    return f"trial {trial.number}: {trial.state.name.lower()}{value} after {epochs} epochs{best}"
