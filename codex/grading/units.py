"""Units of measurement and currencies, by the names and symbols that texts use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Unit:
    """What a value is measured in."""

    name: str
    """Its usual symbol, in one spelling: that of "kilometres" is km."""
    dimension: str
    """Units of one dimension convert into each other."""
    factor: Fraction
    """How many of the dimension's base unit one is."""
    offset: Fraction = Fraction(0)
    """Added to a value after the factor: that of °C is 273.15 K."""

    def alike(self, value: Fraction, other: Unit, accepted: Fraction) -> tuple[Fraction, Fraction] | None:
        """Both values in one unit; None where the two units measure different things."""
        if {self.name, other.name} == {"pound", "£"}:
            return value, accepted
        if self.dimension != other.dimension:
            return None
        return self.in_base(value), other.in_base(accepted)

    def in_base(self, value: Fraction) -> Fraction:
        """A value in the base unit of the dimension."""
        return value * self.factor + self.offset


# dimension | factor of the base unit | symbols, the usual one first, in this case | names, in any case
_TABLE = """
length | 1 | m | meter meters metre metres
length | 0.3048 | ft | foot feet
length | 0.0254 | | inch inches
length | 0.9144 | yd | yard yards
length | 1609.344 | mi | mile miles
length | 1852 | nmi | nautical_mile nautical_miles
length | 9460730472580800 | ly | light-year light-years light_year light_years
mass | 1 | g | gram grams gramme grammes
mass | 1000000 | t | tonne tonnes metric_ton metric_tons
mass | 453.59237 | lb lbs |
mass | 453.59237 | | pound pounds
mass | 28.349523125 | oz | ounce ounces
mass | 6350.29318 | | stone
time | 1 | s sec secs | second seconds
time | 60 | min mins | minute minutes
time | 3600 | h hr hrs | hour hours
time | 86400 | | day days
time | 604800 | | week weeks
months | 1 | | month months
months | 12 | yr yrs | year years
months | 120 | | decade decades
months | 1200 | | century centuries
months | 12000 | | millennium millennia
volume | 1 | L l | liter liters litre litres
volume | 3.785411784 | gal | gallon gallons
volume | 0.473176473 | pt | pint pints
temperature | 1 | K | kelvin kelvins
current | 1 | A | amp amps ampere amperes
voltage | 1 | V | volt volts
power | 1 | W | watt watts
energy | 1 | J | joule joules
energy | 4.184 | cal | calorie calories
energy | 3600 | Wh |
force | 1 | N | newton newtons
pressure | 1 | Pa | pascal pascals
pressure | 100000 | bar | bars
pressure | 101325 | atm | atmosphere atmospheres
frequency | 1 | Hz | hertz
information | 1 | B | byte bytes
information | 0.125 | b bit | bit bits
amount | 1 | mol | mole moles
speed | 1 | m/s | meters_per_second metres_per_second
speed | 0.2777777777777777777777777778 | km/h kph kmh | kilometers_per_hour kilometres_per_hour
speed | 1000 | km/s | kilometers_per_second kilometres_per_second
speed | 0.44704 | mph | miles_per_hour
speed | 0.5144444444444444444444444444 | kn kt | knot knots
density | 1 | kg/m^3 |
density | 1000 | g/cm^3 g/mL |
area | 10000 | ha | hectare hectares
area | 4046.8564224 | ac | acre acres
dollar | 1 | $ US$ USD | dollar dollars us_dollar us_dollars
dollar | 0.01 | ¢ | cent cents
euro | 1 | € EUR | euro euros
pound | 1 | £ GBP | quid pound_sterling pounds_sterling
yen | 1 | ¥ JPY | yen
rupee | 1 | ₹ Rs INR | rupee rupees
yuan | 1 | CNY RMB | yuan
franc | 1 | CHF | franc francs
ruble | 1 | ₽ RUB | ruble rubles rouble roubles
won | 1 | ₩ KRW | won
"""
_PREFIXES = {
    "n": ("nano", Fraction(1, 10**9)),
    "µ": ("micro", Fraction(1, 10**6)),
    "m": ("milli", Fraction(1, 1000)),
    "c": ("centi", Fraction(1, 100)),
    "d": ("deci", Fraction(1, 10)),
    "k": ("kilo", Fraction(1000)),
    "M": ("mega", Fraction(10**6)),
    "G": ("giga", Fraction(10**9)),
    "T": ("tera", Fraction(10**12)),
}
_PREFIXED = frozenset(
    [
        "m",
        "g",
        "s",
        "L",
        "l",
        "A",
        "V",
        "W",
        "J",
        "N",
        "Pa",
        "Hz",
        "B",
        "b",
        "bit",
        "Wh",
        "cal",
        "mol",
        "bar",
        "t",
    ]
)
"""Units that have decimal multiples."""
_POWERS = {"^2": 2, "^3": 3}
_NAMED_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}


