"""Which server, which of its models, and how it is called."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from codex import origins
from codex.engines.base import EngineConfig
from codex.errors import ModelError, SettingsError
from codex.private import secret


def _addresses(given: object) -> object:
    """One address, several with commas between them, or a list."""
    return [each.strip() for each in given.split(",")] if isinstance(given, str) else given


def _distinct(addresses: tuple[str, ...]) -> tuple[str, ...]:
    places = [each.rstrip("/") for each in addresses]
    if twice := next((each for each in places if places.count(each) > 1), None):
        raise ValueError(f"{twice} is named twice")
    return addresses


Address = Annotated[str, AfterValidator(origins.web_address)]


class ServedConfig(EngineConfig):
    """Settings of the openai_api engine."""

    model_path: str = ""
    """The model's name as the server lists it."""
    base_url: Annotated[
        tuple[Address, ...],
        Field(min_length=1),
        BeforeValidator(_addresses),
        AfterValidator(_distinct),
    ] = ("http://127.0.0.1:8080/v1",)
    """Where the server's interface begins; a list, as [http://a/v1,http://b/v1]: of replicas of one model."""
    api_key_env: str = ""
    """The environment variable that holds the key, or, with _FILE after its name, that names a file with it;
    empty: the server needs none."""
    public_only: bool = False
    """Whether it is refused where it is on this machine or in a private network, at every connection."""
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    """How long a reasoning model may think; none: as the server has it."""
    reasoning_summary: Literal["auto", "concise", "detailed"] | None = None
    """How the reasoning is summed up, where a server shows no more of it; needs the Responses interface."""
    interface: Literal["auto", "chat", "responses"] = "auto"
    """Chat completions or Responses; auto: chat completions, unless the server has Responses alone."""
    timeout_seconds: float = Field(120.0, gt=0.0, le=3600.0)
    """How long to wait for the next bytes of a response."""
    retries: int = Field(4, ge=0, le=20)
    """How often a request is sent again after 429, 5xx or a lost connection, with growing pauses."""
    concurrency: int = Field(8, ge=1, le=1024)
    """Requests under way at once at each server; more wait."""

    @property
    def where(self) -> str:
        """The servers, as a sentence names them."""
        return ", ".join(self.base_url)

    @property
    def key(self) -> str | None:
        """The key itself; None: there is none. Raises ModelError."""
        if not self.api_key_env:
            return None
        try:
            key = secret(self.api_key_env)
        except SettingsError as error:
            raise ModelError(str(error)) from error
        if not key:
            raise ModelError(
                f"The environment variable {self.api_key_env} holds no key for {self.where}: set it, or "
                "name another as engine.api_key_env."
            )
        return key
