"""Which encoding a text file is in, by trying the likely ones and scoring what comes out.

UTF-8 proves itself: other text hardly ever decodes by chance. The single-byte encodings decode anything, so
the decoded words are looked at: a word of Russian is Cyrillic throughout and made of frequent letters, a word
of Spanish is mostly plain Latin with an accent here and there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from safemap.errors import InputError

#: Cyrillic letters by how much they speak for Russian or Uzbek text.
_FREQUENT = frozenset("оеаинтсрвлкмдпуяыьгзбчйхжшюц")
_SELDOM = frozenset("щэфъёўқғҳєіїґ")
_LATIN = frozenset("áéíóúñüçãõâêôàèäöß¿¡ºª°´")
_WORD = re.compile(r"[^\W\d_]+")
_MOJIBAKE = re.compile("Ã[\u0080-\u00bf]|Â[\u00a0-\u00bf]|Ð[\u0080-\u00bf]|[РС][\u0090-\u00bf€‚ѓ„…†‡‰‹]")
_SAMPLE_LINES = 4000


class Decoded(NamedTuple):
    """Text of a file and how it was decoded."""

    text: str
    encoding: str
    score: float | None  #: 0 to 1; None when the encoding was stated by the caller
    notes: tuple[str, ...]


def decode(data: bytes, *, encoding: str | None = None, source: str) -> Decoded:
    """Decode a text file, with the stated encoding or the best of those tried.

    Parameters
    ----------
    data : bytes
        Content of the file.
    encoding : str, optional
        Encoding to use. If not given: a byte order mark decides, then UTF-8 if the file is valid UTF-8, then
        the best score among cp1251, latin-1/cp1252 and cp866.
    source : str
        Name of the file for messages.

    Examples
    --------
    >>> decode("DAÑO EN PROPIEDAD".encode("latin-1"), source="a.csv")[1]
    'latin-1'
    >>> decode("Кража кармана".encode("cp1251"), source="a.csv")[1]
    'cp1251'
    >>> decode("Кража кармана".encode("cp866"), source="a.csv")[1]
    'cp866'
    """
    if encoding is not None:
        return Decoded(_decode_as_stated(data, encoding, source), encoding, None, ())
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return Decoded(_decode_as_stated(data, name, source), name, 1.0, ())
    if b"\x00" in data[:4096]:
        raise InputError(
            f"{source} is not a text file (it holds null bytes). Give a CSV, or use the right file ending."
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _best_single_byte(data)
    return Decoded(text, "utf-8", 1.0, _mojibake_note(text))


def _decode_as_stated(data: bytes, encoding: str, source: str) -> str:
    try:
        return data.decode(
            "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
        )
    except LookupError as error:
        raise InputError(
            f"encoding={encoding!r} is not known to Python. Examples: 'utf-8', 'cp1251', 'latin-1'."
        ) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{source} is not in encoding {encoding!r}: line {line} holds bytes that do not exist in it. "
            "Leave encoding out to have it detected.",
            line=line,
        ) from error


def _best_single_byte(data: bytes) -> Decoded:
    sample = b"\n".join([line for line in data.splitlines() if not line.isascii()][:_SAMPLE_LINES])
    western = "cp1252" if re.search(rb"[\x80-\x9f]", sample) else "latin-1"
    scores = {
        name: plausibility(sample.decode(name, errors="replace")) for name in ("cp1251", western, "cp866")
    }
    best = max(scores, key=lambda name: scores[name])
    text = data.decode(best, errors="replace")
    others = ", ".join(f"{name} {score:.2f}" for name, score in scores.items() if name != best)
    note = f"encoding chosen by score: {best} {scores[best]:.2f} (others: {others})"
    lost = text.count("\ufffd")
    notes = (note, f"{lost} bytes do not exist in {best} and are shown as \ufffd") if lost else (note,)
    return Decoded(text, best, round(scores[best], 3), notes + _mojibake_note(text))


def plausibility(text: str) -> float:
    """How much the non-ASCII characters of `text` look like written language, 0 to 1.

    Each non-ASCII character earns a weight by its frequency in Russian, Uzbek, Spanish or French; letters
    lose it in words that mix scripts, that consist of accented letters only, or that change case in the
    middle.
    """
    total = sum(1 for c in text if not c.isascii())
    if not total:
        return 1.0
    earned = sum(0.5 for c in text if c in "«»№–—“”’‘°º¿¡…\u00a0")
    earned += sum(_word_weight(word) for word in _WORD.findall(text) if not word.isascii())
    return min(1.0, earned / total)


def _word_weight(word: str) -> float:
    """Weight earned by the non-ASCII letters of one word."""
    letters = [c for c in word.casefold() if not c.isascii()]
    cyrillic = sum(1 for c in letters if "\u0400" <= c <= "\u04ff")
    plain = len(word) - len(letters)
    if cyrillic and (plain or cyrillic < len(letters)):
        return 0.0
    if not (word.islower() or word.isupper() or word.istitle()):
        return 0.1 * len(letters)
    if cyrillic:
        return sum(1.0 if c in _FREQUENT else 0.4 if c in _SELDOM else 0.0 for c in letters)
    if len(letters) > 2 and len(letters) > plain:
        return 0.0
    return sum(1.0 if c in _LATIN else 0.2 for c in letters)


def _mojibake_note(text: str) -> tuple[str, ...]:
    n = len(_MOJIBAKE.findall(text[:2_000_000]))
    if n < 2:
        return ()
    return (
        f"{n} places look like UTF-8 that was decoded as something else earlier (for example 'Ã©' for 'é')",
    )
