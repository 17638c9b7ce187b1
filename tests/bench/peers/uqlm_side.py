"""UQLM's side of the race, run by the interpreter that has it: argv is a server's base URL, its
model and the system prompt.

A question comes as one line of JSON, and its seconds and scores go back as one line. The server's key is in
CODEX_RACE_KEY. Scored is what needs no further model: UQLM's similarity scorers load others.
"""

import asyncio
import json
import logging
import os
import sys
import time

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

from langchain_openai import ChatOpenAI
from uqlm import WhiteBoxUQ

NEW_TOKENS = 48
SAMPLES = 10
SCORERS = [
    "sequence_probability",
    "min_probability",
    "mean_token_negentropy",
    "monte_carlo_probability",
    "p_true",
]


async def answer(question: str, base_url: str, model: str, system: str) -> dict[str, object]:
    """One question, by a client that is opened before the clock starts."""
    llm = ChatOpenAI(
        model=model,
        base_url=base_url,
        api_key=os.environ["CODEX_RACE_KEY"],
        temperature=1e-6,
        max_tokens=NEW_TOKENS,
    )
    scorer = WhiteBoxUQ(llm=llm, system_prompt=system, scorers=SCORERS, use_n_param=True)
    began = time.perf_counter()
    found = await scorer.generate_and_score([question], num_responses=SAMPLES, show_progress_bars=False)
    seconds = time.perf_counter() - began
    data = found.to_dict()["data"]
    return {
        "seconds": seconds,
        "text": data["responses"][0],
        "found": {name: data[name][0] for name in SCORERS if name in data},
    }


def main() -> None:
    logging.disable(logging.WARNING)
    base_url, model, system = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what it prints must not stand among the answers
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            said = runner.run(answer(json.loads(line), base_url, model, system))
            print(json.dumps(said, default=float), file=answers, flush=True)


main()
