"""Made secrets within texts, and innocent texts, each in two families that share no template.

The detector was tuned on the family "first" alone; "second" was written before the first measurement, and
what the detector reaches is measured there.
"""

from __future__ import annotations

import base64
import json
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

Family = Literal["first", "second"]
ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
WORDS = (
    "river",
    "copper",
    "lantern",
    "orbit",
    "meadow",
    "tiger",
    "velvet",
    "harbor",
    "maple",
    "signal",
    "quartz",
    "raven",
    "cedar",
    "falcon",
)


@dataclass(frozen=True, slots=True)
class Made:
    """A text with a secret."""

    service: str
    text: str
    secret: str


def some(rng: Random, letters: str, count: int) -> str:
    """Random letters."""
    return "".join(rng.choice(letters) for _ in range(count))


def jwt(rng: Random) -> str:
    """A signed JSON Web Token."""
    parts = [
        {"alg": "HS256", "typ": "JWT"},
        {"sub": some(rng, HEX, 12), "iat": rng.randrange(10**9, 2 * 10**9)},
    ]
    told = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*told, some(rng, URLSAFE, 43)])


def private_key(rng: Random) -> str:
    """A private key as a file holds it."""
    kind = rng.choice(["RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED "])
    body = "\n".join(some(rng, ALNUM + "+/", 64) for _ in range(rng.randrange(3, 14)))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def password(rng: Random) -> str:
    """A password as people and generators make them."""
    word, other = rng.sample(WORDS, 2)
    return rng.choice(
        [
            some(rng, ALNUM + "!#$%^*+_-", rng.randrange(10, 22)).replace("$", "7") + "4x",
            f"{word.title()}{rng.randrange(10, 9999)}!",
            f"{word}{rng.randrange(100, 99999)}",
            f"{word.title()}-{other.title()}-{rng.randrange(10, 99)}",
            f"{word[:3]}@{some(rng, ALNUM, 6)}9",
        ]
    )


TOKENS: dict[str, Callable[[Random], str]] = {
    "aws": lambda rng: rng.choice(["AKIA", "ASIA"]) + some(rng, UPPER, 16),
    "github": lambda rng: rng.choice(["ghp_", "gho_", "ghs_"]) + some(rng, ALNUM, 36),
    "github fine": lambda rng: "github_pat_" + some(rng, ALNUM, 22) + "_" + some(rng, ALNUM, 59),
    "gitlab": lambda rng: "glpat-" + some(rng, URLSAFE, 20),
    "slack": lambda rng: (
        f"xoxb-{rng.randrange(10**11, 10**12)}-{rng.randrange(10**12, 10**13)}-{some(rng, ALNUM, 24)}"
    ),
    "stripe": lambda rng: rng.choice(["sk_live_", "rk_live_", "sk_test_"]) + some(rng, ALNUM, 24),
    "openai": lambda rng: (
        rng.choice(["sk-", "sk-proj-"]) + some(rng, ALNUM, 20) + "T3BlbkFJ" + some(rng, ALNUM, 20)
    ),
    "anthropic": lambda rng: "sk-ant-api03-" + some(rng, URLSAFE, 93) + "AA",
    "hugging face": lambda rng: "hf_" + some(rng, ALNUM, 34),
    "google": lambda rng: "AIza" + some(rng, URLSAFE, 35),
    "azure": lambda rng: "AccountKey=" + some(rng, ALNUM + "+/", 86) + "==",
    "jwt": jwt,
    "npm": lambda rng: "npm_" + some(rng, ALNUM, 36),
    "pypi": lambda rng: "pypi-AgEIcHlwaS5vcmc" + some(rng, URLSAFE, 90),
    "sendgrid": lambda rng: f"SG.{some(rng, URLSAFE, 22)}.{some(rng, URLSAFE, 43)}",
    "twilio": lambda rng: "SK" + some(rng, HEX, 32),
    "codex": lambda rng: "codex_" + some(rng, URLSAFE, 43),
}
"""By service; the form of each is in its documentation."""

