"""One area explained, for the statistics that are no sum over the neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from safemap.analysis._explain import PICTURE_DRAWS, Place, below_observed, how_drawn, shown_share
from safemap.i18n import Message, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safemap.analysis.autocorrelation_results import Basis, LocalResult

    Floats = NDArray[np.float64]


def told(result: LocalResult, basis: Basis, site: int, label: str) -> tuple[Place, list[Message]]:
    """Where the statistic lies, and the sentences up to the p."""
    tell = {
        "local_geary": _geary,
        "local_join_counts": _join_counts,
        "local_lee": _lee,
        "local_losh": _losh,
    }[result.kind]
    count = number(int(basis.case.graph.cardinalities.to_numpy()[site]))
    return tell(result, basis, site, {"a": label, "n": count})


def _geary(
    result: LocalResult, basis: Basis, site: int, slots: dict[str, object]
) -> tuple[Place, list[Message]]:
    from safemap.stats.autocorrelation import row_standardised
    from safemap.stats.local_geary import local_geary
    from safemap.stats.reference import reference_geary

    weights, values = row_standardised(basis.case.graph.matrix), _columns(basis)
    found = local_geary(values, weights)
    reference = reference_geary(values, weights, site, draws=PICTURE_DRAWS, rng=_seed(basis))
    place = _placed(basis, site, found.statistic[site], reference, found.expected[site], "ex_axis_geary")
    return place, [
        Message("ex_geary", slots | _figures(place, 3)),
        *_own(result, basis, site),
        *_drawn(basis, site, place),
    ]


def _join_counts(
    result: LocalResult, basis: Basis, site: int, slots: dict[str, object]
) -> tuple[Place, list[Message]]:
    from safemap.stats.join_counts import local_join_count
    from safemap.stats.reference import reference_sums

    links, (focal, around) = basis.case.graph.matrix.astype(float), _columns(basis).T
    found = local_join_count(focal, around, links)
    reference = reference_sums(around, links, site, draws=PICTURE_DRAWS, rng=_seed(basis))
    place = _placed(basis, site, found.joins[site], reference, found.expected[site], "ex_axis_join")
    weighted = basis.case.graph.weights is not None
    key = "ex_join_weighted" if weighted else "ex_join"
    slots = slots | _figures(place, 2) | ({} if weighted else {"s": number(place.observed, 0)})
    return place, [Message(key, slots), *_drawn(basis, site, place)]


def _lee(
    result: LocalResult, basis: Basis, site: int, slots: dict[str, object]
) -> tuple[Place, list[Message]]:
    from safemap.analysis.lee import neighbourhood_weights
    from safemap.stats.lee import local_lee
    from safemap.stats.reference import reference_lee

    include_self, values = result.settings["include_self"], _columns(basis)
    weights = neighbourhood_weights(basis.case.graph, include_self=include_self)
    x, y = values.T
    found = local_lee(x, y, weights)
    reference = reference_lee(x, y, weights, site, draws=PICTURE_DRAWS, rng=_seed(basis))
    place = _placed(basis, site, found.statistic[site], reference, found.expected[site], "ex_axis_lee")
    means = (weights @ ((values - values.mean(axis=0)) / values.std(axis=0)))[site]
    names = dict(zip(("x", "y"), map(str, result.settings["columns"]), strict=True))
    slots = (
        slots
        | names
        | _figures(place, 3)
        | {"u": number(float(means[0]), 2), "v": number(float(means[1]), 2)}
    )
    itself = [Message("ex_lee_self")] if include_self else []
    return place, [Message("ex_lee", slots), *itself, *_own(result, basis, site), *_drawn(basis, site, place)]


def _losh(
    result: LocalResult, basis: Basis, site: int, slots: dict[str, object]
) -> tuple[Place, list[Message]]:
    from safemap.stats.losh import losh
    from safemap.stats.reference import reference_chi_square, reference_losh

    settings, links, values = result.settings, basis.case.graph.matrix, basis.case.values
    found = losh(values, links, power=settings["power"])
    if settings["inference"] == "chi-square":
        reference = reference_chi_square(float(found.degrees_of_freedom[site]))
        place = _placed(basis, site, found.statistic[site], reference, 1.0, "ex_axis_losh")
        how = [Message("ex_chi", {"q": shown_share(place.below)})]
    else:
        reference = reference_losh(
            values, links, site, power=settings["power"], draws=PICTURE_DRAWS, rng=_seed(basis)
        )
        mean = float(reference[0] @ reference[1])
        place = _placed(basis, site, found.statistic[site], reference, mean, "ex_axis_losh")
        how = how_drawn(basis, site, place.below, "ex_shuffled")
    return place, [Message("ex_losh", slots | _figures(place, 3)), *_own(result, basis, site), *how]


def _columns(basis: Basis) -> Floats:
    return np.asarray(basis.columns)


def _seed(basis: Basis) -> int:
    return basis.options.rng % 2**32


def _placed(
    basis: Basis, site: int, observed: float, reference: tuple[Floats, Floats], mean: float, axis: str
) -> Place:
    return Place(float(observed), reference, float(mean), below_observed(basis, site), False, axis)


def _figures(place: Place, digits: int) -> dict[str, object]:
    return {"s": number(place.observed, digits), "m": number(place.mean, digits)}


def _own(result: LocalResult, basis: Basis, site: int) -> list[Message]:
    """The value of the area itself, in each column that is tested."""
    own = _columns(basis)[site]
    if len(own) == 1:
        return [Message("ex_own", {"v": number(float(own[0]), 2)})]
    names = result.settings["columns"]
    return [
        Message("ex_own_in", {"x": str(name), "v": number(float(value), 2)})
        for name, value in zip(names, own, strict=True)
    ]


def _drawn(basis: Basis, site: int, place: Place) -> list[Message]:
    if basis.test.tails.exact[site]:
        return [Message("ex_exact", {"q": shown_share(place.below)})]
    return how_drawn(basis, site, place.below, "ex_drawn")
