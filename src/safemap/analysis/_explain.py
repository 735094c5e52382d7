"""One area in words and numbers: its neighbours, and where they lie among what chance gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from safemap._typing import Language
from safemap.analysis._alignment import read_numbers
from safemap.analysis._constant_risk import Sides
from safemap.errors import AlignmentError
from safemap.i18n import Message, number, percent, text
from safemap.results import Explanation

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from safemap.analysis.autocorrelation_results import Basis, LocalResult

    Floats = NDArray[np.float64]

#: Draws of the picture where the distribution is not exact.
PICTURE_DRAWS = 9_999


class Place(NamedTuple):
    """Where the observed sum lies."""

    observed: float
    reference: tuple[Floats, Floats]
    mean: float
    below: float  #: share of the distribution below it, half of the ties included
    about_events: bool
    axis: str = "ex_axis"


def explained(result: LocalResult, area_id: Any, language: Language) -> Explanation:
    """See :meth:`safemap.analysis.autocorrelation_results.LocalResult.explain`."""
    if area_id not in result.frame.index:
        some = result.frame.index[:3].tolist()
        raise AlignmentError(f"There is no area {area_id!r}; ids are like {some}.")
    row, label = result.frame.loc[area_id], _label(result.frame, area_id)
    basis = result.basis
    if basis is None or np.isnan(row["p_value"]):
        words = f"{label}: {_untested(str(row['cluster']), language)}"
        return Explanation(words, _neighbours(result, basis, area_id), (np.empty(0), np.empty(0)), np.nan)
    site = int(basis.case.ids.get_loc(area_id))
    if basis.columns is None:
        place = _place(result, basis, site)
        messages = _where(result, basis, site, place, label)
    else:
        from safemap.analysis._explain_further import told

        place, messages = told(result, basis, site, label)
    messages += [_p(result, basis, site, row), _class(result, row)]
    axis = "ex_axis_events" if place.about_events else place.axis
    labels = {
        "title": text(Message("ex_title", {"a": label}), language),
        "axis": text(axis, language),
        "observed": text("ex_observed", language),
    }
    words = " ".join(text(m, language).rstrip(".") + "." for m in messages)
    return Explanation(words, _neighbours(result, basis, area_id), place.reference, place.observed, labels)


def _untested(cluster: str, language: Language) -> str:
    """Why nothing was tested: of the neighbours here it is only known whether one has a value."""
    if cluster == "no data":
        return f"{text('s_no_data', language)} {text('ex_untested', language)}"
    key = "ex_alone" if cluster == "no neighbours" else "s_" + cluster.replace(" ", "_")
    return text(key, language)


def _label(frame: pd.DataFrame, area_id: Any) -> str:
    name = frame.loc[area_id].get("name")
    return str(area_id) if name is None or str(name) in ("", "nan", str(area_id)) else f"{name} ({area_id})"


def _neighbours(result: LocalResult, basis: Basis | None, area_id: Any) -> pd.DataFrame:
    """The rows of the neighbours, with what was tested and how much each counts."""
    carried = [c for c in ("name", "events", "population") if c in result.frame.columns]
    if basis is None or area_id not in basis.case.ids:
        return result.frame.iloc[:0][carried].assign(value=np.empty(0), weight=np.empty(0))
    graph, values, site = basis.case.graph, basis.case.values, int(basis.case.ids.get_loc(area_id))
    links = graph.matrix
    at = slice(links.indptr[site], links.indptr[site + 1])
    near = links.indices[at]
    weight = np.ones(len(near)) if graph.weights is None else np.asarray(links.data[at], dtype=float)
    rows = result.frame.loc[basis.case.ids[near], carried]
    rows = rows.assign(value=values[near], weight=weight)
    return rows if basis.columns is None else _with_columns(result, basis.columns[near], rows)


def _with_columns(result: LocalResult, near: Floats, rows: pd.DataFrame) -> pd.DataFrame:
    """What is looked for in the neighbours: of join counts the second side, else each column by its name."""
    if result.kind == "local_join_counts":
        return rows.assign(value=near[:, 1])
    if near.shape[1] > 1:
        rows["value"] = result.frame.loc[rows.index, "value"]
        for name, column in zip(result.settings["columns"], near.T, strict=True):
            rows[f"{name} (tested)" if name == "weight" else name] = column
    return rows


def _place(result: LocalResult, basis: Basis, site: int) -> Place:
    """The distribution behind the p of the table."""
    if basis.by_risk[site] or result.settings["null"] == "constant-risk":
        return _place_under_risk(result, basis, site)
    from safemap.stats.permutation import conditional_moments
    from safemap.stats.reference import reference_sums

    case = basis.case
    matrix = case.graph.matrix.copy()
    if case.graph.weights is None:
        matrix.data = np.ones_like(matrix.data, dtype=float)
    at = slice(matrix.indptr[site], matrix.indptr[site + 1])
    w, near = matrix.data[at], case.values[matrix.indices[at]]
    one, _ = conditional_moments(case.values, np.ones(len(case.values)))
    reference = reference_sums(case.values, matrix, site, draws=PICTURE_DRAWS, rng=basis.options.rng % 2**32)
    below = below_observed(basis, site)
    return Place(float(w @ near), reference, float(w.sum() * one[site]), below, False)


def _place_under_risk(result: LocalResult, basis: Basis, site: int) -> Place:
    from scipy.stats import binom

    from safemap.stats.constant_risk import neighbourhood_risk

    case, frame = basis.case, result.frame
    events, people = (
        read_numbers(frame, c, signed=False)[frame.index.get_indexer(case.ids)]
        for c in ("events", "population")
    )
    star = basis.own_weight is not None and not basis.by_risk[site]
    links = case.graph.adjacency
    near = links.indices[links.indptr[site] : links.indptr[site + 1]]
    if case.graph.weights is not None:
        return _place_by_simulation(basis, events, people, site, near)
    seen = float(events[near].sum() + (events[site] if star else 0))
    share = float((people[near].sum() + people[site]) / people.sum()) if star else float(
        people[near].sum() / (people.sum() - people[site])
    )  # fmt: skip
    trials = int(events.sum() - (0 if star else events[site]))
    mean, spread = trials * share, np.sqrt(trials * share * (1 - share))
    low, high = max(0, int(mean - 6 * spread)), min(trials, int(mean + 6 * spread) + 1)
    counts = np.arange(low, high + 1)
    risk = neighbourhood_risk(events, people, links, star=star)
    below = float((1 + risk.lower[site] - risk.upper[site]) / 2)
    return Place(seen, (counts.astype(float), binom.pmf(counts, trials, share)), mean, below, True)


def _place_by_simulation(
    basis: Basis, events: Floats, people: Floats, site: int, near: NDArray[np.int64]
) -> Place:
    """Neighbours that count differently: weighted numbers of events, from multinomial maps."""
    weights = basis.case.graph.weights
    at = slice(weights.indptr[site], weights.indptr[site + 1])
    w, share = np.asarray(weights.data[at], dtype=float), people[near]
    near_events, trials, base = events[near], events.sum() - events[site], people.sum() - people[site]
    if basis.own_weight is not None:
        own = np.broadcast_to(np.asarray(basis.own_weight, dtype=float), events.shape)[site]
        w, share, near_events = np.r_[w, own], np.r_[share, people[site]], np.r_[near_events, events[site]]
        trials, base = events.sum(), people.sum()
    shares = np.r_[share, max(base - share.sum(), 0.0)] / base
    rng = np.random.default_rng(basis.options.rng)
    maps = rng.multinomial(int(trials), shares / shares.sum(), size=PICTURE_DRAWS)
    sums = maps[:, :-1] @ w
    below = below_observed(basis, site)
    reference = sums, np.full(len(sums), 1 / len(sums))
    return Place(float(w @ near_events), reference, float(trials * (w @ share) / base), below, True)


def below_observed(basis: Basis, site: int) -> float:
    """Share of the distribution behind the p of the table that lies below, half of the ties included."""
    sides = Sides.of(basis.test.tails)
    return float((1 + sides.lower[site] - sides.upper[site]) / 2)


def shown_share(below: float) -> dict[str, Any]:
    return percent(below, 1 if 0.001 < below < 0.999 else 4)


def how_drawn(basis: Basis, site: int, below: float, key: str) -> list[Message]:
    """How many draws, where the observed lies among them, and whether they are those of the second stage."""
    drawn = Message(key, {"d": number(int(basis.test.tails.draws[site])), "q": shown_share(below)})
    return [drawn, *([Message("ex_second")] if basis.test.refined[site] else [])]


def _where(result: LocalResult, basis: Basis, site: int, place: Place, label: str) -> list[Message]:
    count = number(int(basis.case.graph.cardinalities.to_numpy()[site]))
    digits = 0 if place.about_events and float(place.observed).is_integer() else 2
    key = "ex_around_events" if place.about_events else "ex_around"
    slots = {"a": label, "n": count, "s": number(place.observed, digits), "m": number(place.mean, 2)}
    found = [Message(key, slots)]
    own = result.frame["value"].loc[basis.case.ids[site]]
    found.append(Message("ex_own", {"v": number(float(own), 2)}))
    share = shown_share(place.below)
    if basis.by_risk[site]:
        found += [Message("ex_larger"), Message("ex_risk", {"q": share})]
    elif place.about_events:
        found.append(Message("ex_risk", {"q": share}))
    elif basis.test.tails.exact[site]:
        found.append(Message("ex_exact", {"q": share}))
    else:
        found += how_drawn(basis, site, place.below, "ex_drawn")
    return found


def _p(result: LocalResult, basis: Basis, site: int, row: pd.Series) -> Message:
    slots = {"p": row["p_value"], "q": row["p_adjusted"], "s": _smallest(basis, site)}
    return Message("ex_p", {name: _figure(float(p)) for name, p in slots.items()})


def _figure(p: float) -> dict[str, Any]:
    """Two significant digits; very small ones as a bound."""
    if p < 1e-8:
        return {"k": "under", "s": {"a": number(1e-8, 8)}}
    return number(p, int(max(2, 1 - np.floor(np.log10(p)))))


def _smallest(basis: Basis, site: int) -> float:
    from safemap.stats.permutation import smallest_p
    from safemap.stats.weighted_permutation import uneven_rows

    if basis.reachable is not None:
        return float(basis.reachable[site])
    case, o = basis.case, basis.options
    return float(
        smallest_p(
            len(case.ids), case.graph.cardinalities.to_numpy(),
            permutations=o.permutations, max_permutations=o.max_permutations,
            refine_below=o.refine_below, alternative=o.alternative, computed=basis.test.computed,
            ordered=uneven_rows(case.graph.matrix),
        )[site]
    )  # fmt: skip


def _class(result: LocalResult, row: pd.Series) -> Message:
    cluster = str(row["cluster"])
    side, _, level = cluster.partition("-")
    if side in ("hot", "cold") and level:
        end = "" if str(result.settings["adjust"]).startswith("fdr") else "_p"
        return Message(f"c_{side}{end}", {"a": percent(int(level) / 100)})
    if cluster in result.findings:
        return Message(f"c_{cluster}")
    return Message("s_none" if cluster == "not significant" else "s_" + cluster.replace(" ", "_"))