NAMED: dict[Family, list[tuple[str, str]]] = {
    "first": [
        ("password", "DB_PASSWORD={}"),
        ("password", "password: {}"),
        ("password", '{{"user": "bob", "password": "{}"}}'),
        ("password", "Your new password is {} and must be changed at first login."),
        ("password", "postgresql://app:{}@db.internal:5432/orders"),
        ("password", "client = connect(host, user='app', password='{}')"),
        ("bearer", "Authorization: Bearer {}"),
        ("basic", "Authorization: Basic {}"),
        ("password", "Server=tcp:db,1433;User ID=sa;Password={};Encrypt=True"),
        ("key", "X-API-Key: {}"),
        ("key", "api_key = '{}'"),
        ("key", "https://api.example.com/v1/items?api_key={}&page=2"),
        ("aws secret", "aws_secret_access_key = {}"),
        ("key", 'client_secret: "{}"'),
        ("password", "mysql --user=root --password={} shop"),
    ],
    "second": [
        ("password", "PGPASSWORD={} psql -h db -U app"),
        ("password", "spring.datasource.password={}"),
        ("password", "<add name='Main' password=\"{}\" />"),
        ("password", "2026-11-30T07:12:01Z WARN login failed user=anna passwd={} ip=10.0.0.3"),
        ("password", "redis://:{}@cache:6379/0"),
        ("password", "I think the wifi password was {}"),
        ("password", "amqps://worker:{}@mq.example.org/prod"),
        ("password", 'self.password: str = "{}"'),
        ("bearer", "curl -H 'Authorization: Bearer {}' https://api.example.com/me"),
        ("basic", "headers = {{'Authorization': 'Basic {}'}}"),
        ("password", "curl -u admin:{} https://nexus.example.com/repo"),
        ("key", "apikey={}"),
        ("key", '"accessToken": "{}",'),
        ("aws secret", 'export AWS_SECRET_ACCESS_KEY="{}"'),
        ("key", "    secret_key: {}"),
    ],
}
"""What stands around a secret that has no form of its own, and what kind it is."""

AROUND: dict[Family, list[str]] = {
    "first": [
        "{}",
        "The key is {}.",
        'key = "{}"',
        '{{"credentials": "{}", "ttl": 3600}}',
        "2026-11-30 07:12:01,113 ERROR client: refused ({})",
        "export TOKEN={}\npython run.py",
        "Use `{}` to log in, then remove it.",
        "ValueError: not authorized: '{}'",
    ],
    "second": [
        "Sure! Here is the one you pasted: {}, please rotate it.",
        "- name: deploy\n  env:\n    VALUE: {}\n",
        "client = Client(\n    auth='{}',\n)",
        '[["prod", "{}"], ["dev", null]]',
        "GET /v1/me?x={} HTTP/1.1",
        '{{"line": "first\\n{}\\nlast"}}',
        "File 'a.py', line 3, in call\n    raise Denied({})",
        "**{}** was found in commit 3",
    ],
}
"""What stands around one that has."""


def _value(kind: str, rng: Random) -> str:
    if kind == "password":
        return password(rng)
    if kind == "bearer":
        return rng.choice([some(rng, ALNUM, 32), some(rng, HEX, 40), some(rng, URLSAFE, 48)])
    if kind == "basic":
        return base64.b64encode(f"{rng.choice(WORDS)}:{password(rng)}".encode()).decode()
    if kind == "aws secret":
        return some(rng, ALNUM + "+/", 40)
    return rng.choice([some(rng, ALNUM, 32), some(rng, HEX, 32), str(uuid.UUID(int=rng.getrandbits(128)))])


def made(family: Family, count: int, seed: int) -> list[Made]:
    """So many texts with a secret each, of every service and form alike."""
    rng = Random(f"{family} {seed}")
    forms = [*TOKENS, "private key", *range(len(NAMED[family]))]
    found = []
    for at in range(count):
        form = forms[at % len(forms)]
        if isinstance(form, int):
            kind, around = NAMED[family][form]
            secret = _value(kind, rng)
            if "://" in around and kind == "password":  # As an address has it.
                secret = secret.replace("#", "H").replace("%", "P").replace("@", "a")
            if ";" in around or "&" in around:
                secret = secret.replace(";", "s").replace("&", "a")
            found.append(Made(kind, around.format(secret), secret))
        else:
            secret = private_key(rng) if form == "private key" else TOKENS[form](rng)
            found.append(
                Made(form, rng.choice(AROUND[family]).format(secret), secret.removeprefix("AccountKey="))
            )
    return found
