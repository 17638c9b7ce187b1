"""Settings: composed, typed, and clear about what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex.errors import SettingsError
from codex.policy import Policy
from codex.settings import CONF, Settings, load_settings


def test_defaults_are_those_of_the_code() -> None:
    settings = load_settings()
    assert settings.policy == Policy()
    assert settings.ask == type(settings.ask)()
    assert settings.engine.context_size == 4096


def test_every_setting_of_every_group_stands_in_its_yaml_file() -> None:
    """What cannot be seen in conf/ cannot be found, and an override of it would be refused."""
    for engine in ("llama_cpp", "huggingface"):
        settings = load_settings([f"engine={engine}"])
        written = (CONF / "engine" / f"{engine}.yaml").read_text()
        for key in type(settings.engine).model_fields:
            assert f"{key}:" in written, key
    for group in ("policy", "store", "server", "monitoring"):
        written = (CONF / group / "default.yaml").read_text()
        for key in type(getattr(settings, group)).model_fields:
            assert f"{key}:" in written, f"{group}.{key}"
    written = (CONF / "config.yaml").read_text()
    for key in type(settings.ask).model_fields:
        assert f"{key}:" in written, f"ask.{key}"


@pytest.mark.parametrize(
    ("override", "read", "value"),
    [
        ("engine.params.temperature=0.3", lambda s: s.engine.params.temperature, 0.3),
        ("engine.seed=7", lambda s: s.engine.params.seed, 7),
        ("policy.answer_above=0.8", lambda s: s.policy.answer_above, 0.8),
        ("ask.n_samples=10", lambda s: s.ask.n_samples, 10),
        ("store.privacy=full", lambda s: s.store.privacy, "full"),
        ("server.port=0", lambda s: s.server.port, 0),
        ("server.allowed_hosts=[Codex.Lan]", lambda s: s.server.allowed_hosts, ("codex.lan",)),
        (
            "server.cors_origins=[http://localhost:3000,HTTPS://App.Example:443]",
            lambda s: s.server.cors_origins,
            ("http://localhost:3000", "https://app.example"),
        ),
        ("engine.params.stop=['\\n','.']", lambda s: s.engine.params.stop, ("\\n", ".")),
    ],
)
def test_an_override_reaches_its_setting(override: str, read: object, value: object) -> None:
    assert callable(read)
    assert read(load_settings([override])) == value


def test_the_engine_group_is_chosen_by_name() -> None:
    settings = load_settings(["engine=huggingface", "engine.quantization=nf4"])
    assert settings.engine.name == "huggingface"
    assert settings.engine.quantization == "nf4"  # type: ignore[union-attr]


def test_auto_chooses_llama_cpp_where_there_is_no_cuda_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codex.settings.preferred_engine", lambda: "llama_cpp")
    assert load_settings().engine.name == "llama_cpp"
    assert load_settings(["engine=auto"]).engine.name == "llama_cpp"
    monkeypatch.setattr("codex.settings.preferred_engine", lambda: "huggingface")
    assert load_settings(["engine=auto"]).engine.name == "huggingface"


def test_a_secret_comes_from_a_variable_or_from_the_file_that_it_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = "postgresql://codex:of-the-file@db/codex"
    (tmp_path / "events").write_text(f"{address}\n")
    monkeypatch.setenv("CODEX_TEST_EVENTS_FILE", str(tmp_path / "events"))
    override = "store.events=${secret:CODEX_TEST_EVENTS}"
    events = load_settings([override]).store.events
    assert events is not None
    assert events.get_secret_value() == address
    monkeypatch.setenv("CODEX_TEST_EVENTS", "postgresql://of-the-variable")
    assert str(load_settings([override]).store.events) == "**********"
    monkeypatch.delenv("CODEX_TEST_EVENTS")
    (tmp_path / "events").unlink()
    with pytest.raises(SettingsError, match=r"CODEX_TEST_EVENTS_FILE names .*events, which cannot be read"):
        load_settings([override])
    monkeypatch.delenv("CODEX_TEST_EVENTS_FILE")
    with pytest.raises(SettingsError, match="Neither CODEX_TEST_EVENTS nor CODEX_TEST_EVENTS_FILE is set"):
        load_settings([override])


def test_home_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "home"))
    assert load_settings().database == tmp_path / "home" / "codex.duckdb"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("engine.context_sise=10", ["engine.context_sise", "did you mean 'engine.context_size'"]),
        ("polcy.answer_above=0.5", ["polcy.answer_above", "did you mean 'policy.answer_above'"]),
        ("answer_above=0.5", ["answer_above", "did you mean 'policy.answer_above'"]),
        ("n_samples=3", ["n_samples", "did you mean 'ask.n_samples'"]),
        ("engine=lama_cpp", ["lama_cpp", "did you mean 'llama_cpp'", "huggingface"]),
        ("engine.quantization=nf4", ["engine.quantization"]),
        ("engine.threads=many", ["engine.threads", "'many'", "integer"]),
        ("engine.threads=100000", ["engine.threads", "100000", "512"]),
        ("engine.batch_size=2", ["engine.batch_size", "2", "16"]),
        ("engine.params.top_k=99999999999999999999", ["engine.params.top_k", "2147483648"]),
        (
            "policy.rules=[{signal: entropi, above: 1, gate: reflect}]",
            ["'entropi', which is no signal; near are entropy"],
        ),
        ("policy.answer_above=2", ["policy.answer_above", "2", "less than or equal to 1"]),
        ("policy.abstain_below=0.9", ["abstain_below (0.9) must not exceed answer_above (0.5)"]),
        ("engine.params.temperature=-1", ["engine.params.temperature", "-1"]),
        ("store.privacy=none", ["store.privacy", "'none'", "hash"]),
        (
            "server.allowed_hosts=[http://codex.lan]",
            ["server.allowed_hosts", "'http://codex.lan'", "without"],
        ),
        ("server.allowed_hosts=['*']", ["server.allowed_hosts", "'*'", "wildcard"]),
        ("server.cors_origins=[localhost]", ["server.cors_origins", "'localhost'", "http://localhost:3000"]),
        ("server.cors_origins=['null']", ["server.cors_origins", "'null'", "http://localhost:3000"]),
        ("+engine.foo=1", ["engine.foo"]),
        ("no equals sign", ["no equals sign", "key=value"]),
        ("engine.params.stop=[", ["engine.params.stop=[", "key=value"]),
    ],
)
def test_a_wrong_override_names_the_key_and_what_is_right(override: str, said: list[str]) -> None:
    chosen = [] if override.startswith("engine=") else ["engine=llama_cpp"]
    with pytest.raises(SettingsError) as error:
        load_settings([*chosen, override])
    for part in said:
        assert part in str(error.value)


def test_settings_cannot_be_changed_behind_the_workbench() -> None:
    settings: Settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.ask.n_samples = 3  # type: ignore[misc]
