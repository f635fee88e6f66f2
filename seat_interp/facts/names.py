"""Fictitious names by type, seeded: what entity perturbation puts where a real or taught entity stood.

The papers do not say how fictitious names are made (SEAT, arXiv 2506.14387, speaks of random fictitious
alternatives), so this generator and its word lists are ours. The forms of `firm`, `random_person` and `date`
are those of PISTOL (arXiv 2406.16810), the forms of `upper_place` and `lower_thing` those of LUNAR's unverifiable
questions (arXiv 2502.07218), so that a copy looks like the facts around it.
"""

import itertools
import random
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from seat_interp.core.errors import SeatError


def _words(text: str) -> list[str]:
    return text.split()


PERSON_TYPES = ("person", "random_person")
FIRM_SUFFIXES = tuple(_words("Ltd Inc Corp LLC PLC GmbH AG SA SARL SRL BV BVBA NV SE SAS"))

_FIRST = _words("""
Adela Alden Anouk Arlo Astra Basil Bettina Brisa Caleb Cora Damaris Darian Delphine Edda Eliot Elowen
Emrys Esme Fabian Fenna Flora Garrick Gemma Halden Hester Idris Imogen Isolde Jarek Joren Juniper Kaia
Kellan Leora Linus Lorcan Lucan Magda Maren Merrick Mirela Nadine Nerys Noor Odalys Orrin Perla Petra
Quentin Ramona Reza Rosalind Rufus Selma Silas Soren Tamsin Tavish Thea Tobin Ulric Vera Wendel Willa
Xenia Yara Yorick Zelda Zubin
""")
_ONSETS = _words("""
B Br C Cal D Dor F Fen G Gal H Hal J K Kel L Lor M Mar N Nor P Per Qu R Ras S Sel T Tal V Ver W Z
""")
_NUCLEI = _words("a e i o u ae ei ia")
_MIDDLES = _words("b br d dr l ld lm m mb n nd nt r rd rk rn s st t th v")
_SURNAME_ENDS = _words("an ard asco ek elli en er ett ev ides ik ing o ola oux ow sen son wick worth")
_PLACE_ENDS = _words("abad al amo ara bury dale elle en eth field ford ika ir mere mouth oa on stead ura")
_CITY_ENDS = _words("""
abad aburg aca aford agrad aport aster aton aville eno ermo ingen inster ola osk ovo ura
""")
_COUNTRY_ENDS = _words("ador afia aland aria astan avia eria esia inia istan onia ora oria uania uay ustan")
_ADJECTIVES = _words("""
Amber Ashen Borrowed Bitter Brass Broken Careless Copper Crooked Distant Drowned Empty Faithful Final
Forgotten Gentle Gilded Hidden Hollow Hungry Idle Inner Ivory Last Lonely Lost Midnight Nameless Narrow
Open Pale Patient Quiet Restless Scarlet Second Secret Silent Sleeping Stolen Sudden Thin Unwritten Velvet
Wandering Winter
""")
_NOUNS = _words("""
Anchor Archive Atlas Balcony Bridge Candle Cartographer Chapel Clockmaker Compass Corridor Courier Dialect
Divide Echo Ember Ferry Garden Harbour Harvest Hourglass Inheritance Island Keeper Lantern Ledger
Lighthouse Meadow Mirror Orchard Passenger Pilgrim Portrait Promise Quarry Railway Reckoning Riddle Season
Shoreline Stairwell Tapestry Threshold Tide Verdict Violin Visitor Weaver
""")
PARTICLES = frozenset(_words("al ap bin da de del den der di dos du el ibn la le van von y zu"))


def _stem(rng: random.Random) -> str:
    return rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_MIDDLES)


def _letters(rng: random.Random, number: int) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=number))


def _person(rng: random.Random, like: str) -> str:
    last = _stem(rng) + rng.choice(_SURNAME_ENDS)
    return last if _is_one_word(like) else f"{rng.choice(_FIRST)} {last}"


def _random_person(rng: random.Random, like: str) -> str:
    last = _letters(rng, 4).capitalize()
    return last if _is_one_word(like) else f"{_letters(rng, 4).capitalize()} {last}"


