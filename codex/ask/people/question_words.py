"""English words as questions use them: what may be left out, what means the same, what is past."""

from __future__ import annotations

import re


def _groups(text: str) -> dict[str, str]:
    """Every word of a line to the line's first."""
    lines = [line.split() for line in text.strip().splitlines()]
    return {word: line[0] for line in lines for word in line}


FRAMES = re.compile(
    r"""^(?:
      (?:please|hey|hi|hello|so|ok|okay|well|thanks|question|quick\ question|remind\ me)\b
    | (?:can|could|would|will)\ (?:you|anyone|anybody|someone|somebody)\ (?:please\ )?(?:kindly\ )?
      (?:tell|give|say|state|name|explain|identify|mention|provide|remind|let|calculate|compute
      |work\ out)(?:\ to)?(?:\ (?:me|us))?(?:\ know)?(?:\ please)?\b
    | (?:do|does)\ (?:you|anyone|anybody|someone|somebody)\ (?:happen\ to\ )?(?:know|remember)\b
    | (?:i|we)\ (?:would\ like|want|need|wish|am\ trying|are\ trying)\ to
      \ (?:know|find\ out|learn|ask|understand)\b
    | i\ (?:was|am)\ (?:wondering|curious|asking)(?:\ about)?\b | i\ wonder\b
    | any\ idea\b | (?:just\ )?curious\b
    | (?:tell|give|show)\ (?:me|us)\b | let\ me\ know\b
    | (?:name|state|find|say|list|identify|explain)(?=\ (?:the|a|an|me)\b)
    | (?:calculate|compute|work\ out|solve|evaluate)(?=\ )
    )[\s,:;.!-]*""",
    re.VERBOSE,
)
"""Openings that say nothing of what is wanted."""
TAILS = re.compile(r"(?:[\s,;]+(?:please|thanks|thank you|pls|for me|do you know|exactly))+[\s.?!]*$")

PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"\b(?:give|state|write|tell me|use) (?:its|the|their) full name\b", "fullname"),
        (r"\bfull name (?:of|for)\b", "fullname"),
        (r"\bfull name\b|,? \bin full\b", " fullname"),
        (r"\b(?:what|which) (?:is|are|was|were) the names? of the (?=person|man|woman)", "who is the "),
        (r"\b(?:the )?names? of(?= the\b)", ""),
        (r"\b(who is|who was) (?:it|the person|the one) (?:that|who)\b", "who"),
        (r"\b(?:which|what) person\b", "who"),
        (r"\bby whom\b", "by who"),
        (r"\b(?:what|which) (?:is|are|was|were) the number of\b", "how many"),
        (r"\b(?:what|which) number of\b", "how many"),
        (
            r"\b(?:(?:in|during|on) )?(?:what|which) year\b|\bthe year (?:in which|when)\b",
            "when",
        ),
        (r"\bhow much (?:is|are|does|do)(?= \d)", "what is"),
        (r"\bthe (?:result|value|sum|product) of (?=[\d ]+(?:plus|minus|times|over)\b)", ""),
        (r"\b(?:equals?|make|makes)\s*$", ""),
        (r"\bmultiplied by\b", "times"),
        (r"\bdivided by\b", "over"),
        (r"\btakes? place\b|\btook place\b", "happen"),
        (r"\bpass(?:es|ed)? away\b", "die"),
        (r"\b(?:is|are|am) going to\b", "will"),
        (r"\b(?:cell|mobile) ?phones?\b", "mobilephone"),
        (r"\bworld war (?:ii|2|two)\b|\bsecond world war\b|\bwwii\b|\bww2\b", "worldwar2"),
        (r"\bworld war (?:i|1|one)\b|\bfirst world war\b|\bwwi\b|\bww1\b", "worldwar1"),
        (
            r"\b(?:the )?united states(?: of america)?\b|\bthe us\b|\bu\.s\.a?(?!\w)|\busa\b",
            "unitedstates",
        ),
        (r"\b(?:the )?united kingdom\b|\bthe uk\b|\bu\.k\.|\buk\b", "unitedkingdom"),
        (r"\bchemical elements?\b", "element"),
        (r"\bchemical symbols?\b", "symbol"),
        (r"\b(?:official )?currency (?:that is |which is )?(?:used|spent) in\b", "currency of"),
        (r"\bofficial currency\b", "currency"),
        (r"\b(do|does|did|can|could) (?:they|people|you|we|one)\b", r"\1"),
        (r"\bthe (first|last|only|\w+th) person (?:to|who|that)\b", r"the \1"),
        (r"\b(?:is|are) there\b", "are"),
        (r"\b(?:is|are) (?:located|situated)\b", "is"),
        (r"\bdegrees? (celsius|fahrenheit)\b", r"\1"),
    )
)
"""Turns of phrase to one form, in this order; the text is in lower case."""
OWNED = re.compile(r"\b(what|which) ([a-z ]+?) (?:does|do) (.+?) (?:have|use)\b(?! to)")
"""Which currency does Japan use: the currency of Japan."""
WORLD = re.compile(r"\b(?:in|of|on) (?:the (?:whole |entire )?world|earth|the earth|the planet)\b")
"""Says nothing beside a superlative."""
SUPERLATIVE = re.compile(r"\b(?:\w{2,}est|most|first|best)\b")

