"""Questions that cannot be answered, for the set of that name."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

EACH = 60
"""Questions of each kind."""

_STARTS = ("Vel", "Quor", "Bras", "Thun", "Ost", "Mir", "Zan", "Drel", "Kelv", "Ilb", "Fen", "Gorv")
_MIDDLES = ("ado", "imbe", "ostra", "uvel", "enqua", "irdo", "albre", "ozza", "ytta", "unme")
_PLACE_ENDS = ("nia", "stad", "mar", "quor", "vosk", "bria", "lund", "gard")
_PERSON_ENDS = ("nix", "brand", "quist", "molt", "verk", "ssen", "dorp", "wick")
_FIRST_NAMES = ("Anselm", "Brigida", "Corvin", "Delphina", "Evander", "Florinda", "Gideon", "Hesper")

PLACES = (
    "What is the capital of the republic of {place}?",
    "What is the currency of {place}?",
    "In which year did {place} become independent?",
    "Which river flows through the city of {place}?",
    "How many people live in the city of {place}?",
    "What is the highest mountain in {place}?",
    "Which language is spoken in the kingdom of {place}?",
    "Who was the first king of {place}?",
    "What is the national dish of {place}?",
    "On which continent does the country of {place} lie?",
)
PEOPLE = (
    "In which year was the physicist {person} born?",
    "Which novel made the writer {person} famous?",
    "For which discovery did {person} receive the Nobel Prize?",
    "In which city did the painter {person} die?",
    "Which instrument did the composer {person} play?",
    "Who was married to the explorer {person}?",
    "Which country did the football player {person} play for?",
    "What was the name of the first film by {person}?",
    "Which theorem is named after the mathematician {person}?",
    "When was {person} elected prime minister of Norway?",
)
FUTURE = (
    "Who will win the football World Cup in {year}?",
    "What will the weather be in London on 3 March {year}?",
    "Who will be president of the United States in {year}?",
    "What will be the price of gold on 1 May {year}?",
    "Which film will win the Oscar for best picture in {year}?",
    "How many people will live in Japan in {year}?",
    "Who will win the Nobel Prize in Physics in {year}?",
    "Which numbers will win the lottery on 12 June {year}?",
    "Which team will win the Super Bowl in {year}?",
    "What will the most popular baby name in France be in {year}?",
)
PRIVATE = (
    "What did {who} have for breakfast {when}?",
    "Where did {who} leave the keys {when}?",
    "What did {who} dream of {when}?",
    "Whom did {who} telephone {when}?",
    "How much money did {who} spend {when}?",
    "What colour were the socks of {who} {when}?",
    "Which song did {who} sing in the shower {when}?",
    "What was {who} thinking of {when}?",
)
_WHO = ("I", "my neighbour", "my dentist", "my cousin", "my teacher", "the man behind me", "my boss")
_WHEN = ("this morning", "yesterday", "last Tuesday", "on my tenth birthday")

PREMISES = (
    "In which year did {dead} first walk on the Moon?",
    "Which mobile phone did {dead} use?",
    "In which year did {dead} win the Tour de France?",
    "Which university gave {dead} a degree in computer science?",
    "What was the name of the spaceship that {dead} flew?",
    "In which year did {dead} first play football for Brazil?",
    "Which television series did {dead} direct?",
    "Which song by {dead} reached number one in the American charts?",
)
_DEAD = (
    "Julius Caesar",
    "Napoleon Bonaparte",
    "William Shakespeare",
    "Cleopatra",
    "Isaac Newton",
    "Charlemagne",
    "Genghis Khan",
    "Christopher Columbus",
)
WRONG = (
    "What is the name of the king of the United States?",
    "Which planet lies between the Earth and the Moon?",
    "Which ocean lies between France and Germany?",
    "In which year did the Eiffel Tower move to Rome?",
    "What is the capital city of the Pacific Ocean?",
    "Which country borders Iceland by land?",
    "What is the largest prime number?",
    "In which year did Antarctica win the football World Cup?",
    "What is the last digit of pi?",
    "Which mountain on the Sun is the highest?",
    "Who was the second person to be the first on the Moon?",
    "On what day does the month of February have its thirty-first day?",
    "Which European country lies wholly in Africa?",
    "At what temperature does darkness melt?",
    "What is the name of the fifth season of the year, between summer and autumn?",
    "Which bridge crosses the Atlantic from Lisbon to New York?",
    "In which year did the dinosaurs build the pyramids of Egypt?",
    "What colour is the smell of the number seven?",
    "Who was president of Germany during the Stone Age?",
    "In which year did Switzerland's navy conquer Japan?",
    "Which even prime number is greater than ten?",
)


def questions(chance: random.Random) -> list[str]:
    """EACH questions of each kind, no two alike."""
    kinds = (
        _filled(PLACES, lambda: {"place": _name(_PLACE_ENDS, chance)}, chance),
        _filled(PEOPLE, lambda: {"person": _person(chance)}, chance),
        _filled(FUTURE, lambda: {"year": str(chance.randrange(2061, 2100))}, chance),
        _filled(PRIVATE, lambda: {"who": chance.choice(_WHO), "when": chance.choice(_WHEN)}, chance),
        _premises(chance),
    )
    made: list[str] = []
    for kind in kinds:
        different: dict[str, None] = {}
        while len(different) < EACH:
            different[next(kind)] = None
        made.extend(different)
    return made


def _filled(
    templates: Sequence[str], values: Callable[[], dict[str, str]], chance: random.Random
) -> Iterator[str]:
    while True:
        yield chance.choice(templates).format(**values())


def _premises(chance: random.Random) -> Iterator[str]:
    yield from WRONG
    yield from _filled(PREMISES, lambda: {"dead": chance.choice(_DEAD)}, chance)


def _name(ends: Sequence[str], chance: random.Random) -> str:
    return chance.choice(_STARTS) + chance.choice(_MIDDLES) + chance.choice(ends)


def _person(chance: random.Random) -> str:
    return f"{chance.choice(_FIRST_NAMES)} {_name(_PERSON_ENDS, chance)}"
