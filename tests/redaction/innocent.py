"""Innocent texts that look like secrets or tell of them, in two families; and answers of real models."""

from __future__ import annotations

import base64
import gzip
import json
import uuid
from functools import cache
from random import Random

from codex.paths import resources
from tests.redaction.made import ALNUM, HEX, WORDS, Family, some

PROSE: dict[Family, list[str]] = {
    "first": [
        "The password must have at least {n} characters and one digit.",
        "A token is about four characters; {n} tokens are a page.",
        "Keep your API key secret, and never commit it.",
        "Password: required, string, at least {n} characters.",
        "The secret of {word} pie is patience.",
        "Reset your password at https://example.com/reset.",
        "Bearer tokens are sent in the Authorization header.",
        "Basic authentication sends user and password in base64.",
        "The private key stays on your machine; the public one is uploaded.",
        "He forgot the password again, so the {word} stayed locked for {n} days.",
        "SHA-256 gives {n} bits; MD5 is broken.",
        "The press secretary said that {n} people came.",
    ],
    "second": [
        "Choose a passphrase of six words such as those on the {word} list.",
        "Token {n} of {n} was generated in 12 ms.",
        "Access keys: see chapter {n}.",
        "What is the password policy? It was changed in 20{n}.",
        "The key to the {word} is under the mat.",
        "Wrong password, try again ({n} of 5).",
        "The token bucket refills {n} times a second.",
        "A JWT has three parts: header, payload and signature.",
        "Secrets are mounted under /run/secrets/{word}_{n}.",
        "Use an authorization code, not a password grant.",
        "Passwords: Anna's is stored in the {word} vault, mine too.",
        "Is the secret service of 19{n} still {word}?",
    ],
}
CODE: dict[Family, list[str]] = {
    "first": [
        "token = tokenizer.decode(ids[{n}])",
        "password = getpass.getpass('Password: ')",
        "max_tokens={n}, temperature=0.7",
        "if token.is_end: return tokens[:{n}]",
        "self._secret = os.environ['SECRET_{upper}']",
        "api_key: str | None = None  # {word}",
        "password = Column(String({n}), nullable=False)",
        "def check_password(password: str, hashed: bytes) -> bool:",
        "'token_count': {n}, 'prompt_tokens': {n}",
        "import secrets; secrets.token_urlsafe({n})",
        "OPENAI_API_KEY=${{OPENAI_API_KEY}}",
        '<input type="password" name="{word}" placeholder="Password">',
        "api_key_env: {upper}_API_KEY",
    ],
    "second": [
        "passwd = config.get('{word}', 'password')",
        "const token = await getToken(user.id, {n});",
        "tokens_per_second: {n}.5",
        "client = OpenAI(api_key=settings.{word}.api_key)",
        "for token in doc[{n}:]: print(token.text)",
        "raise ValueError('secret_key is not set')",
        "eos_token: '</s>', pad_token_id: {n}",
        "PASSWORD_RESET_TIMEOUT = 60 * 60 * {n}",
        "password=${{{{ secrets.{upper}_PASSWORD }}}}",
        "hash_token(sha256, {word}_id)",
        "postgresql://user:password@localhost/{word}",
        "Authorization: Bearer <token>",
        "label.setText(tr('Password:')); // {word}",
    ],
}


def _plain(family: Family, rng: Random) -> str:
    template = rng.choice(PROSE[family] + CODE[family])
    word = rng.choice(WORDS)
    return template.format(n=rng.randrange(10, 99), word=word, upper=word.upper())


def _identifier(family: Family, rng: Random) -> str:
    whole = rng.choice(
        [
            some(rng, HEX, 40),
            some(rng, HEX, 64),
            some(rng, HEX, 7),
            str(uuid.UUID(int=rng.getrandbits(128))),
            base64.b64encode(rng.randbytes(60)).decode(),
            f"10.{rng.randrange(1000, 9999)}/j.{rng.choice(WORDS)}.{rng.randrange(10**6)}",
            f"{rng.choice(['Qwen2.5-Coder', 'SmolLM2'])}-{rng.randrange(1, 70)}B-Instruct-Q4_K_M.gguf",
            f"978-3-{rng.randrange(10, 99)}-{rng.randrange(100000, 999999)}-{rng.randrange(10)}",
            f"{rng.random() * 10 ** rng.randrange(-5, 12)}",
            f"/home/{rng.choice(WORDS)}/models/{some(rng, HEX, 16)}/tokenizer.json",
            f"https://{rng.choice(WORDS)}.example.org/a/{some(rng, ALNUM, 11)}?v={rng.randrange(999)}",
            f"v{rng.randrange(9)}.{rng.randrange(99)}.0-rc{rng.randrange(9)}+{some(rng, HEX, 8)}",
        ]
    )
    around = {
        "first": [
            "{}",
            "commit {}",
            "sha256: {}",
            "see {} for more",
            '{{"id": "{}", "n": 3}}',
            "trace {} was kept",
        ],
        "second": [
            "# {}",
            "digest={}",
            "'{}' -> ok",
            "from {} on",
            '"revision": "{}",',
            "image: data:{}",
            "({})",
        ],
    }
    return rng.choice(around[family]).format(whole)


@cache
def answers() -> tuple[str, ...]:
    """What models answered, and what they were asked, from the repository's own sets."""
    found = []
    for name in ("smollm2-llama_cpp", "smollm2-huggingface"):
        with gzip.open(resources("datasets") / "answers" / f"{name}.jsonl.gz", "rt") as file:
            for line in file:
                row = json.loads(line)
                found += [row["question"], row["greedy"]["text"]]
    return tuple(dict.fromkeys(found))


def innocent(family: Family, count: int, seed: int) -> list[str]:
    """So many texts: two fifths tell of secrets, two fifths hold identifiers, a fifth is of models."""
    rng = Random(f"innocent {family} {seed}")
    makers = [_plain, _plain, _identifier, _identifier, lambda _, rng: rng.choice(answers())]
    return [makers[at % len(makers)](family, rng) for at in range(count)]
