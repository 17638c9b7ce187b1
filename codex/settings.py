"""Typed settings: YAML groups under conf/, composed by Hydra, checked by the rooms' own config classes."""

from __future__ import annotations

import copy
import difflib
import os
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializeAsAny,
    Tag,
    ValidationError,
    create_model,
    model_validator,
)

from codex import origins, plugins
from codex.access import Role
from codex.engines import EngineName, preferred_engine
from codex.engines.added import added_engine, config_of
from codex.engines.base import EngineConfig, GenerationParams, ModelConfig
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import default_home
from codex.engines.openai_api.config import ServedConfig
from codex.errors import SettingsError
from codex.grounding.config import GroundingConfig
from codex.policy import Policy
from codex.private import IN_FILE, secret
from codex.retrieval.config import RetrievalConfig
from codex.safety import SafetyConfig
from codex.signals import REGISTRY, add_signals
from codex.store import StoreConfig
from codex.text import nearest

CONF = Path(__file__).parent / "conf"
MAX_SAMPLES = 50
"""More samples than this say little more and take a machine for minutes."""
NEAR = 0.4
"""How alike an unknown key and the one that was meant are at least: keys are long."""


class LlamaCppSettings(ModelConfig):
    """Group engine=llama_cpp."""

    name: Literal["llama_cpp"]
    """llama.cpp in this process; reads GGUF files."""
    params: GenerationParams = GenerationParams()
    """How the shown answer is generated."""


class HuggingFaceSettings(HuggingFaceConfig):
    """Group engine=huggingface."""

    name: Literal["huggingface"]
    """Transformers in this process; reads model folders, and GGUF by converting it once."""
    params: GenerationParams = GenerationParams()
    """How the shown answer is generated."""


class OpenAIApiSettings(ServedConfig):
    """Group engine=openai_api."""

    name: Literal["openai_api"]
    """A server with OpenAI's HTTP interface: vLLM, llama-server, TGI, Ollama, a hosted one."""
    params: GenerationParams = GenerationParams()
    """How the shown answer is generated."""


class AddedEngineSettings(EngineConfig):
    """Group engine=NAME of a plug-in, or engine=module:object; what is set is of a subclass of its own."""

    name: str
    """The plug-in's engine."""
    params: GenerationParams = GenerationParams()
    """How the shown answer is generated."""

    @model_validator(mode="wrap")
    @classmethod
    def _of_the_plugin(cls, value: Any, handler: Callable[[Any], Any]) -> Any:
        if cls is AddedEngineSettings and isinstance(value, dict):
            return _settings_of(value["name"]).model_validate(value)
        return handler(value)


@lru_cache
def _settings_of(engine: str) -> type[AddedEngineSettings]:
    """The settings of a plug-in's engine, with its own keys. Raises PluginError."""
    # The plug-in's own defaults come first, e.g. of model_path.
    bases = (config_of(added_engine(engine)), AddedEngineSettings)
    return create_model("AddedSettings", __base__=bases)  # type: ignore[arg-type]


def _engine_tag(value: Any) -> str:
    name = str(value.get("name") if isinstance(value, dict) else getattr(value, "name", ""))
    return name if name in get_args(EngineName) else "added"


EngineSettings = Annotated[
    Annotated[LlamaCppSettings, Tag("llama_cpp")]
    | Annotated[HuggingFaceSettings, Tag("huggingface")]
    | Annotated[OpenAIApiSettings, Tag("openai_api")]
    | Annotated[SerializeAsAny[AddedEngineSettings], Tag("added")],
    Discriminator(_engine_tag),
]


