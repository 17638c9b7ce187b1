"""Pairs of questions for the match of people's answers: reworded ones, and ones that only look alike.

Both come from the questions in `datasets/`. Each half has 200 pairs of either kind, with templates, families
of questions and entities of its own: thresholds and word lists are set on the half "development", and the
half "held-out" tells how well that carries over. Nothing is drawn by chance.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from codex.paths import resources

Half = Literal["development", "held-out"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions, and whether an answer to the one answers the other."""

    first: str
    second: str
    like: bool
    kind: str


@cache
def pairs(half: Half) -> tuple[Pair, ...]:
    """200 pairs that are alike, then 200 near-misses."""
    found = (*_alike(half), *_near(half))
    assert [sum(pair.like is like for pair in found) for like in (True, False)] == [200, 200]
    return found


WAYS: dict[Half, dict[str, list[str]]] = {
    "development": {
        "capital": [
            "What's the capital of {}?",
            "what is the capital of {}",
            "Tell me the capital of {}.",
            "Which city is the capital of {}?",
            "{}'s capital?",
            "capital of {}",
            "Can you tell me what the capital of {} is?",
            "What is {}'s capital city?",
            "Do you know the capital city of {}?",
            "Name the capital of {}.",
            "what is teh capital of {}",
            "Waht is the captial of {}?",
        ],
        "currency": [
            "What's the currency of {}? Give the full name.",
            "Tell me the full name of the currency of {}.",
            "Which currency does {} use? Give its full name.",
            "What is the full name of {}'s currency?",
            "What is the name of the currency of {}, in full?",
            "give me the full name of the currency of {} please",
            "what is the curency of {}? give its full name",
        ],
        "number": [
            "What's the atomic number of {}?",
            "Which atomic number does {} have?",
            "atomic number of {}",
            "Tell me {}'s atomic number.",
            "I want to know the atomic number of {}.",
            "what is the atmoic number of {}?",
        ],
        "symbol": [
            "Which element has the symbol {}?",
            "What chemical element has the symbol {}?",
            "What element has the chemical symbol {}?",
            "{} is the symbol of which chemical element?",
            "Tell me which chemical element has the symbol {}.",
        ],
        "sum": [
            "What's {} {} {}?",
            "{} {} {}",
            "How much is {} {} {}?",
            "Calculate {} {} {}.",
            "{} {} {} = ?",
            "Please work out {} {} {}.",
            "what is {}{}{}?",
        ],
    },
    "held-out": {
        "capital": [
            "Could you please tell me the capital of {}?",
            "The capital of {} is which city?",
            "I'd like to know what {}'s capital is.",
            "whats the capital of {}?",
            "Hi, what is the capital city of {}?",
            "What city is {}'s capital?",
            "What is the name of the capital of {}?",
            "Remind me: what is the capital of {}?",
            "Which is the capital of {}?",
            "the capital city of {}, please",
            "waht is the capital of {}",
            "What is the capitl of {}?",
        ],
        "currency": [
            "What currency does {} have? Give its full name.",
            "Full name of {}'s currency?",
            "Please state the full name of the currency of {}.",
            "What is the currency in {} called? Give its full name.",
            "whats the currency of {}? give its full name.",
            "Do you know the full name of the currency used in {}?",
            "What is the currancy of {}? Give its full name.",
        ],
        "number": [
            "whats the atomic number of {}",
            "{}: what is its atomic number?",
            "The atomic number of {} is what?",
            "Could you give me the atomic number of {}?",
            "What is {}'s atomic number?",
            "What is the atomic numbr of {}?",
        ],
        "symbol": [
            "What is the chemical element with the symbol {}?",
            "The symbol {} stands for which chemical element?",
            "Which chemical element's symbol is {}?",
            "Name the chemical element that has the symbol {}.",
            "what chemical element is {} the symbol of?",
        ],
        "sum": [
            "Could you compute {} {} {}?",
            "{} {} {} is what?",
            "what does {} {} {} equal?",
            "whats {} {} {}",
            "Tell me what {} {} {} is.",
            "What is the result of {} {} {}?",
            "{}{}{}=",
        ],
    },
}
"""Of each relation, how people put it."""

