"""Which areas each layer withholds, so that no layer and no period gives back what another hides.

What one layer hides is hidden in all layers of the same people. Between the stops of a slider that is not so:
an area may have a small count in one year and a large one in the next. But where a sum over the years is on
the map too, the sum less the years shown would give a withheld year back; then further years go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from safemap.disclosure.registry import COUNT_COLUMNS, Registry
from safemap.maps.periods import ALL, Entry
from safemap.maps.study import ANSWERS

if TYPE_CHECKING:
    import pandas as pd


def publish(entries: Sequence[Entry], rules: Registry) -> list[list[pd.DataFrame | None]]:
    """Frames of every result after the registry, in one order of areas; a density has none.

    Records and answers count different people, so neither gives the other back.
    """
    import pandas as pd

    on_areas = [e for e in entries if e.kind != "density"]
    index = on_areas[0].results[0].frame.index if on_areas else None
    frames = {
        id(r): pd.DataFrame(r.frame.drop(columns=r.frame.geometry.name)).reindex(index)  # type: ignore[operator]
        for e in on_areas
        for r in e.results
    }
    chosen: dict[int, Registry] = {}
    for answers in (True, False):
        side = [e for e in on_areas if (e.kind in ANSWERS) == answers]
        chosen |= _registries(side, frames, rules, sums=not answers)
    return [
        [chosen[id(r)].apply(frames[id(r)]) if id(r) in chosen else None for r in e.results] for e in entries
    ]


def _registries(
    entries: Sequence[Entry], frames: Mapping[int, pd.DataFrame], rules: Registry, *, sums: bool
) -> dict[int, Registry]:
    """The registry of each result: one for all that has no period of its own, one for each stop."""
    whole = [
        r for e in entries for r, label in zip(e.results, e.labels or (ALL,), strict=True) if label == ALL
    ]
    steps: dict[str, list[pd.DataFrame]] = {}
    for e in entries:
        for r, label in zip(e.results, e.labels, strict=False):
            if label != ALL:
                steps.setdefault(label, []).append(frames[id(r)])
    base = rules.register(*(frames[id(r)] for r in whole))
    each = {label: base.register(*found) for label, found in steps.items()}
    if sums and whole and each:
        further, lost = complement(
            _counts(steps), {k: r.withheld for k, r in each.items()}, base.withheld, k=rules.k
        )
        base = _with(base, lost)
        each = {label: _with(r, further[label] | lost) for label, r in each.items()}
    any_step = frozenset().union(*(r.withheld for r in each.values()))
    out = {id(r): _with(base, any_step) if r.kind == "change" else base for r in whole}
    for e in entries:
        for r, label in zip(e.results, e.labels, strict=False):
            if label != ALL:
                out[id(r)] = each[label]
    return out


def complement(
    counts: Mapping[str, pd.Series],
    withheld: Mapping[str, frozenset[str]],
    hidden: frozenset[str],
    *,
    k: int,
) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """Further periods to withhold where the sum over all periods is shown.

    Parameters
    ----------
    counts : mapping of period to Series
        Counts by area.
    withheld : mapping of period to ids
        Areas whose count of that period is withheld because it is from 1 to ``k - 1``.
    hidden : set of ids
        Areas whose sum is withheld anyway.
    k : int

    Returns
    -------
    further : dict of period to ids
        Areas whose count of that period is withheld too: the smallest that are large enough.
    lost : set of ids
        Areas for which that does not suffice; their sum must go.

    Notes
    -----
    With m withheld counts and t further ones, whose sum is S, a withheld count could still be anything from 1
    to k - 1 if ``S >= (k - 1) + (m - 1) + t k`` with t of 1 or more (a further count is k or more), and with
    none if ``m + k - 2 <= S <= (m - 1)(k - 1) + 1``.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = {"2021": pd.Series({"A": 3}), "2022": pd.Series({"A": 9}), "2023": pd.Series({"A": 40})}
    >>> further, lost = complement(counts, {"2021": frozenset("A")}, frozenset(), k=5)
    >>> [year for year, ids in further.items() if ids], sorted(lost)
    (['2022'], [])
    """
    further: dict[str, set[str]] = {label: set() for label in counts}
    lost = set()
    concerned = frozenset().union(*withheld.values()) - hidden
    for area in sorted(concerned):
        values = {label: float(series.get(area, np.nan)) for label, series in counts.items()}
        gone = [label for label, ids in withheld.items() if area in ids]
        shown = sorted((v, label) for label, v in values.items() if label not in gone and v >= k)
        extra = _enough([values[label] for label in gone], [v for v, _ in shown], k)
        if extra is None:
            lost.add(area)
        else:
            for _, label in shown[:extra]:
                further[label].add(area)
    return {label: frozenset(ids) for label, ids in further.items()}, frozenset(lost)


def _enough(gone: Sequence[float], shown: Sequence[float], k: int) -> int | None:
    """How many of the shown counts, smallest first, must go as well; None if all are not enough."""
    m, total = len(gone), float(np.nansum(gone))
    if m + k - 2 <= total <= (m - 1) * (k - 1) + 1:
        return 0
    for t, value in enumerate(shown, start=1):
        total += value
        if total >= (k - 1) + (m - 1) + t * k:
            return t
    return None


def _counts(steps: Mapping[str, Sequence[pd.DataFrame]]) -> dict[str, pd.Series]:
    """Counts of each period, from the first layer that has any."""
    import pandas as pd

    out = {}
    for label, frames in steps.items():
        found = [f[c] for f in frames for c in COUNT_COLUMNS if c in f.columns]
        out[label] = pd.to_numeric(found[0]) if found else pd.Series(np.nan, index=frames[0].index)
    return out


def _with(registry: Registry, ids: frozenset[str]) -> Registry:
    from dataclasses import replace

    return replace(registry, withheld=registry.withheld | ids)
