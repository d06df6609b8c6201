"""How words are compared when things are looked for: folded, in several languages, near misses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

TEXT_LENGTH_MAX = 200  # of what somebody looks for
WORDS_MAX = 8
WORD_LENGTH_MAX = 40
TERM_LENGTH_MIN = 3  # nothing shorter is taken for a slip of the finger
PREFIX_LENGTH_MIN = 2  # one letter is a size, and the beginning of everything
_ACCENTS = re.compile("[\u0300-\u036f]")
_JOINED = re.compile(r"(?<=\w)['’`](?=\w)")
# Letters, digits and the marks that belong to letters, as in Hindi; everything else parts words.
_WORD = re.compile(r"(?:[^\W_]|[\u0900-\u0dff\u0e31-\u0e4e\u064b-\u0652])+")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]+")  # written without spaces

_STOP_WORDS = """
a an and at for from in it of on or the this that these those to with
al con de del el en esta estas este esto estos la las lo los o para por un una unas unos y
au aux avec ce ces cette des du et le les pour une
das der die ein eine fur im ist mit und von
com da do dos e em na no os para um uma
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
_COLOURS = """
black: negro negra noir noire schwarz preto preta nero nera
white: blanco blanca blanc blanche weiss weisser branco branca bianco bianca
grey: gray gris grau cinza grigio grigia
red: rojo roja rouge rot vermelho vermelha rosso rossa
orange: naranja laranja arancione
yellow: amarillo amarilla jaune gelb amarelo amarela giallo gialla
green: verde vert verte grun verdes
blue: azul azules bleu bleue blau azuis blu
navy: marino
purple: morado morada violet violeta violett lila roxo roxa viola
pink: rosa rose rosado rosada
brown: marron cafe brun braun marrom marrone
beige: crema creme cream sand arena
gold: dorado dorada oro or gold dourado dourada
silver: plateado plateada plata argent silber prata prateado argento
"""
COLOURS: Mapping[str, str] = {  # a word for a colour -> the English one
    word: name
    for line in _COLOURS.strip().splitlines()
    for name, words in [line.split(": ")]
    for word in (name, *words.split())
}
_SAME_COLOUR: Mapping[str, tuple[str, ...]] = {
    word: tuple(sorted(other for other, theirs in COLOURS.items() if theirs == name))
    for word, name in COLOURS.items()
}


@dataclass(frozen=True, slots=True)
class Term:
    word: str
    prefix: bool = False  # whatever begins with the word


def fold(text: str) -> str:
    """For comparison only: no case, no accents, words parted by single spaces."""
    return " ".join(words_of(text))


def words_of(text: str) -> list[str]:
    plain = text.casefold()
    if not plain.isascii():
        plain = unicodedata.normalize(
            "NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", plain))
        )
        plain = plain.casefold()
    found = _WORD.findall(_JOINED.sub("", plain))
    return [word[:WORD_LENGTH_MAX] for one in found for word in _parted(one)]


def _parted(word: str) -> Sequence[str]:
    """Chinese and Japanese in pairs of characters: their words are not parted by spaces."""
    if word.isascii() or not _UNSPACED.search(word):
        return (word,)
    return [word[i : i + 2] for i in range(max(1, len(word) - 1))]


def asked_words(text: str) -> list[str]:
    """What is looked for; words that are in every text count only where there is nothing else."""
    words = list(dict.fromkeys(words_of(text[:TEXT_LENGTH_MAX])))
    telling = [word for word in words if word not in STOP_WORDS]
    return (telling or words)[:WORDS_MAX]


def forms(word: str) -> tuple[Term, ...]:
    """What may stand for a word: longer ones, one piece of it for many, a colour's other names."""
    if word in _SAME_COLOUR:
        return tuple(Term(same) for same in _SAME_COLOUR[word])
    terms = [Term(word, prefix=len(word) >= PREFIX_LENGTH_MIN)]
    if len(word) > TERM_LENGTH_MIN and word.endswith("s") and word.isalpha():
        terms = [Term(word[:-1], prefix=True)]
        if word.endswith("es"):
            terms.append(Term(word[:-2]))
    return tuple(terms)


def same_meaning(word: str, others: Iterable[str]) -> bool:
    """Whether one of the others is the word, a longer form, or the colour in another language."""
    wanted = forms(word)
    return any(
        other == term.word or (term.prefix and other.startswith(term.word))
        for other in others
        for term in wanted
    )


def correctable(word: str) -> bool:
    return len(word) >= TERM_LENGTH_MIN and word.isalpha()


def grams(word: str) -> list[str]:
    """Its pieces of three letters; the beginning counts twice, as in PostgreSQL's pg_trgm."""
    padded = f"  {word} "
    return sorted({padded[i : i + 3] for i in range(len(padded) - 2)})


def slips_allowed(word: str) -> int:
    return 1 if len(word) <= 4 else 2


def slips(wrong: str, right: str, most: int) -> int:
    """Letters added, lost, changed or swapped with their neighbour; `most` + 1 where more."""
    if abs(len(wrong) - len(right)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(wrong, 1):
        before, above, row = row, before, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and wrong[i - 2] == other:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
