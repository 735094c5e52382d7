"""From what the caller gave to the layers of a map: one set of limits, a name and a key for each."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from safemap.errors import AlignmentError, ConfigError, PrivacyWarning
from safemap.i18n import LANGUAGES, Message, percent, words
from safemap.maps import breaks as limits
from safemap.maps.density_layer import density_layer
from safemap.maps.layer import Layer
from safemap.maps.layers import build_layer, ranked_rates, share_breaks, shares_of, value_breaks
from safemap.maps.page import clean_text
from safemap.maps.periods import Entry, as_steps, stack
from safemap.maps.study import ANSWERS
from safemap.maps.survey_layer import is_share, layer_name, survey_values
from safemap.settings import threshold

if TYPE_CHECKING:
    import pandas as pd

    from safemap.maps.breaks import Scheme
    from safemap.results import Result


def make_layers(
    entries: Sequence[Entry],
    frames: Sequence[Sequence[pd.DataFrame | None]],
    names: Sequence[str | Mapping[str, str] | None] | None,
    given: Mapping[str, Sequence[float]],
    *,
    k: int,
    place: str | Mapping[str, str] | None,
) -> list[list[Layer]]:
    """Per entry its layer, or one for each period, all with the same limits."""
    known, shown = _known(entries, frames)
    everything = [r for e in entries for r in e.results]
    period = next(
        (r.settings["period"] for r in everything if r.kind not in ANSWERS and r.settings.get("period")), None
    )
    rates = given.get("rates") or value_breaks(known, shown)
    shares = given.get("survey") or share_breaks(known, shown)
    out = []
    for entry, own, (key, name) in zip(entries, frames, _layer_names(entries, names), strict=True):
        if own[0] is None:
            warn_of_few(entry.results[0])
            limit = given.get("density")
            out.append(
                [density_layer(entry.results[0], key=key, name=name, breaks=limit, k=k, period=period)]
            )
            continue
        chosen = shares if is_share(entry.results[0]) else rates
        if entry.kind == "survey" and not is_share(entry.results[0]):
            values = [survey_values(r, f) for r, f in zip(entry.results, own, strict=True) if f is not None]
            chosen = limits.step_breaks(np.concatenate(values))
        made = [
            build_layer(r, f, key=key, name=name, breaks=chosen, k=k, place=place, period=period)
            for r, f in zip(entry.results, own, strict=True)
            if f is not None
        ]
        out.append(stack(made) if entry.labels else made)
    return out


def _known(
    entries: Sequence[Entry], frames: Sequence[Sequence[pd.DataFrame | None]]
) -> tuple[list[Result], list[pd.DataFrame]]:
    """All results on areas, and their frames."""
    pairs = [
        (r, f)
        for e, own in zip(entries, frames, strict=True)
        for r, f in zip(e.results, own, strict=True)
        if f is not None
    ]
    return [r for r, _ in pairs], [f for _, f in pairs]


def limits_by_scheme(
    scheme: Scheme | None,
    given: Mapping[str, Sequence[float]],
    entries: Sequence[Entry],
    frames: Sequence[Sequence[pd.DataFrame | None]],
) -> tuple[dict[str, Sequence[float]], list[dict[str, Any]]]:
    """Limits by a named scheme, where none are given, and what the methods say of them."""
    out, notes = dict(given), []
    if scheme is None:
        return out, notes
    if given:
        raise ConfigError("Give breaks or scheme, not both.")
    known, shown = _known(entries, frames)
    for kind, values in (("rates", ranked_rates(known, shown)), ("survey", shares_of(known, shown))):
        if not values.size or (kind == "survey" and scheme == "mean_multiples"):
            continue  # twice an average share is often more than everybody
        most = 100 if kind == "survey" else np.inf
        out[kind], explained = limits.scheme_breaks(values, scheme, most=most)
        slots = {"g": percent(explained)} if scheme == "natural_breaks" else {}
        notes.append(Message(f"scheme_{scheme}", slots).to_dict())
    return out, [note for i, note in enumerate(notes) if note not in notes[:i]]


def check_counts(layers: Sequence[Sequence[Layer]], areas: int) -> None:
    """Every area is in one class of every layer: a legend that does not add up must not leave."""
    for layer in (one for steps in layers for one in steps if one.bands is None):
        if len(layer.codes) != areas or sum(layer.counts.values()) != areas:
            raise AlignmentError(
                f"The classes of the layer {layer.kind} hold {sum(layer.counts.values())} areas, the map "
                f"{areas}. Give results with one row for each area."
            )


def page_layer(entry: Entry, layers: Sequence[Layer], audits: Sequence[int | None]) -> dict[str, Any]:
    """One layer as the page reads it; several periods share all but their figures."""
    steps = [{**layer.to_dict(), "audit": at} for layer, at in zip(layers, audits, strict=True)]
    return as_steps(steps, entry.labels) if entry.labels else steps[0]


def warn_of_few(density: Result) -> None:
    """A density is not among what the registry can withhold, so say when it shows single events."""
    events = int(density.settings["n_events"])
    if 0 < events < threshold("events_note"):
        warnings.warn(
            f"A density of {events} events can show where single events happened; the registry of withheld "
            "cells does not reach it. Leave the layer out, or widen the bandwidth.",
            PrivacyWarning,
            stacklevel=4,
        )


def given_breaks(breaks: Any) -> dict[str, tuple[float, ...]]:
    if breaks is None:
        return {}
    if not isinstance(breaks, Mapping):
        return {"rates": limits.check_breaks(breaks)}
    unknown = sorted(set(map(str, breaks)) - {"rates", "survey", "density"})
    if unknown:
        raise ConfigError(f"breaks may be given for rates, survey and density; got {', '.join(unknown)}.")
    return {str(kind): limits.check_breaks(values) for kind, values in breaks.items()}


def _layer_names(
    entries: Sequence[Entry], names: Sequence[str | Mapping[str, str] | None] | None
) -> list[tuple[str, str | Mapping[str, str] | Message]]:
    """Key and name of each layer; a second layer of one name gets a number unless the caller names it."""
    out: list[tuple[str, str | Mapping[str, str] | Message]] = []
    usual: list[Message] = []
    for position, entry in enumerate(entries):
        result = entry.results[0]
        nth = sum(e.kind == entry.kind for e in entries[: position + 1])
        given = texts_of(names[position]) if names is not None else None
        own = _usual_name(result)
        usual.append(own)
        again = usual.count(own)
        name: str | Mapping[str, str] | Message = own
        if given is not None:
            name = given
        elif again > 1:
            name = Message("numbered", {"n": str(again), "name": own.to_dict()})
        out.append((result.kind if nth == 1 else f"{result.kind}-{nth}", name))
    return out


def _usual_name(result: Result) -> Message:
    """What a layer is called when the caller says nothing."""
    if result.kind in ANSWERS:
        return layer_name(result)
    if f"layer_{result.kind}" in words("en"):
        return Message(f"layer_{result.kind}")
    title = getattr(result, "title", "") or result.kind.removeprefix("local_").replace("_", " ")
    return Message("layer_local", {"q": clean_text(title, longest=60)})


def texts_of(value: str | Mapping[str, str] | None) -> str | dict[str, str] | None:
    """Text of the caller, cleaned: one, or by language."""
    if value is None:
        return None
    if isinstance(value, str):
        return clean_text(value)
    if not isinstance(value, Mapping):
        return clean_text(value)
    unknown = sorted(set(map(str, value)) - set(LANGUAGES))
    if unknown or not value:
        raise ConfigError(
            f"Texts by language need one of {', '.join(LANGUAGES)}; got {', '.join(unknown) or 'none'}."
        )
    return {language: clean_text(text) for language, text in value.items()}
