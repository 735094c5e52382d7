"""Layers of local tests: which areas stand out, by the classes of their column ``cluster``.

Local Moran and Getis-Ord have classes and words of their own. Any other local statistic needs nothing but a
column ``cluster``: classes the catalogue knows get its words, others their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.errors import InputError
from safemap.i18n import Message, percent, words
from safemap.maps import breaks as limits
from safemap.maps import findings
from safemap.maps.layer import Layer, LegendClass, column, figures, total, with_states
from safemap.maps.page import clean_text
from safemap.maps.palettes import GETIS_ORD, LINE_ON_CLUSTERS, LISA, NOT_SIGNIFICANT
from safemap.maps.states import STATE_OF_CLUSTER

if TYPE_CHECKING:
    import pandas as pd

    from safemap.results import Result

#: States an area of a local test can be in.
STATES_OF_TEST = ("withheld", *dict.fromkeys(STATE_OF_CLUSTER.values()))
#: Other words for "not flagged".
_QUIET = "not significant"
#: Classes of local statistics with colours and words of their own, beside those of local Moran.
_KNOWN = {"other positive": LISA["high-low"], "negative": LISA["low-high"]}


def cluster_layer(
    result: Result,
    frame: pd.DataFrame,
    *,
    key: str,
    name: str | Mapping[str, str] | Message,
    k: int,
    period: str,
) -> Layer:
    """The layer of one local test; parameters as in :func:`safemap.maps.layers.build_layer`."""
    hidden = frame["suppressed"].to_numpy(dtype=bool)
    said = frame["cluster"].astype(object).where(frame["cluster"].notna(), "no data").astype(str).to_numpy()
    classes = _classes(result, said[~hidden])
    row_of = {c.key: i for i, c in enumerate(classes)}
    states = np.array(
        ["withheld" if h else STATE_OF_CLUSTER.get(w, "") for w, h in zip(said, hidden, strict=True)]
    )
    codes = np.array([row_of.get(w, 0) for w in said], dtype=np.int64)
    sentences = tuple(
        f"s_{state}" if state else _sentence(result.kind, word)
        for state, word in zip(states, said, strict=True)
    )
    counts = {c.key: int(((codes == i) & (states == "")).sum()) for i, c in enumerate(classes)}
    layer_classes, codes = with_states(classes, codes, states, STATES_OF_TEST, k)
    alpha = float(result.settings.get("alpha", 0.05))
    p = np.vectorize(lambda v: limits.shown(v, 3), otypes=[float])(column(frame, "p_adjusted"))
    p[states != ""] = np.nan
    return Layer(
        key=key, kind=result.kind, name=name, unit=_unit(result, alpha), classes=layer_classes, codes=codes,
        sentences=sentences, slots=_variables(result),
        figures=figures(hidden, n=column(frame, "events"), p=p), decimals=0, mean=None, top=0,
        finding=findings.cluster_finding(
            counts, kind=result.kind, areas=len(frame), alpha=alpha, period=period
        ),
        period=period, total=total(result.frame), confidence=1 - alpha, line=LINE_ON_CLUSTERS,
        adjusted=result.settings.get("adjust", "fdr_bh") not in (None, "none"),
    )  # fmt: skip


def _classes(result: Result, said: Sequence[str]) -> tuple[LegendClass, ...]:
    """Legend rows of the kind; words it does not know are refused where the classes are fixed."""
    if result.kind == "local_getis_ord":
        rows = _getis_classes(str(result.settings.get("adjust", "fdr_bh")))
    elif result.kind in ("local_moran", "local_bivariate_moran"):
        rows = _moran_classes(result)
    else:
        return _other_classes(result, said)
    allowed = [*(c.key for c in rows), *STATE_OF_CLUSTER]
    unknown = set(said) - set(allowed)
    if unknown:
        raise InputError(
            f"The column cluster of a {result.kind} result may hold {', '.join(allowed)}; "
            f"{len(unknown)} other value(s) came."
        )
    return rows


def _moran_classes(result: Result) -> tuple[LegendClass, ...]:
    two = _variables(result)
    start = "c2" if two else "c"
    rows = {code: Message(f"{start}_{code}", two) for code in LISA} | {_QUIET: Message("c_none")}
    return tuple(LegendClass(code, rows[code], colour) for code, colour in LISA.items())


def _getis_classes(adjust: str) -> tuple[LegendClass, ...]:
    """Tiers of the false discovery rate, or of p where it is adjusted otherwise or not at all."""
    rows, end = [], "" if adjust.startswith("fdr") else "_p"
    for code, colour in reversed(GETIS_ORD.items()):
        side, _, level = code.partition("-")
        label = (
            Message("c_none") if not level else Message(f"c_{side}{end}", {"a": percent(int(level) / 100)})
        )
        rows.append(LegendClass(code, label, colour))
    return tuple(rows)


def _other_classes(result: Result, said: Sequence[str]) -> tuple[LegendClass, ...]:
    """Classes that occur, or that the result lists; colours of local Moran, which all differ from each other.

    A class of a name of its own takes the first colour that is free.
    """
    listed = [w for w in getattr(result, "findings", ()) if w not in STATE_OF_CLUSTER]
    found = [w for w in dict.fromkeys([*listed, *sorted(set(said))]) if w not in STATE_OF_CLUSTER]
    found = [w for w in found if w != _QUIET]
    fixed = {**LISA, **_KNOWN}
    taken = {fixed[w] for w in found if w in fixed}
    free = [c for code, c in LISA.items() if code != _QUIET and c not in taken]
    own = [w for w in found if w not in fixed]
    if len(own) > len(free):
        raise InputError(
            f"A local statistic may have {len(LISA) - 1} classes beside {_QUIET!r}, as many as there are "
            f"colours everyone can tell apart; the column cluster of this {result.kind} has {len(found)}."
        )
    colours = fixed | dict(zip(own, free, strict=False))
    rows = [LegendClass(w, _label(w), colours[w]) for w in found]
    return (*rows, LegendClass(_QUIET, Message("c_none"), NOT_SIGNIFICANT))


def _label(word: str) -> Message:
    known = f"c_{word}"
    return Message(known) if known in words("en") else Message("c_text", {"a": clean_text(word, longest=60)})


def _sentence(kind: str, word: str) -> str:
    """Catalogue key of what is said of an area in this class."""
    if kind == "local_bivariate_moran" and word in LISA and word != _QUIET:
        return f"s2_{word}"
    if kind == "local_moran" and word in LISA and word != _QUIET:
        return f"s_{word}"
    if kind == "local_getis_ord":
        return {"hot": "s_hot", "cold": "s_cold"}.get(word.partition("-")[0], "s_none")
    return "s_none" if word == _QUIET else "s_flagged"


def _variables(result: Result) -> dict[str, Any]:
    """Names of the two columns of a bivariate test, for its words."""
    columns = result.settings.get("columns") if result.kind == "local_bivariate_moran" else None
    if not columns:
        return {}
    return {slot: clean_text(text, longest=60) for slot, text in zip("xy", columns, strict=True)}


def _unit(result: Result, alpha: float) -> Message:
    if result.kind == "local_getis_ord":
        return Message("unit_local_getis_ord")
    adjust = result.settings.get("adjust", "fdr_bh")
    fdr = str(adjust).startswith("fdr")
    level = percent(alpha, 0 if round(alpha * 100, 6).is_integer() else 1)
    return Message("unit_local_moran" if fdr else "unit_local_moran_level", {"a": level})