def _units() -> Iterator[tuple[str, Unit, bool]]:
    """Every spelling, its unit, and whether case matters."""
    for line in _TABLE.strip().splitlines():
        dimension, factor, symbols, names = (part.strip() for part in line.split("|"))
        usual = (symbols.split() or names.split())[0]
        for symbol in symbols.split():
            for prefix, (_, times) in (_PREFIXES | {"": ("", Fraction(1))}).items():
                if not prefix or symbol in _PREFIXED:
                    unit = Unit(prefix + usual, dimension, Fraction(factor) * times)
                    yield prefix + symbol, unit, True
        for name in names.split():
            for prefix, (word, times) in (_PREFIXES | {"": ("", Fraction(1))}).items():
                if not prefix or usual in _PREFIXED:
                    unit = Unit(prefix + usual, dimension, Fraction(factor) * times)
                    yield word + name.replace("_", " "), unit, False
    for name, factor, offset in (("C", "1", "273.15"), ("F", "5/9", "45967/180")):
        word = {"C": "celsius", "F": "fahrenheit"}[name]
        unit = Unit(f"°{name}", "temperature", Fraction(factor), Fraction(offset))
        yield f"°{name}", unit, True
        for spelling in (word, f"degree {word}", f"degrees {word}", f"degrees {name.lower()}", f"° {word}"):
            yield spelling, unit, False


def _key(name: str) -> str:
    return " ".join(name.lower().replace("-", " ").split())


_SYMBOLS: dict[str, Unit] = {}
_NAMES: dict[str, Unit] = {}
for _spelling, _unit, _cased in _units():
    if _cased:
        _SYMBOLS.setdefault(_spelling, _unit)
    else:
        _NAMES.setdefault(_key(_spelling), _unit)
_SYMBOLS |= {symbol.replace("µ", sign): unit for symbol, unit in _SYMBOLS.items() for sign in "uμ"}
_BEFORE = ("US$", "USD", "EUR", "GBP", "CHF", "JPY", "INR", "Rs", *"$€£¥₹₽₩")
INCH = _NAMES["inch"]


def _either(spellings: Iterator[str] | list[str]) -> str:
    return "|".join(
        re.escape(each).replace(r"\ ", r"[\s-]") for each in sorted(spellings, key=len, reverse=True)
    )


CURRENCY = rf"(?:{_either(list(_BEFORE))})"
"""A pattern for a currency's sign in front of a number."""
_POWER_OF = re.compile(rf"(?i:({'|'.join(_NAMED_POWERS)})\.?\s+)?")
_UNIT = re.compile(rf"((?:{_either(list(_SYMBOLS))})|(?i:{_either(list(_NAMES))}))(\^[23])?(?![\w^/°]|-\w)")
_GAP = re.compile(r"[\s-]?\s?")


def unit_at(text: str, start: int) -> tuple[Unit, int] | None:
    """The unit that stands at a place of a text, after a blank or hyphen, and where it ends.

    "km", "kilometres", "square miles", "m^2"; None where no known unit stands there.
    """
    gap = _GAP.match(text, start)
    at = gap.end() if gap else start
    squared = _POWER_OF.match(text, at)
    named = _NAMED_POWERS[squared[1].lower()] if squared and squared[1] else 1
    found = _UNIT.match(text, squared.end() if squared else at)
    if not found:
        return None
    unit = _SYMBOLS.get(found[1]) or _NAMES[_key(found[1])]
    power = _POWERS.get(found[2] or "", named)
    return (_raised(unit, power) if power > 1 else unit), found.end()


def currency(sign: str) -> Unit:
    """The unit of a currency's sign."""
    return _SYMBOLS[sign]


def _raised(unit: Unit, power: int) -> Unit:
    if unit.dimension != "length":
        return unit
    dimension = {2: "area", 3: "volume"}[power]
    # A litre, the base unit of volume, is a thousandth of a cubic metre.
    base = 1000 if power == 3 else 1
    return Unit(f"{unit.name}^{power}", dimension, unit.factor**power * base)
