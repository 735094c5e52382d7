"""Names of places matched to areas: equal but for writing is matched and told, the rest is suggested."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap.errors import ConfigError, InputError
from safemap.intake.columns import MISSING_WORDS, fold, require_columns
from safemap.intake.transliteration import sound_key, spelling_key
from safemap.results import Result

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: how a name was matched, from the strictest to the loosest
METHODS = ("mapping", "id", "name", "spelling", "sound")
_KEYS: Mapping[str, Callable[[str], str]] = {"name": fold, "spelling": spelling_key, "sound": sound_key}


@dataclass(frozen=True, eq=False, repr=False)
class PlaceMatches(Result):
    """Which area each name belongs to.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per name that came in, same index: ``given``, ``area_id`` (None where not matched), ``method``
        (mapping, id, name, spelling, sound; None) and ``why_not`` (missing_area, unknown_area,
        ambiguous_area; None where matched).
    suggestions : pandas.DataFrame
        For names that were not matched, the areas that resemble them: ``name``, ``area_id``, ``area_name``,
        ``score`` (0 to 1), best first. Never applied: keep the right rows, save them as CSV, and give the
        file as `mapping`.
    unused : pandas.Index
        Ids of areas that no name was matched to.
    repeated : pandas.DataFrame
        Areas to which several different spellings were matched: index ``area_id``, column ``given``.
    """

    kind: ClassVar[str] = "place_matches"

    suggestions: pd.DataFrame | None = None
    unused: Sequence[str] = field(default_factory=tuple)
    repeated: pd.DataFrame | None = None

    @property
    def unmatched(self) -> pd.DataFrame:
        """Names that belong to no area or to several: index ``given``, columns ``rows`` and ``why_not``."""
        lost = self.frame[self.frame["why_not"].isin(["unknown_area", "ambiguous_area"])].reset_index(
            drop=True
        )
        grouped = lost.groupby("given", sort=True)["why_not"]
        return grouped.agg(["size", "first"]).set_axis(["rows", "why_not"], axis=1)

    def summary(self) -> str:
        """How many names were matched, by what means; what was not; and the suggestions."""
        counts = self.frame["method"].value_counts()
        told = {
            "mapping": "by the mapping given", "id": "by id", "name": "by name",
            "spelling": "by name in another spelling (script, apostrophes, accents, kind of place)",
            "sound": "by name as it sounds in Russian (o and a, oʻ and u)",
        }  # fmt: skip
        lines = [self._headline()]
        lines += [f"  {int(counts[m]):>9,}  {words}" for m, words in told.items() if m in counts.index]
        for name, row in self.unmatched.iterrows():
            near = self.suggestions[self.suggestions["name"] == name]
            hint = "; ".join(f"{s.area_name} ({s.area_id}) {s.score:.2f}" for s in near.itertuples())
            kind = (
                "several areas have this name"
                if row["why_not"] == "ambiguous_area"
                else "not among the areas"
            )
            lines.append(
                f"  {int(row['rows']):>9,}  {name!r}: {kind}" + (f"; perhaps {hint}" if hint else "")
            )
        if len(self.unused):
            lines.append(f"  {len(self.unused):>9,}  areas that no name was matched to")
        return "\n".join(lines)

    def _headline(self) -> str:
        matched = int(self.frame["area_id"].notna().sum())
        areas = self.settings["areas"]
        return f"PlaceMatches: {matched:,} of {len(self.frame):,} names belong to one of {areas:,} areas"


def match_places(
    names: pd.Series | Iterable[Any],
    areas: gpd.GeoDataFrame | pd.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    parents: pd.Series | Iterable[Any] | None = None,
    parent_columns: Sequence[str] = (),
    mapping: Mapping[str, str] | str | Path | None = None,
    sound: bool = True,
    suggest: int = 3,
    cutoff: float = 0.7,
) -> PlaceMatches:
    """Match names or codes of places to areas.

    Parameters
    ----------
    names : Series or iterable
        Names or ids as they stand in a table.
    areas : GeoDataFrame or DataFrame
        Index: ids of the areas.
    columns : sequence of str, optional
        Columns of `areas` with names. Default: ``name`` and all ``name_<language>``.
    parents, parent_columns : optional
        For each name the district it lies in, and the columns of `areas` with the district's name: tells
        areas of one name apart.
    mapping : mapping, or path of a CSV, optional
        Name to area id, confirmed by a person; the CSV has columns ``name`` and ``area_id``. Comes first.
    sound : bool
        Whether names that differ only as Uzbek and Russian spelling do (Chilonzor, Chilanzar) are matched;
        else they are suggested.
    suggest, cutoff : int, float
        At most how many suggestions per name, and from which score (0 to 1).

    Returns
    -------
    PlaceMatches
        ``frame`` with ``given``, ``area_id``, ``method``, ``why_not``; ``suggestions``; ``unused``;
        ``repeated``.

    Notes
    -----
    Tried in this order, and taken only where exactly one area answers: the mapping; the id (case ignored);
    the name (case and spacing ignored); the name in another spelling; the name as it sounds in Russian. A
    name that several areas have is ``ambiguous_area``. The score of a suggestion is the ratio of
    :class:`difflib.SequenceMatcher` (Ratcliff and Metzener 1988) of the keys compared.

    Examples
    --------
    >>> import pandas as pd
    >>> areas = pd.DataFrame({"name": ["Chilonzor", "Doʻstlik", "Bogʻiston"]}, index=["01", "02", "03"])
    >>> found = match_places(["Чиланзар", "ДЎСТЛИК МФЙ", "Bog'istan mahallasi", "Navroz", "02"], areas)
    >>> found.frame[["area_id", "method"]].fillna("").values.tolist()
    [['01', 'sound'], ['02', 'spelling'], ['03', 'sound'], ['', ''], ['02', 'id']]
    """
    import pandas as pd

    if not 0 <= cutoff <= 1 or suggest < 0:
        raise ConfigError(
            f"cutoff must lie between 0 and 1 and suggest be 0 or more; got {cutoff!r}, {suggest!r}."
        )
    given = names if isinstance(names, pd.Series) else pd.Series(list(names), dtype=object)
    above = _texts(parents, given)
    used = _name_columns(areas, columns, parent_columns)
    confirmed = _read_mapping(mapping, areas)
    index = _Index(areas, used, list(parent_columns), sound=sound)
    codes, pairs = _distinct(given, above)
    found = [_find(name, parent, index, confirmed) for name, parent in pairs]
    frame = pd.DataFrame(
        {
            "given": [None if _is_missing(name) else " ".join(str(name).split()) for name in given],
            **{c: [found[i][k] for i in codes] for k, c in enumerate(("area_id", "method", "why_not"))},
        },
        index=given.index, dtype=object,
    )  # fmt: skip
    return PlaceMatches(
        frame=frame,
        settings={"areas": len(areas), "columns": used, "sound": sound, "cutoff": cutoff},
        suggestions=_suggest(frame, index, most=suggest, cutoff=cutoff),
        unused=[str(i) for i in areas.index if str(i) not in set(frame["area_id"].dropna())],
        repeated=_repeated(frame),
    )


class _Index:
    """Keys of all areas, and which areas have them."""

    def __init__(self, areas: pd.DataFrame, columns: list[str], parents: list[str], *, sound: bool) -> None:
        self.ids = [str(i) for i in areas.index]
        self.by_id = {fold(i): i for i in self.ids}
        methods = ("name", "spelling", "sound") if sound else ("name", "spelling")
        values = {c: ["" if _is_missing(v) else str(v) for v in areas[c]] for c in (*columns, *parents)}
        self.shown = values[columns[0]] if columns else self.ids
        self.keys: dict[str, dict[str, set[str]]] = {m: {} for m in methods}
        for method in methods:
            for column in columns:
                for area, name in zip(self.ids, values[column], strict=True):
                    key = _KEYS[method](name) if name else ""
                    if key:
                        self.keys[method].setdefault(key, set()).add(area)
        self.parents = {
            area: {sound_key(values[c][i]) for c in parents if values[c][i]}
            for i, area in enumerate(self.ids)
        }
        self.spellings = [
            (area, shown, {sound_key(values[c][i]) for c in columns if values[c][i]} - {""})
            for i, (area, shown) in enumerate(zip(self.ids, self.shown, strict=True))
        ]

    def within(self, candidates: set[str], parent: str | None) -> set[str]:
        """Those of the candidates that lie in `parent`, where it is given and the areas have parents."""
        if not parent or not any(self.parents.values()):
            return candidates
        return {c for c in candidates if sound_key(parent) in self.parents[c]}


def _find(
    name: Any, parent: str | None, index: _Index, confirmed: Mapping[str, str]
) -> tuple[str | None, str | None, str | None]:
    """Area, method, and why there is none."""
    if _is_missing(name):
        return None, None, "missing_area"
    text = str(name)
    if fold(text) in confirmed:
        return confirmed[fold(text)], "mapping", None
    if fold(text) in index.by_id:
        return index.by_id[fold(text)], "id", None
    several = False
    for method, known in index.keys.items():
        candidates = index.within(known.get(_KEYS[method](text), set()), parent)
        if len(candidates) == 1:
            return next(iter(candidates)), method, None
        several = several or len(candidates) > 1
        if several:  # a looser key cannot tell them apart
            break
    return None, None, "ambiguous_area" if several else "unknown_area"


def _name_columns(
    areas: pd.DataFrame, columns: Sequence[str] | None, parent_columns: Sequence[str]
) -> list[str]:
    if not areas.index.is_unique:
        raise InputError("area ids must be unique. Read the areas with read_areas(id=...).")
    if columns is None:
        columns = [c for c in areas.columns if c == "name" or str(c).startswith("name_")]
    wanted = {f"columns[{i}]": c for i, c in enumerate(columns)}
    wanted |= {f"parent_columns[{i}]": c for i, c in enumerate(parent_columns)}
    require_columns(areas.columns, wanted, source="the areas")
    return list(columns)


def _texts(parents: Any, given: pd.Series) -> list[str | None]:
    if parents is None:
        return [None] * len(given)
    values = list(parents)
    if len(values) != len(given):
        raise InputError(f"parents must have one value per name ({len(given)}); got {len(values)}.")
    return [None if _is_missing(v) else str(v) for v in values]


def _distinct(given: pd.Series, above: list[str | None]) -> tuple[list[int], list[tuple[Any, str | None]]]:
    """Every pair of name and parent once, and which of them each row has."""
    position: dict[tuple[str, str | None], int] = {}
    pairs: list[tuple[Any, str | None]] = []
    codes = []
    for name, parent in zip(given, above, strict=True):
        key = (repr(name) if not isinstance(name, str) else name, parent)
        if key not in position:
            position[key] = len(pairs)
            pairs.append((name, parent))
        codes.append(position[key])
    return codes, pairs


def _is_missing(value: Any) -> bool:
    return value is None or value != value or fold(value) in MISSING_WORDS


def _read_mapping(mapping: Mapping[str, str] | str | Path | None, areas: pd.DataFrame) -> dict[str, str]:
    """Folded name to id, every id checked."""
    if mapping is None:
        return {}
    source, pairs = "mapping", None
    if isinstance(mapping, Mapping):
        pairs = [(str(k), str(v)) for k, v in mapping.items()]
    else:
        from safemap.intake.tables import read_table

        table = read_table(mapping)
        source = table.source
        require_columns(table.frame.columns, {"name": "name", "area_id": "area_id"}, source=source)
        pairs = [
            (n, i.strip()) for n, i in table.frame[["name", "area_id"]].astype(str).itertuples(index=False)
        ]
    known = {str(i) for i in areas.index}
    unknown = sorted({area for _, area in pairs if area not in known})
    if unknown:
        raise InputError(
            f"{source}: {len(unknown)} area ids are not among the areas, e.g. "
            f"{', '.join(map(repr, unknown[:3]))}. Correct them; leave out names that belong to no area.",
            ids=unknown[:100],
        )
    out: dict[str, str] = {}
    for name, area in pairs:
        if out.setdefault(fold(name), area) != area:
            raise InputError(
                f"{source}: a name is mapped to two areas ({out[fold(name)]!r}, {area!r}). Keep one of them."
            )
    return out


def _suggest(frame: pd.DataFrame, index: _Index, *, most: int, cutoff: float) -> pd.DataFrame:
    """Areas that resemble the names that were not matched, best first; areas of one name all come up."""
    import pandas as pd

    rows = []
    for name in sorted(set(frame.loc[frame["why_not"].isin(["unknown_area", "ambiguous_area"]), "given"])):
        scored = [(_resemblance(name, keys, cutoff), area, shown) for area, shown, keys in index.spellings]
        best = sorted((s for s in scored if s[0] >= cutoff), key=lambda s: (-s[0], s[1]))[:most]
        rows += [(name, area, shown, round(score, 3)) for score, area, shown in best]
    return pd.DataFrame(rows, columns=["name", "area_id", "area_name", "score"])


def _resemblance(name: str, keys: set[str], cutoff: float) -> float:
    """Largest ratio of the name's key and those of an area; 0 where it is surely below the cutoff."""
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(sound_key(name))
    best = 0.0
    for key in sorted(keys):
        matcher.set_seq1(key)
        if min(matcher.real_quick_ratio(), matcher.quick_ratio()) >= max(cutoff, best):
            best = max(best, matcher.ratio())
    return best


def _repeated(frame: pd.DataFrame) -> pd.DataFrame:
    """Areas matched to several spellings, with the spellings."""
    import pandas as pd

    placed = frame[frame["area_id"].notna()].drop_duplicates(["area_id", "given"]).reset_index(drop=True)
    spellings = placed.groupby("area_id", sort=True)["given"].agg(list)
    several = spellings[np.array([len(s) > 1 for s in spellings], dtype=bool)]
    return pd.DataFrame({"given": several.map(" | ".join)}, index=pd.Index(several.index, name="area_id"))