SIGNS: dict[Half, dict[str, list[str]]] = {
    "development": {
        "plus": ["plus", "+"],
        "minus": ["minus", "-"],
        "times": ["times", "×", "*"],
        "over": ["divided by", "/", "÷"],
    },
    "held-out": {
        "plus": ["+", "plus"],
        "minus": ["−", "minus"],
        "times": ["x", "multiplied by", "*"],
        "over": ["÷", "divided by", ":"],
    },
}

FAMILIES: dict[Half, list[tuple[str, list[str], list[str]]]] = {
    "development": [
        (
            r"Who will win the football World Cup in (\d+)\?",
            ["Who's going to win the football World Cup in {}?"]
            + ["who will win the soccer world cup in {}", "Who will be the winner of the football World Cup in {}?"],
            ["Who will lose the football World Cup in {}?", "Who will host the football World Cup in {}?"],
        ),
        (
            r"What is the highest mountain in (.+)\?",
            ["What's the tallest mountain in {}?", "Which mountain is the highest in {}?", "highest mountain in {}"],
            ["What is the lowest mountain in {}?", "What is the second highest mountain in {}?"],
        ),
        (
            r"In which year did (.+) become independent\?",
            ["When did {} become independent?", "What year did {} become independent?"],
            ["In which year did {} become a member of the United Nations?", "Why did {} become independent?"],
        ),
        (
            r"How many people live in the city of (.+)\?",
            ["how many people live in the city of {}", "How many people are living in the city of {}?"],
            ["How many people work in the city of {}?", "How many women live in the city of {}?"],
        ),
        (
            r"Which mobile phone did (.+) use\?",
            ["What mobile phone did {} use?", "Tell me which cell phone {} used."],
            ["Which mobile phone did {} invent?", "Which mobile phone did {} never use?"],
        ),
        (
            r"Who was the first king of (.+)\?",
            ["Who was {}'s first king?", "Who was the 1st king of {}?", "The first king of {} was who?"],
            ["Who was the last king of {}?", "Who was the first queen of {}?", "Who was the third king of {}?"],
        ),
        (
            r"Where did (.+) leave the keys yesterday\?",
            ["where did {} leave the keys yesterday", "Do you know where {} left the keys yesterday?"],
            ["Where did {} leave the keys today?", "When did {} leave the keys yesterday?"],
        ),
    ],
    "held-out": [
        (
            r"Who will be president of the United States in (\d+)\?",
            ["Who'll be the president of the United States in {}?", "In {}, who will be president of the US?"],
            ["Who will be vice president of the United States in {}?", "Who was president of the United States in {}?"],
        ),
        (
            r"Which river flows through the city of (.+)\?",
            ["What river flows through the city of {}?", "Through the city of {} flows which river?"],
            ["Which road runs through the city of {}?", "Which river does not flow through the city of {}?"],
        ),
        (
            r"In which year was the physicist (.+) born\?",
            ["When was the physicist {} born?", "What year was the physicist {} born in?", "Birth year of the physicist {}?"],
            ["In which year did the physicist {} die?", "In which city was the physicist {} born?"],
        ),
        (
            r"Which language is spoken in the kingdom of (.+)\?",
            ["What language is spoken in the kingdom of {}?", "Which language do people speak in the kingdom of {}?"],
            ["Which language is banned in the kingdom of {}?", "Which language was spoken in the kingdom of {}?"],
        ),
        (
            r"Which song by (.+) reached number one in the American charts\?",
            ["What song by {} reached number 1 in the American charts?", "Which {} song reached number one in the American charts?"],
            ["Which song by {} reached number two in the American charts?", "Which song about {} reached number one in the American charts?"],
        ),
        (
            r"How much money did (.+) spend yesterday\?",
            ["how much money did {} spend yesterday", "Could you tell me how much money {} spent yesterday?"],
            ["How much money did {} earn yesterday?", "How much time did {} spend yesterday?"],
        ),
        (
            r"What was the name of the first film by (.+)\?",
            ["What was the name of {}'s first film?", "What was the first movie by {} called?"],
            ["What was the name of the last film by {}?", "What was the name of the first book by {}?"],
        ),
    ],
}
"""Questions of the set `unanswerable`: a pattern, how people reword it, and near-misses."""

