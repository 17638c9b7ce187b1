"""The settings of a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex.cli.reference import training_table
from codex.errors import SettingsError
from codex.training.config import Lora, TrainConfig, configured, keys

DOCUMENT = Path(__file__).parents[2] / "docs" / "training.md"


def test_settings_are_told_apart_from_those_of_the_engine() -> None:
    config, others = configured(
        ["train.epochs=1", "engine.threads=2", "train.lora.rank=8", "train.data.redact=[]"]
    )
    assert others == ["engine.threads=2"]
    assert (config.epochs, config.data.redact) == (1.0, ())
    assert config.lora == Lora(rank=8)
    assert configured(["train.lora=null"])[0].lora is None


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("train.lerning_rate=1", "did you mean train.learning_rate"),
        ("train.batch_size=0", "train.batch_size = 0"),
        ("train.lora.rank=x", "train.lora.rank = 'x'"),
        ("train.engine=own", "train.engine = 'own'"),
        ("train.steps", "write it as key=value"),
        ("train.data.validation=1", "train.data.validation = 1"),
    ],
)
def test_a_wrong_setting_says_what_is_right(setting: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        configured([setting])


def test_every_setting_is_described_in_the_documentation() -> None:
    assert all(meaning for _, meaning in keys().values())
    assert training_table() in DOCUMENT.read_text(), "run: python -m codex.cli.reference"
    assert set(TrainConfig.model_fields) - {"lora", "data"} <= {name.split(".")[1] for name in keys()}
