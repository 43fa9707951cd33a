"""Running an audit's probes one after another, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import os
import re
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from audit import registry
from audit.core import Section, Status
from audit.errors import PlumblineError
from audit.protocols import Context, Probe
from audit.store.layout import RunPlace
from audit.store.sections import (
    check_probe_name,
    finished_section,
    forget_section,
    write_section,
    write_traceback,
)

_FOLDERS = re.compile(r"(?<![\w.:/\\])(?:[A-Za-z]:)?[/\\](?:[^\s/\\'\":]+[/\\])+")
"""The folders of an absolute path, up to the name of the file."""
ON_REQUEST = frozenset({"latency"})
"""Probes that run only when they are named: what they measure differs from run to run, and equal audits must
have an equal run.json."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A probe that an audit will run, or why a registered one could not be had."""

    name: str
    probe: Probe | None
    why: str = ""


@dataclass(kw_only=True)
class Sections:
    """What came of the probes."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    """Entries of run.json, in the order of the probes."""
    seconds: dict[str, float] = field(default_factory=dict)
    reused: list[str] = field(default_factory=list)
    """Probes whose section an earlier, interrupted process had finished."""


def probe_names(asked: Sequence[str]) -> tuple[str, ...]:
    """Names of the probes to run: those asked for, or every registered one but those `ON_REQUEST`.

    Raises:
        PlumblineError: names that are not registered; all of them are named, with those that are known.
    """
    known = registry.names("probe")
    unknown = [name for name in asked if ":" not in name and name not in known]
    if unknown:
        raise PlumblineError(
            f"no probe is called {', '.join(map(repr, unknown))}. Known: {', '.join(known) or 'none'}; "
            "package.module:name works too."
        )
    return tuple(dict.fromkeys(asked)) or tuple(name for name in known if name not in ON_REQUEST)


def load_probes(names: Sequence[str], *, asked: bool) -> list[Chosen]:
    """Import and make the probes.

    Args:
        names: from `probe_names`.
        asked: a person named them: then one that can't be imported is an error, else a failed section.

    Raises:
        PlumblineError: a probe that was asked for can't be had, or two have the same name.
    """
    chosen: list[Chosen] = []
    for name in names:
        try:
            made = _make(name)
            chosen.append(Chosen(name=made.name, probe=made))
        except PlumblineError as error:
            if asked:
                raise
            chosen.append(Chosen(name=name, probe=None, why=str(error)))
    for i, one in enumerate(chosen):
        check_probe_name(one.name)
        if any(one.name == other.name for other in chosen[:i]):
            raise PlumblineError(f"two probes are called {one.name!r}; each name may be used once in a run.")
    return chosen


def run_probes(place: RunPlace, chosen: Sequence[Chosen], context: Context) -> Sections:
    """Run each probe whose section is not finished yet, and store its section at once.

    Args:
        place: the run that is being written.
        chosen: from `load_probes`.
        context: what probes look at; each gets a cache folder of its own.
    """
    done = Sections()
    for position, one in enumerate(chosen):
        context.progress.step("probes", position, len(chosen))
        kept = finished_section(place, one.name)
        if kept is not None:
            done.entries.append(kept)
            done.reused.append(one.name)
            continue
        forget_section(place, one.name)
        cache = place.work / "cache" / one.name
        cache.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        done.entries.append(_attempt(place, one, replace(context, cache=cache)))
        done.seconds[one.name] = round(time.monotonic() - started, 3)
    context.progress.step("probes", len(chosen), len(chosen))
    return done


def _attempt(place: RunPlace, one: Chosen, context: Context) -> dict[str, Any]:
    """Run one probe. What it raises becomes a failed section: it does not cost the others' findings."""
    if one.probe is None:
        return write_section(place, Section(probe=one.name, status=Status.FAILED, why=one.why))
    try:
        return write_section(place, _answer(one.name, one.probe, context))
    except Exception as error:
        forget_section(place, one.name)
        file = write_traceback(place, one.name, "".join(traceback.format_exception(error)))
        words = without_folders(str(error), context.examples.source.data_root)
        why = f"{type(error).__name__}: {words} (traceback in {file})"
        return write_section(place, Section(probe=one.name, status=Status.FAILED, why=why))


def without_folders(text: str, root: str = "") -> str:
    """A message with the names of files in place of their absolute paths: a run travels, folders do not.

    Args:
        text: the message.
        root: a folder whose name may hold spaces.
    """
    return _FOLDERS.sub("", text.replace(f"{root}{os.sep}", "") if root else text)


def _answer(name: str, probe: Probe, context: Context) -> Section:
    reason = probe.applies(context)
    if reason is not None:
        return Section(probe=name, status=Status.NOT_APPLICABLE, why=reason.value)
    section = probe.run(context)
    if not isinstance(section, Section) or section.probe != name:
        came = (
            f"a section of {section.probe!r}" if isinstance(section, Section) else f"{type(section).__name__}"
        )
        raise TypeError(f"the probe {name!r} must return a Section of its own name, came {came}")
    return section


def _make(name: str) -> Probe:
    found = registry.load("probe", name)
    probe: Any = found() if isinstance(found, type) else found
    missing = [part for part in ("name", "applies", "run") if not hasattr(probe, part)]
    if missing:
        raise PlumblineError(
            f"{name!r} is no probe: it has no {', '.join(missing)}. See audit.protocols.Probe."
        )
    made: Probe = probe
    return made