class AskSettings(BaseModel):
    """How a question is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    n_samples: int = Field(5, ge=1, le=MAX_SAMPLES)
    """Independent answers drawn beside the shown one, to see how far they agree."""
    adaptive: bool = Field(False, strict=True)
    """Whether fewer samples are drawn where the first three or six settle what the others would show."""
    attention: bool = Field(False, strict=True)
    """Whether attention to the token before is taken, for the signal `rauq`; only huggingface shows it."""
    sample_temperature: float = Field(1.0, gt=0.0, le=5.0)
    """1 draws from the model's own distribution, which the agreement signals assume."""
    retrieve: bool = True
    """Whether the retrieve gate may retrieve passages and ask again."""
    reflect: bool = True
    """Whether the reflect gate may ask a second time."""
    people: bool = True
    """Whether a person's answer to the same question, or to a like one, comes in place of the model's."""
    signals: tuple[str, ...] = ()
    """Signals of modules of one's own, each as module:object, beside those of installed packages."""
    max_waiting: int = Field(16, ge=1)
    """Questions under way at once; one more is told to come back later. A client has at most half of them."""


class LargerSettings(BaseModel):
    """A second, larger model, asked where policy.larger_above says so, before a person is."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    model: str | None = None
    """A name that `codex models` lists, a local path, or a model of the server; none: no second one."""
    engine: EngineName | None = None
    """Its engine; none: by the model's files, or openai_api for a server."""
    base_url: Annotated[str, AfterValidator(origins.web_address)] | None = None
    """Of the server that holds it, e.g. http://127.0.0.1:8080/v1; none: it is held in this process."""
    api_key_env: str | None = None
    """The environment variable that holds that server's key, or, with _FILE after its name, that names a file
    with it."""


class OidcSettings(BaseModel):
    """An OpenID Connect provider by which users may sign in, beside their passwords."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    issuer: Annotated[str, AfterValidator(origins.web_address)] | None = None
    """Its address, e.g. https://login.example.org/realms/team; none: there is none."""
    client_id: str = "codex"
    """What Codex is called there. Register the address /sign-in/oidc/back of this server with it."""
    client_secret_env: str | None = None
    """The environment variable that holds the client's secret, or, with _FILE after its name, that names a
    file with it; none: it is a public client."""
    name_claim: str = Field("preferred_username", min_length=1)
    """The claim of its ID tokens that is the user's name here."""
    role: Role | None = None
    """Of a user who signs in for the first time; none: only those of `codex users create NAME --oidc` may."""


class ServerSettings(BaseModel):
    """Where the pages and the HTTP interface are served."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    host: str = "127.0.0.1"
    """0.0.0.0 shows the workbench to the whole network."""
    port: int = Field(7860, ge=0, le=65535)
    """0 takes a free one."""
    allowed_hosts: tuple[Annotated[str, AfterValidator(origins.host_name)], ...] = ()
    """Host names under which it may be reached, beside localhost and server.host; others are refused."""
    cors_origins: tuple[Annotated[str, AfterValidator(origins.origin)], ...] = ()
    """Origins, e.g. http://localhost:3000, whose web pages may read and change what their user may."""
    auth: Literal["auto", "required", "none"] = "auto"
    """auto: a key or a sign-in is needed unless host is loopback. none: everybody may do everything."""
    requests_per_minute: int | None = Field(1200, ge=1)
    """Of one user or key, where one is needed; none: no limit. A page that is open sends about 60."""
    tokens_per_day: int | None = Field(None, ge=1)
    """That may be generated for one user, key or browser in a day, samples included; none: no limit."""
    grace_seconds: float = Field(0.0, ge=0.0, le=3600.0)
    """How long questions under way may take to finish on SIGTERM or Ctrl-C; a second Ctrl-C ends them."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses whose X-Forwarded-For and X-Forwarded-Proto are believed: of proxies before Codex."""
    oidc: OidcSettings = OidcSettings()
    """An OpenID Connect provider by which users may sign in."""