OWN: dict[Half, list[tuple[str, str, str]]] = {
    "development": [
        ("What is the fastest land animal?", "Which land animal is the fastest?", "What is the slowest land animal?"),
        ("Which organ pumps blood through the body?", "What organ pumps blood through the body?", "Which organ filters blood in the body?"),
        ("When did the Titanic sink?", "In what year did the Titanic sink?", "Why did the Titanic sink?"),
        ("What is the smallest country in the world?", "What's the smallest nation in the world?", "What is the largest country in the world?"),
        ("Who was the first president of the United States?", "Who was the USA's first president?", "Who was the second president of the United States?"),
        ("What is the opposite of hot?", "whats the opposite of hot", "What is the opposite of cold?"),
        ("What is the longest river in the world?", "Which river is the longest in the world?", "What is the longest river in Europe?"),
        ("What is the largest ocean?", "Which is the biggest ocean?", "What is the smallest ocean?"),
        ("How many minutes are in an hour?", "How many minutes does an hour have?", "How many hours are in a minute?"),
        ("What is the speed of light in kilometres per second?", "What's the speed of light in km per second?", "What is the speed of sound in kilometres per second?"),
        ("Who invented the telephone?", "By whom was the telephone invented?", "Who invented the television?"),
        ("What is 15% of 200?", "How much is 15 percent of 200?", "What is 20% of 150?"),
        ("How many legs does a spider have?", "how many legs do spiders have", "How many eyes does a spider have?"),
        ("When did the Berlin Wall fall?", "What year did the Berlin Wall fall?", "When was the Berlin Wall built?"),
        ("How many continents are there?", "What is the number of continents?", "How many countries are there?"),
        ("Which language is spoken in Brazil?", "What language do they speak in Brazil?", "Which language is spoken in Peru?"),
        ("In which city is the Eiffel Tower?", "What city is the Eiffel Tower in?", "In which city is the Tower of London?"),
        ("What is the chemical formula of water?", "What's the chemical formula for water?", "What is the chemical formula of ammonia?"),
        ("Who wrote Romeo and Juliet?", "Who is the author of Romeo and Juliet?", "Who wrote Antony and Cleopatra?"),
        ("Who composed the Moonlight Sonata?", "Who was the composer of the Moonlight Sonata?", "Who played the Moonlight Sonata?"),
    ],
    "held-out": [
        ("What is the main ingredient of bread?", "What's bread's main ingredient?", "What is the main ingredient of beer?"),
        ("What colour do you get when you mix blue and yellow?", "What color do you get if you mix blue and yellow?", "What colour do you get when you mix blue and red?"),
        ("Who was the first person to walk on the Moon?", "Who first walked on the Moon?", "Who was the last person to walk on the Moon?"),
        ("What gas do plants take in from the air?", "Which gas do plants take in from the air?", "What gas do plants release into the air?"),
        ("In which country are the pyramids of Giza?", "The pyramids of Giza are in which country?", "In which century were the pyramids of Giza built?"),
        ("Which planet is known as the Red Planet?", "What planet is known as the red planet?", "Which planet is known as the Blue Planet?"),
        ("At what temperature does water boil in degrees Celsius?", "At which temperature in degrees Celsius does water boil?", "At what temperature does water boil in degrees Fahrenheit?"),
        ("On which continent is Kenya?", "Which continent is Kenya on?", "On which continent is Peru?"),
        ("How many bones does an adult human have?", "How many bones are there in an adult human?", "How many teeth does an adult human have?"),
        ("Who developed the theory of relativity?", "Who's the person who developed the theory of relativity?", "Who developed the theory of evolution?"),
        ("How many letters are in the English alphabet?", "How many letters does the English alphabet have?", "How many letters are in the Greek alphabet?"),
        ("What do bees make?", "what do bees produce?", "What makes bees?"),
        ("What is the highest mountain in the world?", "Which is the world's tallest mountain?", "What is the highest mountain in Africa?"),
        ("What is the largest animal on Earth?", "What is the biggest animal in the world?", "What is the largest animal on land?"),
        ("Who discovered penicillin?", "Penicillin was discovered by whom?", "Who discovered insulin?"),
        ("How many planets are in the solar system?", "What is the number of planets in the solar system?", "How many moons are in the solar system?"),
        ("Which planet is closest to the Sun?", "What is the closest planet to the Sun?", "Which planet is farthest from the Sun?"),
        ("When did World War II end?", "When did the Second World War end?", "When did World War II begin?"),
        ("Who painted the Mona Lisa?", "Who is the painter of the Mona Lisa?", "Who stole the Mona Lisa?"),
        ("Which day comes after Monday?", "What day comes after Monday?", "Which day comes before Monday?"),
    ],
}
"""Questions of the set `newcomers`, each reworded and as a near-miss."""

