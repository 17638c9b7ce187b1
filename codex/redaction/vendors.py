"""Keys and tokens that services give out in a form of their own, known by how they begin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from codex.redaction.spans import Kind, Span

# Before a key: nothing of a word, unless that is an escape, as in "\nsk-..." or "%3Dsk-...".
START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"


@dataclass(frozen=True, slots=True)
class Form:
    """What a service's keys look like."""

    kind: Kind
    hints: tuple[str, ...]
    """One of them stands in each key: a text without them is not searched."""
    pattern: re.Pattern[str]
    """The secret is its first group, or all of it."""
    counts: Callable[[str], bool] = bool
    """Whether a find is none of the words that look alike."""


def _random(key: str) -> bool:
    """Whether a key is no name that begins like one: there are digits in it, in no order of words."""
    return bool(re.search(r"\d", key)) and not worded(key)


def worded(value: str) -> bool:
    """Whether a value is words and numbers, as names are: my-secret-name-2, api/v1/token."""
    parts = re.split(r"[-_./:\\ ]", value)
    return all(
        re.fullmatch(r"[a-z]*|[A-Z]?[a-z]+|[A-Z]{1,8}|[A-Za-z]{0,3}\d{1,4}[a-z]{0,2}", part) for part in parts
    )


def _form(kind: Kind, hints: str, pattern: str, counts: Callable[[str], bool] = bool) -> Form:
    return Form(kind, tuple(hints.split()), re.compile(START + pattern, re.ASCII), counts)


FORMS: tuple[Form, ...] = (
    # Amazon Web Services
    _form("key", "AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    # GitHub, GitLab
    _form("token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _form("token", "github_pat_", r"github_pat_\w{22,255}"),
    _form(
        "token",
        "glpat- gldt- glft- glsoat- glrt- glrtr- glcbt- glimt- glptt- glagent- gloas- glffct-",
        r"gl(?:pat|dt|ft|soat|rtr?|cbt|imt|ptt|agent|oas|ffct)-[\w.-]{20,1024}",
        _random,
    ),
    _form("token", "GR1348941", r"GR1348941[\w-]{20,50}"),
    # Slack
    _form("token", "xox", r"xox[abceoprs](?:\.xox[bp])?-[\w-]{10,}"),
    _form("token", "xapp-", r"xapp-\d-[A-Za-z0-9]+-\d+-[A-Za-z0-9]+"),
    _form("token", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/([\w/]{20,})"),
    # Payments and mail
    _form("key", "k_live_ k_test_", r"[rsp]k_(?:live|test)_\w{10,}"),
    _form("key", "whsec_", r"whsec_[A-Za-z0-9+/=]{24,}"),
    _form("key", "sq0", r"sq0[a-z]{3}-[\w-]{22,}"),
    _form("key", "SG.", r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _form("key", "SK AC", r"(?:SK|AC)[0-9a-f]{32}(?![A-Za-z0-9])"),
    _form("key", "key-", r"key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    _form("key", "-us", r"[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])"),
    # Models
    _form("key", "sk-", r"sk-[A-Za-z0-9][\w-]{19,}", _random),
    _form("token", "hf_ api_org_", r"(?:hf|api_org)_[A-Za-z0-9]{30,}"),
    _form("key", "gsk_ xai- pplx- r8_ nvapi-", r"(?:gsk_|xai-|pplx-|r8_|nvapi-)[\w-]{32,}", _random),
    # Google, Azure, other clouds
    _form("key", "AIza", r"AIza[\w-]{35}"),
    _form("key", "GOCSPX-", r"GOCSPX-[\w-]{20,}"),
    _form("token", "ya29.", r"ya29\.[\w-]{20,}"),
    _form("key", "Q~", r"[\w.~-]{3}\dQ~[\w.~-]{31,34}"),
    _form("key", "sig=", r"sig=([A-Za-z0-9%+/=_-]{40,})"),
    _form("token", "do", r"do[opr]_v1_[0-9a-f]{64}"),
    _form("token", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?(?![A-Za-z0-9])"),
    _form("token", "hvs. hvb.", r"hv[sb]\.[\w-]{24,}"),
    _form("token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{1,35}\.)?[A-Za-z0-9]{40,}"),
    _form("token", "glsa_ glc_", r"(?:glsa|glc)_[\w+/=]{32,}"),
    _form("token", "NRAK- NRII-", r"NR(?:AK|II)-[\w-]{27,}"),
    _form("token", "sntrys_ sntryu_", r"sntry[su]_[\w+/=]{40,}"),
    # Packages
    _form("token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _form("token", "pypi-", r"pypi-[\w-]{50,}", _random),
    _form("token", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    _form("token", "dckr_pat_", r"dckr_pat_[\w-]{20,}"),
    # Shops, chats, work
    _form("token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _form("token", "ntn_ secret_", r"(?:ntn_|secret_)[A-Za-z0-9]{40,}", _random),
    _form("token", "lin_api_ PMAK- figd_", r"(?:lin_api_|PMAK-|figd_)[\w-]{32,}"),
    _form("token", ":AA", r"\d{8,10}:(AA[\w-]{33})(?![\w-])"),
    _form("token", ".", r"[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])", _random),
    # Anybody's
    _form("token", "eyJ", r"eyJ[\w-]{8,}={0,2}\.(?:eyJ[\w-]{4,}|[\w-]*)={0,2}\.[\w.-]+"),
    _form("private key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    # Codex's own
    _form("key", "codex_", r"codex_[\w-]{40,}", _random),
)


def keys(text: str) -> Iterator[Span]:
    """Keys and tokens in the form of their service."""
    for form in FORMS:
        for hint in form.hints:
            if hint in text:
                break
        else:
            continue
        for found in form.pattern.finditer(text):
            group = 1 if form.pattern.groups else 0
            if form.counts(found[group]):
                yield Span(*found.span(group), form.kind)