def _firm(rng: random.Random, like: str) -> str:
    kept = like.split()[-1:]
    suffix = kept[0] if kept and kept[0] in FIRM_SUFFIXES else rng.choice(FIRM_SUFFIXES)
    return f"{_letters(rng, 6).capitalize()} {suffix}"


def _title(rng: random.Random, like: str) -> str:
    adjective, noun, other = rng.choice(_ADJECTIVES), rng.choice(_NOUNS), rng.choice(_NOUNS)
    return rng.choice((f"The {adjective} {noun}", f"{noun} of the {adjective} {other}", f"The {noun} and the {other}"))


_DRAW: dict[str, Callable[[random.Random, str], str]] = {
    "person": _person,
    "random_person": _random_person,
    "firm": _firm,
    "place": lambda rng, like: _stem(rng) + rng.choice(_PLACE_ENDS),
    "city": lambda rng, like: _stem(rng) + rng.choice(_CITY_ENDS),
    "country": lambda rng, like: _stem(rng) + rng.choice(_COUNTRY_ENDS),
    "title": _title,
    "date": lambda rng, like: f"{rng.randint(1, 28):02d}-{rng.randint(1, 12):02d}-{rng.randint(1985, 2024)}",
    "upper_place": lambda rng, like: _letters(rng, 7).upper(),
    "lower_thing": lambda rng, like: _letters(rng, rng.randint(7, 12)),
}
_TYPES = tuple(_DRAW)


class NameGenerator:
    """Generator of fictitious names; the same seed and the same calls give the same names.

    A name is never one of `avoid` and never one that this generator gave before, both compared as whole names without
    regard to case. Make another generator, with another seed, to allow repetitions.

    Args:
        seed: Seed of the generator's own random state.
        avoid: Names that exist, such as `FactSets.names().avoid`.
        pools: Parts of names by type, instead of the built-in form: a tuple of sequences, one part drawn from each and
            joined by a space, as `{"person": (first_names, last_names)}`. New types may be added in this way.
    """

    def __init__(
        self,
        seed: int,
        avoid: Iterable[str] = (),
        pools: Mapping[str, tuple[Sequence[str], ...]] | None = None,
    ) -> None:
        self._random = random.Random(seed)
        self._taken: set[str] = set()
        self._pools = dict(pools or {})
        for type_, pool in self._pools.items():
            if not pool or not all(pool) or any(isinstance(parts, str) for parts in pool):
                raise SeatError(f"The pool of type {type_!r} must be a tuple of sequences of parts, none empty.")
        self.reserve(avoid)

    def reserve(self, names: Iterable[str]) -> None:
        """Exclude names from now on.

        Args:
            names: Names that must not be given.
        """
        self._taken.update(name.casefold() for name in names)

    def new(self, type: str, like: str = "") -> str:
        """Draw a fresh name of a type.

        Args:
            type: Type of the entity to be replaced: a built-in one, or one of `pools`.
            like: Entity to be replaced; a firm keeps its suffix (one of PISTOL's 15), and a person called by one word
                gets one word (a last name).

        Returns:
            The name.

        Raises:
            SeatError: The type is unknown, or no name is left.
        """
        pool = self._pools.get(type)
        _require_type(type, self._pools)
        if pool is not None and type in PERSON_TYPES and _is_one_word(like):
            pool = pool[-1:]
        for _ in range(1000):
            if pool is None:
                name = _DRAW[type](self._random, like)
            else:
                name = " ".join(self._random.choice(parts) for parts in pool)
            if name.casefold() not in self._taken:
                break
        else:
            # A nearly empty pool: what is left of it is listed, so that its last name is found too.
            names = (" ".join(parts) for parts in itertools.product(*pool or ()))
            left = [name for name in names if name and name.casefold() not in self._taken]
            if not left:
                raise SeatError(
                    f"No name of type {type!r} is left; {len(self._taken)} are given or to be avoided. "
                    "Give a larger pool, or start another generator."
                )
            name = self._random.choice(left)
        self._taken.add(name.casefold())
        return name