LEFT_OUT = frozenset(
    """
    a an the of in on at for by as with and to is are am be been being was were do does did has have had will
    shall it its this that these those there here please exactly actually just current currently called who
    whom which what such
    """.split()  # noqa: SIM905
)
"""Words that carry nothing of what is asked; tense, order and the kind of question are kept beside."""
DIRECTED = frozenset("to from than before after between into over minus per towards until since or".split())  # noqa: SIM905
"""With one of these the order of what stands beside it counts."""
PRESENT = frozenset("is are am do does has have 's".split())  # noqa: SIM905
PAST = frozenset("was were did had".split())  # noqa: SIM905
FUTURE = frozenset({"will", "shall"})
BE = frozenset("is are am was were be been".split())  # noqa: SIM905
DO = frozenset("do does did".split())  # noqa: SIM905
MODAL = frozenset("will shall can could would should may might must".split())  # noqa: SIM905
RANKS = frozenset("most least best worst main only last".split())  # noqa: SIM905
MISTYPED = (
    "what",
    "which",
    "who",
    "when",
    "where",
    "the",
    "how",
    "does",
    "many",
    "much",
    "and",
    "with",
    "tell",
)
"""Small words of which a slip of two neighbouring letters is put straight."""

SAME = _groups(
    """
    largest biggest greatest
    large big huge
    smallest tiniest littlest
    small little tiny
    highest tallest
    fastest quickest swiftest
    country nation
    film movie
    begin start commence began begun started
    end finish conclude
    build construct erect built
    buy purchase bought
    produce make made
    happen occur
    play portray portrayed
    write author writer penned pen authored
    closest nearest
    farthest furthest
    football soccer
    telephone phone
    television tv telly
    colour color
    favourite favorite
    metre meter
    kilometre kilometer km
    centimetre centimeter cm
    millimetre millimeter mm
    litre liter
    kilogram kilogramme kg
    centre center
    aluminium aluminum
    sulfur sulphur
    caesium cesium
    percent percentage
    maths math mathematics
    physician doctor
    automobile car
    paint painter
    compose composer
    invent inventor
    discover discoverer
    found founder
    create creator
    direct director
    develop developer
    design designer
    win winner won
    currency money
    grey gray
    """
)
"""Words that ask for the same, in any sentence where the rest agrees."""
AGENTS = frozenset(
    """
    author writer painter composer inventor discoverer founder creator director developer designer winner
    """.split()  # noqa: SIM905
)
"""Who is the author: as well who wrote it."""
_IRREGULAR = """
    be been; live lived living; use used using; die died dying; move moved moving; bear born bore borne;
    become became; bite bit bitten; blow blew blown; break broke broken; bring brought; catch caught;
    choose chose chosen; come came; cost cost; draw drew drawn; drink drank drunk; drive drove driven;
    eat ate eaten; fall fell fallen; feed fed; feel felt; fight fought; find found; fly flew flown;
    forget forgot forgotten; forgive forgave forgiven; freeze froze frozen; get got gotten; give gave
    given; go went gone; grow grew grown; hang hung; hear heard; hide hid hidden; hold held; keep kept;
    know knew known; lead led; leave left; lend lent; lie lay lain; lose lost; make made; mean meant;
    meet met; pay paid; ride rode ridden; ring rang rung; rise rose risen; run ran; say said; see saw
    seen; sell sold; send sent; shake shook shaken; shine shone; shoot shot; sing sang sung; sink sank
    sunk; sit sat; sleep slept; speak spoke spoken; spend spent; stand stood; steal stole stolen; stick
    stuck; strike struck; swim swam swum; take took taken; teach taught; tell told; think thought; throw
    threw thrown; understand understood; wake woke woken; wear wore worn; win won; write wrote written;
    begin began begun; build built; buy bought; dream dreamt; sign signed; man men; woman women; child
    children; person people; foot feet; tooth teeth; mouse mice; goose geese
    """
IRREGULAR = {
    form: lemma for entry in _IRREGULAR.split(";") for lemma, *forms in [entry.split()] for form in forms
}
NO_VERBS = frozenset("men women children people feet teeth mice geese".split())  # noqa: SIM905
NUMBERS = {
    word: str(at)
    for at, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen twenty""".split()  # noqa: SIM905
    )
} | {
    word: str(10 * at)
    for at, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)  # noqa: SIM905
}
ORDINALS = {
    word: f"{at}{'st' if at == 1 else 'nd' if at == 2 else 'rd' if at == 3 else 'th'}"
    for at, word in enumerate(
        """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
        fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth""".split(),  # noqa: SIM905
        1,
    )
}
