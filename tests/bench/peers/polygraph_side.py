"""LM-Polygraph's side of the race, run by the interpreter that has it: argv is the model's folder.

A prompt comes as one line of JSON, and its seconds, text and estimates go back as one line. All estimates
are asked of one `UEManager`, which shares what they are computed from: that is its fastest way.
"""

import json
import logging
import os
import sys
import time

import torch

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

from lm_polygraph.defaults.register_default_stat_calculators import register_default_stat_calculators
from lm_polygraph.estimators import (
    LexicalSimilarity,
    MaximumSequenceProbability,
    MeanTokenEntropy,
    Perplexity,
    PTrue,
)
from lm_polygraph.utils.builder_enviroment_stat_calculator import BuilderEnvironmentStatCalculator
from lm_polygraph.utils.dataset import Dataset
from lm_polygraph.utils.generation_parameters import GenerationParameters
from lm_polygraph.utils.manager import UEManager
from lm_polygraph.utils.model import WhiteboxModel
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 48
SAMPLES = 10


def main() -> None:
    torch.set_num_threads(2)
    logging.disable(logging.WARNING)
    folder = sys.argv[1]
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model = WhiteboxModel(
        network.eval(),
        tokenizer,
        folder,
        generation_parameters=GenerationParameters(top_k=0, temperature=1.0),
    )
    calculators = register_default_stat_calculators(
        "Whitebox", output_attentions=False, output_hidden_states=False
    )
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what it prints must not stand among the answers
    for line in sys.stdin:
        estimators = [
            MaximumSequenceProbability(),
            Perplexity(),
            MeanTokenEntropy(),
            LexicalSimilarity(metric="rougeL"),
            PTrue(),
        ]
        began = time.perf_counter()
        manager = UEManager(
            Dataset([json.loads(line)], [""], batch_size=1),
            model,
            estimators,
            BuilderEnvironmentStatCalculator(model),
            calculators,
            [],
            [],
            [],
            ignore_exceptions=False,
            verbose=False,
            max_new_tokens=NEW_TOKENS,
        )
        manager()
        seconds = time.perf_counter() - began
        found = {name: values[0] for (_, name), values in manager.estimations.items()}
        said = {"seconds": seconds, "text": manager.stats["greedy_texts"][0], "found": found}
        print(json.dumps(said), file=answers, flush=True)


main()
