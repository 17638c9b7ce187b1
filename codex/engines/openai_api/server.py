"""The connection to one server: its requests, and what can go wrong with them in our own errors."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
import openai
from openai import RequestOptions

from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.public_only import PublicOnly
from codex.engines.openai_api.shapes import Json
from codex.errors import Busy, CodexError, InvalidInput, ModelError, PromptTooLong

CONNECT_SECONDS = 10.0
SAID = 300
"""Characters of what a server says of an error that are shown."""
USAGE = {"stream_options": {"include_usage": True}}
"""What makes a stream say how many tokens there were; Responses do so by themselves."""
RETRY_SECONDS = 30
"""When to come back to a server that has too much to do and does not say."""
_CONTEXT = re.compile(r"context|too long|maximum.{0,20}length", re.IGNORECASE)


class Unanswered(ModelError):
    """A server gave no answer, or not the whole of it: another one may."""


class NotThere(ModelError):
    """The server has no such interface, or no such model."""


class Server:
    """A server with OpenAI's HTTP interface. It belongs to one event loop."""

    def __init__(self, config: ServedConfig, address: str, key: str | None = None) -> None:
        """address: one of the configuration's. key: None: the one that the configuration names.

        Raises ModelError where that is missing.
        """
        self.config = config
        self.address = address
        self._key = key or config.key
        self._options: RequestOptions = {} if self._key else {"headers": {"Authorization": openai.omit}}
        self._client = openai.AsyncOpenAI(
            base_url=address,
            api_key=self._key or "none",
            # Where there are replicas, another one is tried at once instead: see `Replicas`.
            max_retries=config.retries if len(config.base_url) == 1 else 0,
            # A redirect would hand the key and the question to whoever it names.
            http_client=openai.DefaultAsyncHttpxClient(
                follow_redirects=False,
                **_ways(config),
                timeout=httpx2.Timeout(config.timeout_seconds, connect=CONNECT_SECONDS),
                limits=_limits(config),
            ),
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def get(self, path: str) -> Json | None:
        """What stands at a path beside the interface, e.g. /props; None where there is nothing."""
        root = urljoin(self.address, "/")
        try:
            found = await self._client.get(
                urljoin(root, path.lstrip("/")), cast_to=object, options={**self._options, "max_retries": 0}
            )
        except (openai.APIStatusError, openai.APIConnectionError, ValueError):
            return None
        return found if isinstance(found, Mapping) else None

    async def models(self) -> list[str]:
        """The names of its models; none where it lists none. Raises ModelError."""
        with self._explained():
            try:
                found = await self._client.get("/models", cast_to=object, options=self._options)
            except openai.NotFoundError:
                return []
            listed = _json(found, self.address).get("data") or ()
            return [str(each["id"]) for each in listed if isinstance(each, Mapping) and "id" in each]

    async def post(self, path: str, body: Json) -> Json:
        """One response, whole. Raises ModelError, InvalidInput, PromptTooLong, Busy."""
        with self._explained():
            found = await self._client.post(path, body=dict(body), cast_to=object, options=self._options)
            return _json(found, self.address)

    async def stream(self, path: str, body: Json) -> AsyncGenerator[Json, None]:
        """Its events. Raises as `post` does, and ModelError where the server goes away in the middle."""
        with self._explained():
            stream = await self._client.post(
                path,
                body={**body, "stream": True, **({} if path == "/responses" else USAGE)},
                cast_to=object,
                options=self._options,
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
            async with stream, aclosing(stream.__aiter__()) as events:  # type: ignore[type-var]
                kind = stream.response.headers.get("content-type", "")
                if not kind.startswith("text/event-stream"):
                    raise ModelError(_no_interface(self.address, f"sends {kind or 'no type'}"))
                async for event in events:
                    yield _json(event, self.address)

    async def begin_batch(self, endpoint: str, lines: bytes, window: str) -> Json:
        """Send the requests of a batch, a line of JSON each, and begin it. Raises as `post`."""
        with self._explained():
            file = await self._client.files.create(file=("batch.jsonl", lines), purpose="batch")
        body = {"input_file_id": file.id, "endpoint": endpoint, "completion_window": window}
        return await self.post("/batches", body)

    async def batch(self, batch_id: str) -> Json:
        """How a batch stands. Raises as `post`."""
        with self._explained():
            found = await self._client.get(f"/batches/{batch_id}", cast_to=object, options=self._options)
            return _json(found, self.address)

    async def cancel_batch(self, batch_id: str) -> None:
        """Raises as `post`."""
        await self.post(f"/batches/{batch_id}/cancel", {})

    async def content(self, file_id: str) -> str:
        """What a file holds. Raises as `post`."""
        with self._explained():
            return (await self._client.files.content(file_id)).text

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except openai.APIError as error:
            raise self._explain(error) from None  # The cause holds the request, and with it the key.
        except ValueError as error:
            if isinstance(error, CodexError):
                raise
            where = self.address
            raise ModelError(_no_interface(where, "sends what is not JSON")) from None

    def _explain(self, error: openai.APIError) -> CodexError:
        where, config = self.address, self.config
        if isinstance(error, openai.APITimeoutError):
            return Unanswered(
                f"The server at {where} sent nothing for {config.timeout_seconds:g} s. Ask again, or raise "
                "engine.timeout_seconds."
            )
        if isinstance(error, openai.APIConnectionError):
            return Unanswered(
                f"The connection to {where} failed: {self._words(error.__cause__ or error)}. "
                "Start the server, or set engine.base_url."
            )
        said = self._words(error)
        if not isinstance(error, openai.APIStatusError):
            return Unanswered(f"The server at {where} broke off: {said}")
        status = error.status_code
        if 300 <= status < 400:
            target = urlsplit(error.response.headers.get("location", ""))
            return ModelError(
                f"The server at {where} redirects to {target.scheme}://{target.netloc}{target.path}: if you "
                "trust it, set that as engine.base_url."
            )
        if status in (401, 403):
            what = f"the key in {config.api_key_env or 'api_key'}" if self._key else "requests without a key"
            return ModelError(
                f"The server at {where} refuses {what}: put a key into an environment variable, and its name "
                f"into engine.api_key_env. It says: {said}"
            )
        if status == 404:
            return NotThere(f"The server at {where} has no model {config.model_path!r}: {said}")
        if status == 429:
            return Busy(f"The server at {where} has too much to do: {said}", _retry_after(error))
        if status < 500:
            return _refused(where, error, said)
        return Unanswered(f"The server at {where} failed ({status}): {said}")

    def _words(self, error: BaseException) -> str:
        """What an error says, without the key, which some servers repeat."""
        said = getattr(error, "message", None) or str(error) or type(error).__name__
        said = re.sub(r"^Error code: \d+ - |<[^>]*>", " ", str(said))
        if self._key:
            said = said.replace(self._key, "***")
            said = re.sub(re.escape(self._key[:6]) + r"\S*", "***", said) if len(self._key) > 12 else said
        said = " ".join(said.split())
        return said if len(said) <= SAID else said[: SAID - 1] + "…"


def _refused(where: str, error: openai.APIStatusError, said: str) -> CodexError:
    told = error.body if isinstance(error.body, Mapping) else {}
    asked, room = told.get("n_prompt_tokens"), told.get("n_ctx")
    if isinstance(asked, int) and isinstance(room, int):
        return PromptTooLong(asked, room)
    if _CONTEXT.search(said):
        return InvalidInput(f"The question does not fit into the context of {where}: {said}", ["prompt"])
    return InvalidInput(f"The server at {where} refuses the request: {said}", ["prompt"])


def _retry_after(error: openai.APIStatusError) -> int:
    try:
        return max(1, int(float(error.response.headers.get("retry-after", ""))))
    except ValueError:
        return RETRY_SECONDS


def _limits(config: ServedConfig) -> httpx2.Limits:
    return httpx2.Limits(max_connections=config.concurrency + 2, max_keepalive_connections=config.concurrency)


def _ways(config: ServedConfig) -> dict[str, Any]:
    """How to get there: past no proxy where the address itself is to be checked."""
    if not config.public_only:
        return {}
    return {"transport": PublicOnly(limits=_limits(config)), "trust_env": False}


def _json(found: object, where: str) -> Mapping[str, Any]:
    if isinstance(found, Mapping):
        return found
    raise ModelError(_no_interface(where, "sends what is not JSON"))


def _no_interface(where: str, how: str) -> str:
    return (
        f"There is no OpenAI-compatible interface at {where}: it {how}. Most begin with /v1; set "
        "engine.base_url."
    )
