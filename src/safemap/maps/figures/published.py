"""From results to layers for paper: the registry first, then the same layers as on the interactive map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.i18n import Message
from safemap.maps.breaks import check_breaks
from safemap.maps.density_layer import density_layer
from safemap.maps.interactive import warn_of_few
from safemap.maps.layers import build_layer, check_result, share_breaks, value_breaks
from safemap.maps.study import ANSWERS
from safemap.maps.survey_layer import is_share, layer_name

if TYPE_CHECKING:
    import pandas as pd

    from safemap.disclosure.registry import Registry
    from safemap.maps.layer import Layer
    from safemap.results import Result

Name = str | Mapping[str, str] | None


def published(results: Sequence[Result], rules: Registry) -> list[pd.DataFrame | None]:
    """Frames after the registry, in one order of areas; a density has none.

    What one result hides is hidden in all that may count the same events. Counts of periods that do not
    overlap are different counts: there each result hides its own.
    """
    import pandas as pd

    on_areas = [r for r in results if r.kind != "density"]
    index = on_areas[0].frame.index if on_areas else None
    frames = {
        id(r): pd.DataFrame(r.frame.drop(columns=r.frame.geometry.name)).reindex(index) for r in on_areas
    }
    out: list[pd.DataFrame | None] = []
    for result in results:
        if result.kind == "density":
            out.append(None)
            continue
        related = [frames[id(r)] for r in on_areas if _may_share_events(r, result)]
        out.append(rules.register(*related).apply(frames[id(result)]))
    return out


def make_layers(
    results: Sequence[Result],
    rules: Registry,
    *,
    names: Sequence[Name] | None = None,
    breaks: Sequence[float] | None = None,
    place: Name = None,
) -> list[Layer]:
    """The layers of `results`, with the same class limits where they have the same unit.

    Parameters
    ----------
    results : sequence of Result
    rules : Registry
        What is withheld.
    names : sequence of str or mapping, optional
        One per result.
    breaks : sequence of float, optional
        Four lower limits of classes 2 to 5, for all of them.
    place : str or mapping, optional
        For the finding.
    """
    for result in results:
        check_result(result)
    frames = published(results, rules)
    given = None if breaks is None else check_breaks(breaks)
    pairs = [(r, f) for r, f in zip(results, frames, strict=True) if f is not None]
    known, shown = [r for r, _ in pairs], [f for _, f in pairs]
    layers = []
    for i, (result, frame) in enumerate(zip(results, frames, strict=True)):
        own: Any = names[i] if names is not None else None
        name = own if own is not None else _usual_name(result)
        if frame is None:
            warn_of_few(result)
            layers.append(density_layer(result, key="density", name=name, breaks=given, k=rules.k))
            continue
        if is_share(result):
            limits = given or share_breaks(known, shown)
        elif result.kind == "survey":
            limits = given or None  # type: ignore[assignment]
        else:
            limits = given or value_breaks(known, shown)
        layers.append(
            build_layer(result, frame, key=result.kind, name=name, breaks=limits, k=rules.k, place=place)
        )
    return layers


def area_table(layer: Layer, areas: pd.DataFrame, names: Sequence[str], language: str) -> pd.DataFrame:
    """What the map shows of each area: name, class in words, and the figures that are not withheld."""
    import pandas as pd

    from safemap.i18n import text

    if layer.bands is not None:
        rows = [text(entry.label, language) for entry in layer.classes]
        return pd.DataFrame({"class": rows, "km2": list(layer.amounts)})
    labels = [text(entry.label, language) for entry in layer.classes]
    table = {"name": list(names), "class": [labels[code] for code in layer.codes]}
    open_state = np.array(
        [not layer.classes[code].state or layer.classes[code].state == "few" for code in layer.codes]
    )
    for column, values in layer.figures.items():
        numbers = np.array([np.nan if v is None else v for v in values], dtype=float)
        table[_COLUMN.get(column, column)] = list(np.where(open_state, numbers, np.nan))
    return pd.DataFrame(table, index=areas.index)


_COLUMN = {"low": "conf_low", "high": "conf_high", "p": "p_adjusted", "x": "said_so"}


def _usual_name(result: Result) -> Message:
    if result.kind in ANSWERS:
        return layer_name(result)
    return Message(f"layer_{result.kind}")


def _may_share_events(one: Result, other: Result) -> bool:
    """Whether the two may count the same people or events."""
    if one is other:
        return True
    if (one.kind in ANSWERS) != (other.kind in ANSWERS):
        return False
    first, second = one.settings.get("period"), other.settings.get("period")
    if not first or not second or isinstance(first, str) or isinstance(second, str):
        return True
    return str(first[0]) <= str(second[1]) and str(second[0]) <= str(first[1])
