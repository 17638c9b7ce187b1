"""What a search finds, and what it survives."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from codex.errors import NotFound
from codex.retrieval import Index
from codex.retrieval.config import PACKAGED_EMBEDDING
from codex.retrieval.embedding import model_folder


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("When was the tower in Paris built?", "paris.txt"),
        ("ΑΘΗΝΑ", "greece.md"),
        ("ירושלים", "hebrew.txt"),
        ("東京", "tokyo.txt"),
        ("sleeping cat", "animals.txt"),
    ],
)
def test_a_question_finds_its_document_by_meaning_and_by_words(library: Index, query: str, name: str) -> None:
    best = library.search(query, 1)[0]
    assert best.document == name
    assert best.scores["bm25"] > 0
    assert -1 <= best.scores["dense"] <= 1
    assert library.text(best.document_id).text[best.start : best.end] == best.text


@pytest.mark.parametrize(
    "query", ['NEAR( " OR *', "?!...", "the of and", "-a:b^2", "\0", "é" * 10_000, "word " * 2000]
)
def test_no_query_breaks_the_search(library: Index, query: str) -> None:
    assert len(library.search(query, 3)) in {0, 3}


def test_an_empty_query_and_an_empty_index_find_nothing(make_index: Callable[..., Index]) -> None:
    assert make_index().search("anything") == []


def test_a_word_that_only_one_document_holds_puts_it_first(index: Index, folder: Path) -> None:
    (folder / "part.txt").write_text("Order number XJ-9000 of the left valve. Cats and dogs are not allowed.")
    index.add([folder])
    index.run()
    assert index.search("XJ-9000", 1)[0].document == "part.txt"


def test_the_same_words_in_two_documents_are_found_once(index: Index, folder: Path) -> None:
    for name in ("valve.txt", "copy of valve.txt"):
        (folder / name).write_text("Order number XJ-9000 of the left valve.")
    index.add([folder])
    index.run()
    found = index.search("XJ-9000", 4)
    assert found[0].text == "Order number XJ-9000 of the left valve."
    assert len({passage.text for passage in found}) == len(found) == 4


def test_every_passage_says_how_near_it_is_in_meaning(library: Index) -> None:
    found = library.search("Where do cats sleep?", 50)
    vectors = library.embed(["Where do cats sleep?", *(it.text for it in found)])
    told = [it.scores["dense"] for it in found if not it.heading]
    measured = [float(v @ vectors[0]) for it, v in zip(found, vectors[1:], strict=True) if not it.heading]
    assert told == pytest.approx(measured, abs=1e-4)
    fused = [it.scores["fused"] for it in found]
    assert fused == sorted(fused, reverse=True)


def test_a_passage_is_had_by_its_id_until_its_document_goes(index: Index) -> None:
    found = index.search("Where do cats sleep?", 1)[0]
    assert index.passage(found.id).text == found.text
    index.remove([found.document_id])
    for id_ in (found.id, "nonsense", "-1"):
        with pytest.raises(NotFound, match=id_):
            index.passage(id_)


def test_a_reranker_has_the_last_word(make_index: Callable[..., Index], folder: Path, tmp_path: Path) -> None:
    """A tiny cross-encoder with weights at random: its order is arbitrary, but it is its own."""
    from sentence_transformers import CrossEncoder
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tiny = tmp_path / "tiny"
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(0)
    BertForSequenceClassification(BertConfig(num_labels=1, **sizes)).save_pretrained(tiny)
    AutoTokenizer.from_pretrained(model_folder(PACKAGED_EMBEDDING, "")).save_pretrained(tiny)
    index = make_index(reranker=str(tiny))
    index.add([folder])
    index.run()
    found = index.search("Where do cats sleep?", 3)
    told = [it.scores["rerank"] for it in found]
    assert told == sorted(told, reverse=True)
    model = CrossEncoder(str(tiny))
    assert told == pytest.approx(
        [float(it) for it in model.predict([("Where do cats sleep?", it.text) for it in found])], abs=1e-4
    )


def test_searches_of_many_threads_find_what_one_finds(library: Index) -> None:
    queries = ["Eiffel Tower", "ΑΘΗΝΑ", "東京", "sleeping cat"] * 4
    alone = [[it.id for it in library.search(query)] for query in queries]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda query: [it.id for it in library.search(query)], queries))
    assert together == alone