class MonitoringSettings(BaseModel):
    """What is watched of the answers, and who is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    window_hours: int = Field(24, ge=1, le=24 * 366)
    """The newest hours that the alerts on shares look at."""
    minimum_answers: int = Field(50, ge=1)
    """Questions in these hours below which a share says nothing."""
    abstain_share: float = Field(0.5, ge=0.0, le=1.0)
    """Alert where more of the answers are abstentions; 1 turns it off."""
    error_share: float = Field(0.1, ge=0.0, le=1.0)
    """Alert where more of the questions fail; 1 turns it off."""
    risk: float | None = Field(None, gt=0.0, lt=1.0)
    """The share of incorrect answers that labels may not contradict; none: what the policy guarantees."""
    risk_error_level: float = Field(0.05, gt=0.0, lt=1.0)
    """The chance that labels ever raise that alert although the risk is no higher."""
    renotify_hours: float = Field(24.0, gt=0.0, le=24 * 366)
    """An alert that lasts is told again after so many hours."""
    retention_days: int | None = Field(None, ge=1, le=100_000)
    """Answers are deleted after so many days, unless they are labelled or wait for a label; none: never."""
    webhook: Annotated[str, AfterValidator(origins.web_address)] | None = None
    """The address to which alerts are sent as JSON; none: they stand on the page and in the log alone."""
    webhook_local: bool = Field(False, strict=True)
    """Whether the webhook may be on this machine or in a private network."""


def _of_known_signals(policy: Policy) -> Policy:
    for name in (rule.signal for rule in policy.rules if rule.signal not in REGISTRY):
        near = difflib.get_close_matches(name, REGISTRY, 3, 0.0)
        raise ValueError(f"a rule is on {name!r}, which is no signal; near are {', '.join(near)}")
    return policy


KnownPolicy = Annotated[Policy, AfterValidator(_of_known_signals)]
"""A policy of which each rule is on a signal that is computed: another one would never hold."""


class Settings(BaseModel):
    """Everything that can be set."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    home: Path
    """Where models, caches and the database lie."""
    engine: EngineSettings
    ask: AskSettings = AskSettings()
    larger: LargerSettings = LargerSettings()
    retrieval: RetrievalConfig = RetrievalConfig()
    grounding: GroundingConfig = GroundingConfig()
    policy: KnownPolicy = Policy()
    store: StoreConfig = StoreConfig()
    server: ServerSettings = ServerSettings()
    safety: SafetyConfig = SafetyConfig()
    monitoring: MonitoringSettings = MonitoringSettings()

    @property
    def database(self) -> Path:
        """Where the store lies."""
        return self.store.path or self.home / "codex.duckdb"

    @property
    def documents(self) -> Path:
        """Where documents that are uploaded in the browser lie."""
        return self.home / "documents"


def load_settings(overrides: Sequence[str] = ()) -> Settings:
    """Compose the settings from the YAML groups and `key=value` overrides.

    `engine=auto`, the default, takes huggingface where there is a CUDA device, else llama_cpp. Raises
    SettingsError naming the key, the value and the nearest known key; PluginError.

    `module:object` is taken as the engine, as the judge and as signals, and runs that module: what came over
    HTTP is never to be passed here.
    """
    # The resolver is registered again at each call because a test or a notebook may clear them.
    OmegaConf.register_new_resolver(
        "cores", lambda most: min(int(most), len(os.sched_getaffinity(0))), replace=True
    )
    # For what has no variable of its own: store.events=${secret:EVENTS}.
    OmegaConf.register_new_resolver("secret", _secret, replace=True)
    parsed = [_parse(text) for text in overrides]
    if not any(o.key_or_group == "engine" and o.value() != "auto" for o in parsed):
        parsed = [o for o in parsed if o.key_or_group != "engine"]
        parsed.insert(0, _parse(f"engine={preferred_engine()}"))
    chosen = [o for o in parsed if o.key_or_group in _groups()]
    config = _compose(chosen)
    _check_keys(parsed, config)
    config = _changed(config, [o for o in parsed if o not in chosen])
    add_signals(_own_signals(config))
    return _validated(config)


def _secret(name: str) -> str:
    found = secret(name)
    if found is None:
        raise SettingsError(f"Neither {name} nor {name}{IN_FILE} is set in the environment.", [name])
    return found


def _own_signals(config: DictConfig) -> list[str]:
    given = OmegaConf.to_container(config)["ask"]["signals"]  # type: ignore[index,call-overload]
    return [str(each) for each in given] if isinstance(given, list) else []


def _parse(text: str) -> Override:
    unread = SettingsError(f"Cannot read the setting {text!r}: write it as key=value.", [text])
    try:
        override = OverridesParser.create().parse_override(text)
    except (HydraException, OmegaConfBaseException) as error:
        raise unread from error
    if override.type is not OverrideType.CHANGE or override.is_sweep_override() or override.package:
        raise unread
    return override