SWAPS: dict[Half, dict[str, list[str]]] = {
    "development": {
        "capital": [
            "What is the currency of {}?",
            "What is the largest city of {}?",
            "What is the population of the capital of {}?",
            "What is not the capital of {}?",
            "What was the capital of {} in 1900?",
        ],
        "currency": [
            "What is the capital of {}? Give its full name.",
            "What was the currency of {}? Give its full name.",
            "What is the currency of {}? Give its symbol.",
        ],
        "number": [
            "What is the atomic mass of {}?",
            "What is the symbol of {}?",
            "What is the mass number of {}?",
        ],
        "symbol": ["Which chemical element has the atomic number {}?", "Which chemical element lacks the symbol {}?"],
    },
    "held-out": {
        "capital": [
            "What is the second largest city of {}?",
            "Who is the mayor of the capital of {}?",
            "What was the former capital of {}?",
            "What will be the next capital of {}?",
            "When did {} get its capital?",
        ],
        "currency": [
            "What is the central bank of {}? Give its full name.",
            "What will the currency of {} be? Give its full name.",
            "What is the currency of {} worth in dollars? Give its full name.",
        ],
        "number": [
            "What is the melting point of {}?",
            "What is the atomic radius of {}?",
            "What is twice the atomic number of {}?",
        ],
        "symbol": [
            "Which chemical element has no symbol {}?",
            "Which chemical compound has the symbol {}?",
        ],
    },
}
"""Of each relation, questions about the same entity that have another answer."""


def _alike(half: Half) -> Iterator[Pair]:
    ways = WAYS[half]
    for relation, n in (("capital", 50), ("currency", 30), ("number", 30), ("symbol", 20)):
        for (question, entity), way in zip(_entities(half, relation)[:n], itertools.cycle(ways[relation])):
            yield Pair(question, way.format(entity), True, relation)
    for at, (question, (left, sign, right)) in enumerate(_sums(half)[:20]):
        written = SIGNS[half][sign][at % len(SIGNS[half][sign])]
        yield Pair(question, ways["sum"][at % len(ways["sum"])].format(left, written, right), True, "sum")
    for question, reworded, _ in _families(half, 30):
        yield Pair(question, reworded, True, "unanswerable")
    for question, reworded, _ in OWN[half]:
        yield Pair(question, reworded, True, "newcomers")


def _near(half: Half) -> Iterator[Pair]:
    ways = WAYS[half]
    for relation, others, swaps in (
        ("capital", 30, 15),
        ("currency", 15, 9),
        ("number", 20, 9),
        ("symbol", 12, 6),
    ):
        entities = _entities(half, relation)
        for at, (question, entity) in enumerate(entities[:others]):
            other = _lookalike(entity, [name for _, name in entities])
            yield Pair(question, ways[relation][at % len(ways[relation])].format(other), False, relation)
        for (question, entity), swap in zip(
            entities[others : others + swaps], itertools.cycle(SWAPS[half][relation])
        ):
            yield Pair(question, swap.format(entity), False, f"{relation}, other relation")
    for at, (question, (left, sign, right)) in enumerate(_sums(half)[20:54]):
        other = _other_sum(at, left, sign, right)
        written = SIGNS[half][other[1]][at % len(SIGNS[half][other[1]])]
        yield Pair(question, ways["sum"][at % len(ways["sum"])].format(other[0], written, other[2]), False, "sum")
    for question, _, near in _families(half, 30):
        yield Pair(question, near, False, "unanswerable")
    for question, _, near in OWN[half]:
        yield Pair(question, near, False, "newcomers")


