"""Both training engines on a GPU, where fp16 has a scaler."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from codex.training.tracking import read_metrics
from tests.support.tiny_training import CONFIG, task, trained


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
class TestGpu:
    @pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
    def test_the_losses_of_both_engines_agree(self, tmp_path: Path, precision: str) -> None:
        found = []
        for engine in ("loop", "hf"):
            config = CONFIG.model_copy(update={"engine": engine, "precision": precision})
            on_gpu = replace(task(), model=task().model.cuda())
            trained(tmp_path / engine, config, of=on_gpu)
            found.append([line["loss"] for line in read_metrics(tmp_path / engine / "metrics.ndjson")])
        # Kernels of a GPU add in an order of their own; in half precision that is the last of 8 to 11 bits.
        assert found[0] == pytest.approx(found[1], rel=1e-2)

    def test_a_training_in_fp16_resumes_with_its_scaler(self, tmp_path: Path) -> None:
        config = CONFIG.model_copy(update={"precision": "fp16", "deterministic": True})
        trained(tmp_path / "whole", config, of=replace(task(), model=task().model.cuda()))
        stop = threading.Event()
        trained(
            tmp_path / "stopped",
            config,
            of=replace(task(), model=task().model.cuda()),
            progress=lambda at: stop.set() if at.step == 5 else None,
            cancel=stop,
        )
        trained(tmp_path / "stopped", config, of=replace(task(), model=task().model.cuda()))
        whole, stopped = (
            [line["loss"] for line in read_metrics(tmp_path / name / "metrics.ndjson")]
            for name in ("whole", "stopped")
        )
        assert whole == stopped