def _groups() -> list[str]:
    return sorted(path.name for path in CONF.iterdir() if path.is_dir())


def _compose(overrides: Sequence[Override]) -> DictConfig:
    added = next((o for o in overrides if o.key_or_group == "engine" and _is_added(str(o.value()))), None)
    if added is not None:
        config = _compose([_parse("engine=llama_cpp") if o is added else o for o in overrides])
        config.engine = _defaults_of(str(added.value())) | {"params": config.engine.params}
        return config
    for override in overrides:
        group = CONF / override.key_or_group
        if group.is_dir():
            names = sorted(path.stem for path in group.glob("*.yaml"))
            names += plugins.names("engines") if override.key_or_group == "engine" else ()
            if override.value() not in names:
                value = str(override.value())
                raise SettingsError(
                    f"Unknown {override.key_or_group} {value!r}{nearest(value, names, NEAR)} "
                    f"There are: {', '.join(names)}.",
                    [override.key_or_group],
                )
    # A copy: who asked for it will change it.
    return copy.deepcopy(_composed(tuple(o.input_line or "" for o in overrides)))


def _is_added(engine: str) -> bool:
    """Whether it is a plug-in's; a `module:object` is taken."""
    if engine in get_args(EngineName):
        return False
    if plugins.is_target(engine):
        plugins.take("engines", engine)
    return engine in plugins.names("engines")


def _defaults_of(engine: str) -> dict[str, Any]:
    """What the settings of a plug-in's engine are at first; what has no default is null."""
    fields = _settings_of(engine).model_fields
    return {
        key: None if field.is_required() else field.get_default(call_default_factory=True)
        for key, field in fields.items()
        if key != "params"
    } | {"name": engine}


@cache
def _composed(groups: tuple[str, ...]) -> DictConfig:
    """The YAML files of the groups in one; kept, because Hydra takes a sixth of a second."""
    try:
        with initialize_config_dir(str(CONF), version_base=None):
            return compose("config", list(groups))
    except (HydraException, OmegaConfBaseException) as error:
        raise SettingsError(f"Cannot compose the settings: {error}") from error


def _changed(config: DictConfig, overrides: Iterable[Override]) -> DictConfig:
    for override in overrides:
        try:
            OmegaConf.update(config, override.key_or_group, override.value(), merge=True)
        except OmegaConfBaseException as error:
            raise SettingsError(
                f"Cannot apply the setting {override.input_line!r}: {error}", [override.key_or_group]
            ) from error
    return config


def _check_keys(overrides: Iterable[Override], config: DictConfig) -> None:
    known = [*_flatten(OmegaConf.to_container(config)), *_groups()]
    for override in overrides:
        if override.key_or_group not in known:
            raise SettingsError(
                f"Unknown setting {override.key_or_group!r}{nearest(override.key_or_group, known, NEAR)}",
                [override.key_or_group],
            )


def _validated(config: DictConfig) -> Settings:
    try:
        values: Any = OmegaConf.to_container(config, resolve=True)
        values["home"] = Path(values["home"] or default_home()).expanduser().absolute()
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(*_in_words(error)) from error
    except OmegaConfBaseException as error:
        raise SettingsError(f"Cannot read the settings: {error}") from error


def _in_words(error: ValidationError) -> tuple[str, list[str]]:
    # The discriminator's tag stands in the location as if it were a key.
    tags = (*get_args(EngineName), "added")
    keys = [".".join(str(part) for part in e["loc"] if part not in tags) for e in error.errors()]
    parts = [
        f"{key} = {e['input']!r}: {e['msg'].removeprefix('Value error, ')}."
        for key, e in zip(keys, error.errors(), strict=True)
    ]
    return "Wrong setting: " + " ".join(parts), keys


def _flatten(node: Any, prefix: str = "") -> list[str]:
    if not isinstance(node, dict):
        return []
    keys = []
    for key, value in node.items():
        keys += [f"{prefix}{key}", *_flatten(value, f"{prefix}{key}.")]
    return keys