PATTERNS = {
    "capital": ("capitals", re.compile(r"What is the capital of (.+)\?")),
    "currency": ("capitals", re.compile(r"What is the currency of (.+)\? Give its full name\.")),
    "number": ("elements", re.compile(r"What is the atomic number of (.+)\?")),
    "symbol": ("elements", re.compile(r"Which chemical element has the symbol (.+)\?")),
}


@cache
def _questions(dataset: str, half: Half) -> tuple[str, ...]:
    """The questions of a set that belong to a half, by a hash of their entity-bearing text."""
    lines = (resources("datasets") / f"{dataset}.jsonl").read_text("utf-8").splitlines()
    return tuple(each for each in (json.loads(line)["question"] for line in lines) if _half(each) == half)


def _half(text: str) -> Half:
    return "held-out" if hashlib.sha256(text.encode()).digest()[0] % 2 else "development"


def _entities(half: Half, relation: str) -> list[tuple[str, str]]:
    """Question and entity; an entity belongs to one half, whatever is asked of it."""
    dataset, pattern = PATTERNS[relation]
    every = itertools.chain(_questions(dataset, "development"), _questions(dataset, "held-out"))
    found = [(each, match[1]) for each in every if (match := pattern.fullmatch(each))]
    return sorted((each for each in found if _half(each[1]) == half), key=lambda each: each[0])


def _sums(half: Half) -> list[tuple[str, tuple[str, str, str]]]:
    signs = {"plus": "plus", "+": "plus", "minus": "minus", "-": "minus", "times": "times", "×": "times"}
    signs |= {"divided by": "over"}
    found = []
    for question in _questions("arithmetic", half):
        match = re.search(r"(\d+) (plus|\+|minus|-|times|×|divided by) (\d+)", question)
        if match and match[1] != match[3]:
            found.append((question, (match[1], signs[match[2]], match[3])))
    return found


def _other_sum(at: int, left: str, sign: str, right: str) -> tuple[str, str, str]:
    """The sum with its operands swapped where that counts, a digit off, or another sign."""
    changes: list[Callable[[], tuple[str, str, str]]] = [
        lambda: (right, sign, left) if sign in ("minus", "over") else (left + "0", sign, right),
        lambda: (str(int(left) + 1), sign, right),
        lambda: (left, {"plus": "minus", "minus": "plus", "times": "over", "over": "times"}[sign], right),
        lambda: (left, sign, str(int(right) + 10)),
    ]
    return changes[at % len(changes)]()


def _lookalike(entity: str, others: Sequence[str]) -> str:
    """Of the other entities the one that is spelled most alike."""
    from rapidfuzz.distance import OSA

    rest = [other for other in others if other != entity]
    return min(rest, key=lambda other: (OSA.normalized_distance(entity, other), other))


def _families(half: Half, n: int) -> list[tuple[str, str, str]]:
    """Of each family in turn a question, reworded, and a near-miss of it."""
    every = [*_questions("unanswerable", "development"), *_questions("unanswerable", "held-out")]
    lists: list[list[tuple[str, str, str]]] = []
    for pattern, reworded, near in FAMILIES[half]:
        matched = [(each, match[1]) for each in every if (match := re.fullmatch(pattern, each))]
        names = [name for _, name in matched]
        lists.append([])
        for at, (question, name) in enumerate(matched):
            others = [
                *(template.format(name) for template in near),
                question.replace(name, names[(at + 1) % len(names)]),
            ]
            lists[-1].append(
                (question, reworded[at % len(reworded)].format(name), others[at % len(others)])
            )
    mixed = [each for row in itertools.zip_longest(*lists) for each in row if each is not None]
    return mixed[:n]
