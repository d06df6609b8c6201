"""Countries by name, code and habit, in the languages we speak."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from bot import words
from bot.texts import LANGUAGES

LIKELY: Mapping[str, tuple[str, ...]] = {
    "en": ("US", "GB", "CA", "AU", "IE", "NZ", "DE", "FR", "ES"),
    "es": ("ES", "MX", "AR", "CO", "CL", "PE", "US", "EC", "UY"),
}
ALIASES: Mapping[str, str] = {
    "uk": "GB", "u k": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "gb": "GB",
    "northern ireland": "GB", "great britain": "GB", "britain": "GB", "inglaterra": "GB",
    "escocia": "GB", "gran bretana": "GB", "gales": "GB",
    "u s": "US", "u s a": "US", "america": "US", "united states of america": "US",
    "the united states": "US", "the us": "US", "the usa": "US", "eeuu": "US", "ee uu": "US",
    "e e u u": "US", "estados unidos de america": "US",
    "uae": "AE", "u a e": "AE", "eau": "AE", "emirates": "AE", "emiratos": "AE",
    "holland": "NL", "holanda": "NL", "nederland": "NL", "the netherlands": "NL",
    "deutschland": "DE", "osterreich": "AT", "schweiz": "CH", "suisse": "CH", "svizzera": "CH",
    "belgie": "BE", "belgique": "BE", "eire": "IE", "republic of ireland": "IE",
    "polska": "PL", "sverige": "SE", "norge": "NO", "danmark": "DK", "suomi": "FI",
    "hong kong": "HK", "macau": "MO", "macao": "MO", "ivory coast": "CI", "turkey": "TR",
    "czech republic": "CZ", "korea": "KR", "corea": "KR", "日本": "JP", "中国": "CN",
}  # fmt: skip
_ALSO_WORDS = words.listed("no, si, me, my, so, to, do, be, as, am, in, is, at, by, la")
_NOT_COUNTRIES = words.listed("EU, EZ, UN, ZZ, XA, XB, QO, CQ, CP, DG, EA, IC")


@lru_cache(maxsize=512)
def currency(country: str) -> str:
    """What people pay in there; empty where nobody knows."""
    from babel.numbers import get_territory_currencies

    return next(iter(get_territory_currencies(country)), "") if country else ""


def likely(language: str, territory: str) -> tuple[str, ...]:
    """The countries to offer as buttons, the platform's guess first."""
    first = (territory,) if territory in _names(language) else ()
    return (*first, *(c for c in LIKELY[language] if c != territory))[:9]


def name(country: str, language: str) -> str:
    return _names(language).get(country, country)


def read(text: str) -> str | None:
    """The ISO 3166 code of what was written: a name in any of our languages, a code, a habit."""
    folded = words.fold(text)
    if folded in _ALSO_WORDS and not text.strip().isupper():  # "no" is not Norway
        return None
    return _index().get(folded)


@lru_cache(maxsize=8)
def _names(language: str) -> Mapping[str, str]:
    from babel import Locale  # reading its data takes time no start should wait for

    return {
        code: label
        for code, label in Locale(language).territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
    }


@lru_cache(maxsize=1)
def _index() -> Mapping[str, str]:
    from babel.core import get_global

    found: dict[str, str] = {}
    for language in LANGUAGES:
        for code, label in _names(language).items():
            found[words.fold(label)] = code
            found[code.lower()] = code
    for long_code, codes in get_global("territory_aliases").items():
        if len(long_code) == 3 and len(codes) == 1 and codes[0] in _names("en"):
            found[long_code.lower()] = codes[0]
    return {**found, **ALIASES}


def codes() -> frozenset[str]:
    return frozenset(_names(LANGUAGES[0]))
