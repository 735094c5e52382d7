"""``like=``: which figures another program would have printed, in words and as rules.

One table says for each statistic and program where its p comes from, whether it adjusts, how it calls the
classes, and what that does to the error rates; the verbs act by it and the summaries quote it.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

from safemap._typing import Adjust, Alternative, Like
from safemap.errors import ConfigError

PKind = Literal["directed", "normal", "two-sided"]


class Convention(NamedTuple):
    """How a program computes one statistic."""

    p: PKind
    changes: str  #: what differs from safemap's own figures
    level: str = ""  #: where the error rate is not what it seems; empty where it is
    adjust: Adjust = "none"  #: what the program does unless told otherwise
    variance: str = "n-1"
    lag_above_mean: bool = False  #: the neighbours are high above the mean of all lags, not above the mean
    own_value: bool = False  #: hot or cold goes by the value of the area, not by its neighbourhood
    ratio: bool = False  #: the statistic is a share of the sum of all values
    z: Literal["moments", "one value", "simulated"] = "moments"
    z_sign: int = 1


_DIRECTED = "p in the one tail that the data chose, (smaller tail + 1) / (R + 1), without further draws"
_TWO = "p in both tails, 2 (smaller tail + 1) / (R + 1), without further draws"
_NORMAL = "p from the normal distribution"
_BY_P = f"{_DIRECTED}; classes by p, not adjusted"
_RATIO = "the statistic is the share of the sum of all values"
_HALF = (
    "This convention does not hold its level: on pure noise p is below alpha in twice the nominal share of "
    "areas, and in more where values are tied."
)
_SHAPE = (
    "This convention holds its level for nearly normal values only: where values are skewed or sparse, "
    "p is below 0.01 up to three times too often, and most maps of pure noise get a finding."
)
_NOT_ADJUSTED = (
    f"{_HALF} And p is not adjusted for the number of areas: some of the areas flagged are chance."
)

_GLOBAL = {
    "esda": Convention("directed", f"{_DIRECTED} (p_sim)", _HALF),
    "spdep": Convention(
        "normal", f"{_NORMAL} under randomisation; unless told, spdep asks alternative='greater'"
    ),
    "geoda": Convention("directed", f"z from the simulations, {_DIRECTED}", _HALF, z="simulated"),
    "esri": Convention("normal", f"{_NORMAL} under randomisation, two-sided"),
}
_UPSIDE_DOWN = f"z is negative where neighbours are alike, {_DIRECTED} (p_sim)"

#: statistic -> program -> what it does
CONVENTIONS: dict[str, dict[str, Convention]] = {
    "global_moran": _GLOBAL,
    "global_geary": {
        "esda": _GLOBAL["esda"]._replace(changes=_UPSIDE_DOWN, z_sign=-1),
        "spdep": _GLOBAL["spdep"],
    },
    "global_getis_ord": {name: _GLOBAL[name] for name in ("esda", "spdep", "esri")},
    "global_bivariate_moran": {name: _GLOBAL[name] for name in ("esda", "geoda")},
    "local_moran": {
        "esda": Convention("directed", _BY_P, _NOT_ADJUSTED),
        "spdep": Convention(
            "normal",
            f"variance with divisor n, {_NORMAL}; classes as hotspot() has them: p.adjust 'fdr', neighbours "
            "high above the mean of all lags (its own cut-off is 0.005: set alpha)",
            _SHAPE,
            adjust="fdr_bh",
            variance="n",
            lag_above_mean=True,
        ),
        "geoda": Convention("directed", _BY_P, _NOT_ADJUSTED),
        "esri": Convention(
            "two-sided",
            f"{_TWO}; classes by the false discovery rate (adjust='none': without)",
            adjust="fdr_bh",
        ),
    },
    "local_getis_ord": {
        "esda": Convention(
            "directed",
            f"{_RATIO}, z_score is Zs of row-standardised weights, which does not grow with the number of "
            f"neighbours; {_BY_P}",
            _NOT_ADJUSTED,
            ratio=True,
            z="one value",
        ),
        "spdep": Convention(
            "normal",
            f"{_NORMAL}; classes as hotspot() has them: p.adjust 'fdr', hot where the area's own value is "
            "above the mean (its own cut-off is 0.005: set alpha)",
            _SHAPE,
            adjust="fdr_bh",
            variance="n",
            own_value=True,
        ),
        "geoda": Convention("directed", f"{_RATIO}; {_BY_P}", _NOT_ADJUSTED, ratio=True),
        "esri": Convention(
            "normal",
            f"{_NORMAL}; bins of 90, 95 and 99 % confidence by the false discovery rate as hot-10, hot-5 and "
            "hot-1 (adjust='none': without)",
            _SHAPE,
            adjust="fdr_bh",
            variance="n",
        ),
    },
}
CONVENTIONS["local_bivariate_moran"] = {name: CONVENTIONS["local_moran"][name] for name in ("esda", "geoda")}


def convention_of(kind: str, like: str | None, alternative: Alternative) -> Convention | None:
    """The row of the table; None without `like`. Raises where the program has no such statistic or side."""
    if like is None:
        return None
    if like not in get_args(Like):
        raise ConfigError(f"like must be one of {', '.join(get_args(Like))}, or None; got {like!r}.")
    known = CONVENTIONS[kind]
    if like not in known:
        raise ConfigError(
            f"{like} does not compute {kind.replace('_', ' ')} in a way that could be reproduced; "
            f"like can be {' or '.join(known)}, or None."
        )
    if alternative != "two-sided" and (known[like].p != "normal" or like == "esri"):
        raise ConfigError(f"The p of {like} has no side to choose; leave alternative as 'two-sided'.")
    return known[like]


def described(convention: Convention | None, like: str | None) -> dict[str, Any]:
    """What goes into the settings; empty without a convention."""
    if convention is None:
        return {}
    found = {"like": like, "convention": convention.changes, "convention_level": convention.level}
    return found | ({"alternative": "directed"} if convention.p == "directed" else {})
