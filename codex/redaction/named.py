"""Secrets that are known by what stands before them: a name, an address, a header."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex.redaction.spans import Kind, Span
from codex.redaction.vendors import worded

NAMES: dict[str, Kind] = {
    "passw": "password",
    "passphrase": "password",
    "passcode": "password",
    "passwort": "password",
    "kennwort": "password",
    "pwd": "password",
    "_pass": "password",
    "secret": "token",
    "token": "token",
    "credential": "token",
    "apikey": "key",
    "api key": "key",
    "api-key": "key",
    "api_key": "key",
    "access key": "key",
    "accesskey": "key",
    "access_key": "key",
    "access-key": "key",
    "accountkey": "key",
    "account_key": "key",
    "auth_key": "key",
    "authkey": "key",
    "private_key": "key",
    "privatekey": "key",
    "signing_key": "key",
    "signingkey": "key",
    "encryption_key": "key",
    "encryptionkey": "key",
    "master_key": "key",
    "masterkey": "key",
    "license_key": "key",
    "licensekey": "key",
    "service_key": "key",
    "deploy_key": "key",
}
"""What a name holds, in small letters, and what it then names."""
_AFTER = re.compile(
    r"""(?P<rest>[\w-]{0,40}+)
    (?P<closed>(?:\\?["'\]`)*]|</?b>){0,4})
    (?:
      \s{0,3}:\s{0,3}(?:str|String|string|SecretStr|bytes|Optional\[str\]|str\s\|\sNone)\s{0,3}=\s{0,3}
      | \s{0,12}(?P<sign>:=|=>|[=!]==?|=|:|\|)[*\s]{0,12}
      | (?P<called>\()\s{0,3}(?=\\?["'])
      | (?P<tag>>)
      | (?P<said>\s+(?:is|was|lautet|ist|are|set\sto|is\sset\sto)\s*:?\s+)
      | (?P<option>\s+)
    )
    (?:[bruf](?=["']))?(?P<quote>\\?["'`])?""",
    re.VERBOSE | re.ASCII,
)
_ABOUT = re.compile(
    r"(?i)(?:file|path|dir|ur[li]|name|len|length|hint|policy|type|field|label|env|count|ids?|size|limit|regex|pattern"
    r"|expir\w*|hash|prefix|reset|manager|required|ttl|rate|budget|per\w*|iz\w*)\Z"
)
"""How a name ends that holds something about a secret."""
_UNQUOTED = re.compile(r"[^\s\"'`<>,;|\\]{1,512}")
_QUERY = re.compile(r"[^\s\"'`<>&#]{1,512}")
_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:/@\"'<>]{0,128}:([^\s\"'<>/]{1,256})@(?=[\w.\[%-])", re.ASCII
)
_HEADER = re.compile(
    r"(?P<header>authorization[\"'\]]{0,2}\s*[:=,]\s*\\?[\"']?\s*)?"
    r"\b(?P<scheme>bearer|basic|token|apikey)(?:\s+|%20|\\t)(?P<value>[\w.~+/=:-]{8,4096})",
    re.IGNORECASE | re.ASCII,
)
_CURL = re.compile(r"(?:\s-u|--user|--proxy-user)[\s=]+[\"']?[\w.@+-]{1,64}:([^\s\"']{3,256})", re.ASCII)
_LEAST = {"password": 5, "key": 12, "token": 12}
_CODE = re.compile(
    r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+|[a-z]+(?:_[a-z0-9]+)+|[a-z]+(?:[A-Z][a-z]+)+|[A-Z]+(?:_[A-Z0-9]+)+"
    r"|[\w.]*[(\[{].*|[$%@&*].*[({].*|\$[A-Za-z_]\w*|%[sdr]|--?[a-z-]+",
    re.ASCII,
)
"""Names, calls and places to fill in, where code stands in the place of a value."""
_PLACEHOLDER = re.compile(
    r"(?i)(.)\1*|[x*.•_-]+|<.*|\{.*|\$\{.*|\[.*\]?|(?:[\w:@./-]*%(?:\(\w+\))?[sdr])+[\w:@./-]*"
    r"|(?!.*\d)(?:your|my|the|some|enter|insert|new|old|change)(?:[\W_].*|me)?"
    r"|(?!.*\d)(?:null|none|nil|undefined|true|false|yes|no|string|bool|required|optional|example|sample|redacted"
    r"|hidden|masked|empty|missing|invalid|expired|password|passwd|pass|pwd|secret|token|user|username|apikey|key|env)"
    r"(?:[\W_].*)?"
    r"|(?:sha-?(?:1|256|512)|md5|base64|bcrypt|argon2|scrypt|pbkdf2|hs256|rs256|utf-?8|oauth2?|x509|ed25519)"
    r"(?:[\W_].*)?",
    re.DOTALL,
)
"""What stands where a value is to be put in, what is said of it, and how it is kept."""
_ENV = re.compile(r"(?:^|[\s;\"'])(?:export\s+)?[A-Z][A-Z0-9_]*\Z")


def named(text: str) -> Iterator[Span]:
    """Values of what a name says is secret, and the passwords of addresses and headers."""
    low = _lower(text)
    for name, kind in NAMES.items():
        at = low.find(name)
        while at >= 0:
            span = _value(text, low, at, at + len(name), kind)
            if span is not None:
                yield span
            at = low.find(name, at + len(name))
    if "://" in text and "@" in text:
        for found in _URL.finditer(text):
            if not _PLACEHOLDER.fullmatch(found[1]):
                yield Span(*found.span(1), "password")
    if "bearer" in low or "authorization" in low:
        yield from _headers(text)
    if "-u" in text or "user" in low:
        for found in _CURL.finditer(text):
            if not _PLACEHOLDER.fullmatch(found[1]):
                yield Span(*found.span(1), "password")


def _lower(text: str) -> str:
    """In small letters, each in its place."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _value(text: str, low: str, start: int, end: int, kind: Kind) -> Span | None:
    after = _AFTER.match(text, end)
    if after is None or _ABOUT.search(after["rest"]):
        return None
    before = text[max(0, start - 64) : start]
    if after["option"] and not after["quote"] and not re.search(r"--[\w-]*\Z", before):
        return None
    if after["tag"] and not re.search(r"<[\w:.-]*\Z", before):
        return None
    quote = after["quote"]
    at = after.end()
    if quote:
        closed = text.find(quote, at, at + 512)
        value = text[at:closed] if closed >= 0 else _unquoted(text, at, before)
        is_quoted = closed >= 0
    else:
        value, is_quoted = _unquoted(text, at, before), False
    if after["option"] and quote and not re.search(r"--[\w-]*\Z", before):
        return None
    if not _is_secret(value, kind, before + text[start:end], after, is_quoted):
        return None
    return Span(at, at + len(value), kind)


def _unquoted(text: str, at: int, before: str) -> str:
    """A value up to its last possible character, without the punctuation of the sentence."""
    found = (_QUERY if re.search(r"[?&][\w.%-]*\Z", before) else _UNQUOTED).match(text, at)
    value = found[0] if found else ""
    for opening, closing in ("()", "[]", "{}"):
        if value.endswith(closing) and opening not in value:
            value = value.rstrip(closing)
    return value.rstrip(".,:;") if len(value) > 1 else value


def _is_secret(value: str, kind: Kind, name: str, after: re.Match[str], is_quoted: bool) -> bool:
    if len(value) < _LEAST[kind] or re.search(r"\s", value) or _PLACEHOLDER.fullmatch(value):
        return False
    if kind != "password":
        return _is_random(value)
    if is_quoted:
        # A quoted word after `is`, as in: the password is "secret", is what somebody says of it.
        return not _is_code(value) or not value.islower()
    if _is_code(value):
        return False
    if value.isalpha():  # In a file of settings or an address it is one; elsewhere it may be any word.
        return (
            bool(_ENV.search(name + after["rest"]) or re.search(r"[?&;][\w.%-]*\Z", name))
            and after["sign"] == "="
        )
    if after["said"]:
        return _is_mixed(value)
    return not re.fullmatch(r"[\d.,:/%+-]{1,7}", value)


def _is_code(value: str) -> bool:
    return bool(_CODE.fullmatch(value))


def _is_mixed(value: str) -> bool:
    """Whether a word of a sentence has the signs or the digits of a password."""
    return bool(
        re.search(r"[A-Za-z]", value)
        and (re.search(r"\d", value) or re.search(r"[!@#$%^&*+=~?]", value))
        and not re.fullmatch(r"[\d.,]+[-A-Za-z]*|[A-Za-z]+-\d*[A-Za-z]*", value)
    )


def _is_random(value: str) -> bool:
    """Whether it is no name and no number: digits among letters, in no order of words."""
    if not re.search(r"(?=.*\d).*[A-Za-z]", value) or re.search(r"[()\[\]{}]|://", value):
        return False
    return not worded(value) and not _is_code(value) and not _is_class(value) and len(set(value)) >= 6


def _is_class(value: str) -> bool:
    """Whether it may be a class's name, such as Qwen2Tokenizer: a long word in it, and hardly a digit."""
    return bool(re.search(r"[a-z]{7}", value)) and len(re.findall(r"\d", value)) <= 3 and value.isidentifier()


def _headers(text: str) -> Iterator[Span]:
    for found in _HEADER.finditer(text):
        value = found["value"].rstrip(".:")
        if _PLACEHOLDER.fullmatch(value):
            continue
        if found["header"] or _is_random(value):
            scheme = found["scheme"].lower()
            if scheme == "basic" and not found["header"]:
                continue
            start = found.start("value")
            yield Span(start, start + len(value), "password" if scheme == "basic" else "token")
