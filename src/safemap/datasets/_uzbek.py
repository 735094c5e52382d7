"""Invented names of mahallas in three spellings, and the many ways in which clerks type them."""

from __future__ import annotations

from typing import NamedTuple

from safemap.datasets._stream import Stream

_STEMS = (
    "Doʻstlik", "Navroʻz", "Bahor", "Tinchlik", "Bogʻiston", "Gulzor", "Lolazor", "Oʻzanboʻyi", "Chinor",
    "Sadaf", "Ziyokor", "Bunyod", "Navqiron", "Shodlik", "Gʻalaba", "Mehnat", "Marvarid", "Istiqbol",
    "Oydin", "Quyosh", "Baxt", "Ishonch", "Umid", "Hamkor", "Orzu", "Nihol", "Yoshlik", "Zafar", "Farovon",
    "Mehrjon", "Qadriyat", "Sogʻlom", "Tongotar", "Toʻlqin", "Oqqush", "Qaldirgʻoch", "Kamalak",
    "Sharshara", "Anorzor", "Beshterak", "Uchchinor", "Oʻrikzor", "Qoʻshbuloq", "Shaftolizor", "Teraktagi",
    "Bodomzor", "Yongʻoqzor", "Xurmozor", "Zargar", "Ekinzor",
)  # fmt: skip

#: forms in Uzbek and in Russian
_FORMS = (
    ("{}", "{}"), ("Yangi {}", "Янги {}"), ("{} 1", "{} 1"), ("{} 2", "{} 2"), ("Katta {}", "Катта {}"),
    ("Kichik {}", "Кичик {}"), ("{} 3", "{} 3"),
)  # fmt: skip

#: letters of the Uzbek Latin alphabet that are written with two signs, then the single ones
_PAIRS = {
    "oʻ": "ў", "gʻ": "ғ", "sh": "ш", "ch": "ч", "yo": "ё", "yu": "ю", "ya": "я", "ye": "е",
}  # fmt: skip
_SINGLE = dict(zip("abdefghijklmnopqrstuvxyz", "абдефгҳижклмнопқрстувхйз", strict=True))
_RUSSIAN = str.maketrans("ўқғҳЎҚҒҲ", "укгхУКГХ")
#: ends of words that Russian writes with a
_RUSSIAN_ENDS = {"зор": "зар", "истон": "истан", "обод": "абад", "тош": "таш", "қўрғон": "курган"}
_PLAIN = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "zh", "з": "z", "и": "i",
    "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
    "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "ы": "y", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip

APOSTROPHES = ("\u02bb", "\u02bc", "\u2018", "\u2019", "'", "`")


class Name(NamedTuple):
    """One name in three spellings."""

    latin: str
    cyrillic: str
    russian: str


#: districts; only the name of the first is that of a real one
DISTRICTS = (
    Name("Chilonzor", "Чилонзор", "Чиланзар"),
    Name("Navbahor", "Навбаҳор", "Навбахор"),
    Name("Gulbogʻ", "Гулбоғ", "Гульбаг"),
    Name("Anhorboʻyi", "Анҳорбўйи", "Анхарбуйи"),
    Name("Yangiobod", "Янгиобод", "Янгиабад"),
    Name("Koʻkariq", "Кўкариқ", "Кукарык"),
    Name("Oqtosh", "Оқтош", "Акташ"),
    Name("Boʻston", "Бўстон", "Бустан"),
    Name("Shirinqoʻrgʻon", "Ширинқўрғон", "Ширинкурган"),
    Name("Toʻqimachi", "Тўқимачи", "Тукимачи"),
    Name("Zarbuloq", "Зарбулоқ", "Зарбулак"),
    Name("Mevazor", "Мевазор", "Мевазар"),
)


def mahalla_names(count: int, stream: Stream) -> list[Name]:
    """`count` different names in random order."""
    names = [
        Name(form.format(stem), cyrillic(form.format(stem)), in_russian.format(russian(stem)))
        for form, in_russian in _FORMS
        for stem in _STEMS
    ]
    return stream.pick(names, count)


def cyrillic(latin: str) -> str:
    """An Uzbek name in Cyrillic letters.

    Examples
    --------
    >>> cyrillic("Yangi Yongʻoqzor"), cyrillic("Ekinzor")
    ('Янги Ёнғоқзор', 'Экинзор')
    """
    words = []
    for word in latin.split(" "):
        small, letters, i = word.lower(), "", 0
        while i < len(small):
            pair = small[i : i + 2]
            if small[i : i + 3] == "yoʻ":  # й and ў, not ё
                letters, i = letters + "й", i + 1
            elif pair in _PAIRS:
                letters, i = letters + _PAIRS[pair], i + 2
            else:
                first_e = small[i] == "e" and not i
                letters, i = letters + ("э" if first_e else _SINGLE.get(small[i], small[i])), i + 1
        words.append(letters[:1].upper() + letters[1:] if word[:1].isupper() else letters)
    return " ".join(words)


def russian(latin: str) -> str:
    """How Russian writes an Uzbek name.

    Examples
    --------
    >>> russian("Bogʻiston"), russian("Doʻstlik"), russian("Lolazor")
    ('Богистан', 'Дустлик', 'Лолазар')
    """
    text = cyrillic(latin)
    for uzbek, own in _RUSSIAN_ENDS.items():
        text = text.removesuffix(uzbek) + own if text.endswith(uzbek) else text
    return text.translate(_RUSSIAN)


def plain(russian_name: str) -> str:
    """A Russian name in the Latin letters of a passport office: Чиланзар, Chilanzar.

    Examples
    --------
    >>> plain("Навбахор")
    'Navbakhor'
    """
    words = []
    for word in russian_name.split(" "):
        letters = "".join(_PLAIN.get(c, "" if c in "ъь" else c) for c in word.lower())
        words.append(letters.capitalize())
    return " ".join(words)


#: in how many ways :func:`typed` spells a name
HABITS = 12


def typed(name: Name, habit: int) -> str:
    """A mahalla as one of twelve clerks would type it."""
    if habit < 6:
        return name.latin.replace("ʻ", APOSTROPHES[habit])
    ways = (
        f"{name.latin.replace('ʻ', chr(39))} MFY",
        name.cyrillic,
        f"{name.cyrillic} маҳалласи",
        f"махалля {name.russian}",
        plain(name.russian),
        name.cyrillic.upper() + " МФЙ",
    )
    return ways[habit - 6]