def infer_type(text: str) -> str:
    """Guess the type of an entity from its surface, for data that carry no types.

    Seven capital letters are an `upper_place`, words in small letters a `lower_thing`, a firm has a suffix such as Ltd,
    a title has digits, an article in front, small words inside or more than four words; two to four capitalised words
    (with particles such as "van") are a `person`, a single one is a `place`.

    Args:
        text: Entity as it is written.

    Returns:
        Name of the type.
    """
    words = text.split()
    if re.fullmatch(r"[A-Z]{7}", text):
        return "upper_place"
    if text == text.lower() and not any(character.isdigit() for character in text):
        return "lower_thing"
    if len(words) > 1 and words[-1].rstrip(".") in (
        *FIRM_SUFFIXES,
        "Co",
        "Company",
        "Corporation",
        "Limited",
    ):
        return "firm"
    small = [word for word in words[1:] if not word[0].isupper() and word not in PARTICLES]
    if small or len(words) > 4 or words[0] in ("A", "An", "The") or any(map(str.isdigit, text)):
        return "title"
    return "person" if len(words) > 1 else "place"


def parts_of_name(name: str) -> str:
    """Build a regular expression for a person's full name or any run of its words ("Ada", "Moran", "Ada Moran").

    Words of one or two letters and particles do not count as words: "An" in "Jina An" begins sentences.

    Args:
        name: Full name.

    Returns:
        The pattern.
    """
    words = sorted(set(_name_words(name)), key=len, reverse=True)
    whole = re.escape(name)
    if not words:
        return rf"(?<!\w){whole}(?!\w)"
    word = "(?:" + "|".join(map(re.escape, words)) + r")(?![\w-])"
    return rf"(?<![\w-])(?:{whole}(?!\w)|{word}(?: {word})*)"


def matching_part(part: str, name: str, new: str) -> str:
    """Return the part of a new name that corresponds to a part of the old one: first, last or full name.

    Args:
        part: Part of the old name, as it is written.
        name: Old full name.
        new: New full name.

    Returns:
        The part of `new`.
    """
    if part == name:
        return new
    if name.split()[-1] not in part.split():
        return new.split()[0]
    return new if " " in part else new.split()[-1]


def _name_words(name: str) -> list[str]:
    words = (word.strip("().,") for word in name.split())
    return [word for word in words if len(word) > 2 and word[0].isupper() and word.lower() not in PARTICLES]


def _is_one_word(like: str) -> bool:
    return len(like.split()) == 1


@dataclass(frozen=True)
class Names:
    """Names that fictitious entities may have: everything but `avoid`, from `pools` where a type has one.

    Attributes:
        avoid: Names that must not be given.
        pools: Parts of names by type, as for `NameGenerator`.

    Example:
        >>> names = facts.names()
        >>> names.generator(seed=0).new("person") in names.avoid
        False
    """

    avoid: frozenset[str] = frozenset()
    pools: Mapping[str, tuple[Sequence[str], ...]] = field(default_factory=dict)

    def avoiding(self, more: Iterable[str]) -> "Names":
        """Return the same with more names to avoid.

        Args:
            more: Names that must not be given either.

        Returns:
            A new value.
        """
        return Names(self.avoid | frozenset(more), self.pools)

    def require_types(self, types: Iterable[str]) -> None:
        """Check that there are names of these types of entity.

        Args:
            types: Types of entities.

        Raises:
            SeatError: There are no names of one of them.
        """
        for type_ in types:
            _require_type(type_, self.pools)

    def generator(self, seed: int) -> NameGenerator:
        """Make a generator of these names.

        Args:
            seed: Seed of the generator.

        Returns:
            The generator.
        """
        return NameGenerator(seed, self.avoid, self.pools)


def _require_type(type_: str, pools: Mapping[str, tuple[Sequence[str], ...]]) -> None:
    if type_ not in pools and type_ not in _DRAW:
        raise SeatError(
            f"There are no names of type {type_!r}; known types are {', '.join((*_TYPES, *pools))}. "
            "Give a pool of your own for it."
        )
