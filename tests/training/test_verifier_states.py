"""What training keeps of the prompts: the upper layers alone compute what the whole model does."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from codex import prompts
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import Models
from codex.errors import Cancelled, CapabilityError, InvalidInput
from codex.prompts import judging
from codex.training.verifier_states import Labels, States, Upper, read_all, shared_end
from tests.support.tiny_model import tiny_model

ANSWERS = ("Paris", "It is Lyon, as far as I know.", "no", "42")


@pytest.fixture(params=["llama", "qwen2"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HuggingFaceEngine]:
    made = opened(tiny_model(tmp_path / "model", kind=request.param), tmp_path)
    yield made
    made.unload()


def opened(model: Path, home: Path) -> HuggingFaceEngine:
    config = HuggingFaceConfig(model_path=str(model), dtype="float32", device="cpu", threads=1)
    return HuggingFaceEngine(config, Models(home))


def asked(engine: HuggingFaceEngine, answers: Sequence[str] = ANSWERS) -> list[list[int]]:
    return [
        engine.token_ids(judging.verify(prompts.ask(f"Which one is number {at}?"), answer))
        for at, answer in enumerate(answers)
    ]


def test_the_upper_layers_alone_compute_what_the_whole_model_does(engine: HuggingFaceEngine) -> None:
    ids = asked(engine)
    loaded = engine.loaded()
    labels, adapted = Labels.of(loaded), len(shared_end(ids))
    with torch.inference_mode():
        whole = [loaded.model(torch.tensor([each])).logits[0, -1].float() for each in ids]
    with States(loaded, 2, adapted) as states:
        read_all(states, ids, labels)
        upper = Upper(states, labels)
        with torch.no_grad():
            together = upper(states.batch([2, 0, 3, 1]))
            found = upper.logit(together)[[1, 3, 0, 2]]
        upper.check(states)
    expected = torch.stack([labels.logit(each) for each in whole])
    # States are kept in float16, whose steps are a thousandth of a number.
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0.01)
    np.testing.assert_allclose(states.zero_shot, expected, atol=1e-3)
    assert float(expected.std()) > 0.1, "the prompts make a difference, so that this test can fail"


def test_what_is_counted_apart_from_the_labels_is_a_distribution(engine: HuggingFaceEngine) -> None:
    ids = asked(engine)
    loaded = engine.loaded()
    labels = Labels.of(loaded)
    with States(loaded, 1, len(shared_end(ids))) as states:
        read_all(states, ids, labels)
        upper = Upper(states, labels)
        batch = states.batch([0, 1])
        told = upper.distribution(batch.last[:, -1])
    torch.testing.assert_close(told.exp().sum(-1), torch.ones(2))
    token = loaded.tokenizer.convert_tokens_to_ids("True")
    assert token in labels.positive
    assert token not in labels.negative
    assert torch.isinf(told[:, token]).all()


def test_layers_that_cannot_be_run_alone_are_noticed(tmp_path: Path) -> None:
    engine = opened(tiny_model(tmp_path / "model"), tmp_path)
    ids, loaded = asked(engine), engine.loaded()
    labels = Labels.of(loaded)
    with States(loaded, 2, len(shared_end(ids))) as states:
        read_all(states, ids, labels)
        states.zero_shot = [each + 1 for each in states.zero_shot]
        with pytest.raises(CapabilityError, match=r"cannot be run alone: .* (0\.99|1\.0\d) apart"):
            Upper(states, labels).check(states)
    engine.unload()


def test_reading_is_cancelled_between_two_prompts(engine: HuggingFaceEngine) -> None:
    ids, cancel = asked(engine), threading.Event()
    loaded = engine.loaded()
    with (
        States(loaded, 2, len(shared_end(ids))) as states,
        pytest.raises(Cancelled, match="nothing was saved"),
    ):
        read_all(states, ids, Labels.of(loaded), lambda done, total: cancel.set(), cancel)
    assert len(states) == 1


def test_the_shared_end_is_what_all_prompts_end_with() -> None:
    assert shared_end([[1, 2, 8, 9], [5, 8, 9], [8, 9]]) == [8, 9]
    assert shared_end([[7, 8]]) == [7, 8]
    with pytest.raises(InvalidInput, match="no last token in common"):
        shared_end([[1, 2], [2, 1]])
