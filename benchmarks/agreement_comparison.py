"""One statistic of two programs side by side; what ``agreement.py`` and ``agreement_spdep.py`` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.stats import norm

import safemap as sm

DRAWS = 9_999  #: of every program, safemap too
DIGITS = 1e-10  #: relative to the largest value of the statistic
ERRORS = 4.0  #: standard errors, for one area
CHANCE = 0.001  #: that any p of one comparison is called wrong although it is right
Floats = np.ndarray


class Data(NamedTuple):
    """Areas without missing values and without isolates, and their neighbours."""

    name: str
    areas: gpd.GeoDataFrame  #: y, x, kind, events, population
    graph: sm.AreaGraph


class Comparison(NamedTuple):
    """One statistic of one program beside safemap's."""

    data: str
    n: int
    statistic: str
    peer: str
    ours: Floats
    theirs: Floats
    p: Floats | None = None  #: safemap's, in the definition of the other program
    p_peer: Floats | None = None
    draws: Floats | float = DRAWS  #: of safemap; infinite where the distribution is exact
    draws_peer: float = DRAWS  #: infinite for a p that is not simulated
    sides: int = 1
    tied: bool = False  #: the p are known to differ, and `said` or the next line says why
    said: str = ""  #: what was done to make the definitions equal, or why they are not

    @property
    def difference(self) -> float:
        return float(np.max(np.abs(self.ours - self.theirs)))

    @property
    def relative(self) -> float:
        """The largest difference in units of the largest value."""
        return self.difference / float(np.max(np.abs(self.theirs)))

    def within(self, errors: float) -> np.ndarray:
        """Which p differ by no more than `errors` standard errors of both draws, and one step of each."""
        assert self.p is not None
        assert self.p_peer is not None
        p, q = (np.minimum(x / self.sides, 1.0) for x in (self.p, self.p_peer))
        steps = 1 / np.asarray(self.draws, dtype=float) + 1 / self.draws_peer
        if not np.any(steps):
            return np.isclose(p, q, rtol=1e-8, atol=1e-12)
        middle = (p + q) / 2
        return np.abs(p - q) <= errors * np.sqrt(middle * (1 - middle) * steps) + steps + 1e-12

    @property
    def share(self) -> float:
        """Areas whose p agree, each taken for itself."""
        return float(self.within(ERRORS).mean())

    @property
    def p_difference(self) -> float:
        assert self.p is not None
        assert self.p_peer is not None
        return float(np.max(np.abs(np.minimum(self.p, 1) - np.minimum(self.p_peer, 1))))

    @property
    def all_agree(self) -> bool:
        """No p is off by more than chance allows in the worst of all areas (Bonferroni)."""
        assert self.p is not None
        return bool(self.within(max(ERRORS, float(norm.isf(CHANCE / (2 * len(self.p)))))).all())


def asked_local(verb: Callable[..., Any], data: Data, *columns: str, **options: Any) -> pd.DataFrame:
    """The frame of a local verb, with as many draws as the others make."""
    options = {
        "permutations": DRAWS,
        "max_permutations": DRAWS,
        "graph": data.graph,
        "adjust": "none",
    } | options
    return verb(data.areas, *columns, **options).frame


def p_and_draws(frame: pd.DataFrame, *, directed: bool) -> dict[str, Any]:
    """p and draws of a frame; directed: of the smaller tail, although safemap asked both."""
    p = frame["p_value"].to_numpy()
    drawn = frame["permutations"].to_numpy(dtype=float)
    return {"p": p / 2 if directed else p, "draws": np.where(drawn == 0, np.inf, drawn)}


_PLAIN = ("said", "sides", "tied")


def compare(data: Data, statistic: str, peer: str, ours: Any, theirs: Any, **more: Any) -> Comparison:
    ours, theirs = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (ours, theirs))
    kept = {
        k: v if np.ndim(v) == 0 and k not in ("p", "p_peer") else np.atleast_1d(np.asarray(v, dtype=float))
        for k, v in more.items()
        if k not in _PLAIN
    }
    said = {k: more[k] for k in _PLAIN if k in more}
    return Comparison(data.name, len(data.areas), statistic, peer, ours, theirs, **kept, **said)


def asked_global(data: Data, verb: Callable[..., Any], *columns: str, **options: Any) -> Any:
    return verb(data.areas, *columns, graph=data.graph, permutations=DRAWS, **options)


def untied(data: Data) -> np.ndarray:
    """Areas with a neighbour whose value no other area has, so that no draw can equal the neighbours' sum."""
    y, a = data.areas["y"], data.graph.adjacency
    return a @ (~y.duplicated(keep=False)).to_numpy(dtype=float) > 0


def arrays(data: Data) -> tuple[Floats, Floats, Floats]:
    return tuple(data.areas[c].to_numpy(dtype=float) for c in ("y", "x", "kind"))  # type: ignore[return-value]
