"""Codex, Python and the packages."""

from __future__ import annotations

import sys
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from codex.doctor.findings import Finding
from codex.paths import checkout

CODEX = "codex-workbench"
OLDEST = (3, 11)
"""Python that Codex needs."""


def check_codex() -> Finding:
    """Which Codex is installed, and where it runs from."""
    try:
        installed = version(CODEX)
    except PackageNotFoundError:
        return Finding(
            "Codex",
            "fail",
            "not installed: its code is there, its package is not",
            "Run `make run` in the checkout, or pip install codex-workbench.",
        )
    where = checkout()
    return Finding(
        "Codex", "ok", f"{installed}, from {where or 'an installed package'}", "", {"version": installed}
    )


def check_python(running: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """Which Python runs."""
    shown = ".".join(map(str, running))
    details = {"version": shown, "executable": sys.executable, "virtual": sys.prefix != sys.base_prefix}
    if running < OLDEST:
        needed = ".".join(map(str, OLDEST))
        return Finding(
            "Python",
            "fail",
            f"{shown} ({sys.executable})",
            f"Install Python {needed} or newer, and Codex in it.",
            details,
        )
    return Finding("Python", "ok", f"{shown} ({sys.executable})", "", details)


def check_packages() -> Finding:
    """Whether every package that Codex needs is there, in a version that it works with."""
    wrong, found = _unmet([each for each, extra in requirements() if not extra])
    if wrong:
        return Finding("packages", "fail", "; ".join(wrong.values()), _install(wrong), {"versions": found})
    main = ", ".join(
        f"{name} {found[name]}" for name in ("duckdb", "gradio", "torch", "transformers") if name in found
    )
    return Finding("packages", "ok", f"{len(found)} as required: {main}", "", {"versions": found})


def check_extras() -> Finding:
    """Which optional packages are there; one in a version that Codex does not work with is told."""
    extras: dict[str, list[Requirement]] = defaultdict(list)
    for requirement, extra in requirements():
        if extra and extra != "dev":
            extras[extra].append(requirement)
    present, absent, wrong = list[str](), list[str](), dict[str, str]()
    for extra, needed in sorted(extras.items()):
        unmet, found = _unmet(needed)
        wrong |= {name: said for name, said in unmet.items() if name in found}
        (absent if unmet else present).append(extra)
    told = f"present: {', '.join(present) or 'none'}; not installed: {', '.join(absent) or 'none'}"
    details = {"present": present, "absent": absent}
    if wrong:
        return Finding("extras", "warn", "; ".join(wrong.values()), _install(wrong), details)
    return Finding("extras", "ok", told, "", details)


def requirements() -> list[tuple[Requirement, str]]:
    """What Codex's package requires here, each with its extra; "": it is always needed."""
    found = []
    for text in requires(CODEX) or ():
        requirement = Requirement(text)
        extra = ""
        if requirement.marker is not None:
            words = str(requirement.marker).partition("extra == ")[2]
            extra = words.strip().strip("\"'")
            if not requirement.marker.evaluate({"extra": extra}):
                continue
        found.append((requirement, extra))
    return found


def _unmet(needed: list[Requirement]) -> tuple[dict[str, str], dict[str, str]]:
    """What is missing or of another version, described by name, and the installed versions."""
    wrong, found = {}, {}
    for each in needed:
        wanted = f"{each.name}{each.specifier}"
        try:
            found[each.name] = version(each.name)
        except PackageNotFoundError:
            wrong[each.name] = f"{wanted} is missing"
            continue
        if not each.specifier.contains(found[each.name], prereleases=True):
            wrong[each.name] = f"{each.name} is {found[each.name]}, not {each.specifier}"
    return wrong, found


def _install(wrong: dict[str, str]) -> str:
    wanted = [f"'{each.name}{each.specifier}'" for each, _ in requirements() if each.name in wrong]
    return f"pip install {' '.join(dict.fromkeys(wanted))}"
