"""A small picture of a reference distribution: what chance gives, and what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BARS, _MARK, _INK = "#B9B4A8", "#8C1615", "#3A3733"
_MOST_BARS = 40


def reference_figure(
    sums: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    observed: float,
    labels: Mapping[str, str],
) -> Figure:
    """A histogram with the observed value as a line.

    Parameters
    ----------
    sums, probabilities : ndarray
        Values that are possible, or were drawn, and how likely each is.
    observed : float
        Where the line stands.
    labels : mapping
        ``title``, ``axis`` (of the sums) and ``observed``.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 1.9), layout="constrained")
    axes = figure.add_subplot()
    distinct = np.unique(sums)
    if len(distinct) <= _MOST_BARS:
        step = float(np.diff(distinct).min()) if len(distinct) > 1 else 1.0
        edges = np.r_[distinct - step / 2, distinct[-1] + step / 2]
    else:
        likely = sums[probabilities > 1e-9 * probabilities.max()]
        edges = np.linspace(*np.quantile(likely, [0, 1]), _MOST_BARS + 1)
    axes.hist(sums, bins=edges, weights=100 * probabilities, color=_BARS)
    axes.axvline(observed, color=_MARK, linewidth=1.8)
    right = observed > np.mean(edges[[0, -1]])
    axes.annotate(
        labels.get("observed", ""), (observed, 1), xycoords=("data", "axes fraction"),
        xytext=(-4 if right else 4, -9), textcoords="offset points", color=_MARK, fontsize=8,
        ha="right" if right else "left",
    )  # fmt: skip
    axes.set_title(labels.get("title", ""), fontsize=8, color=_INK, loc="left")
    axes.set_xlabel(labels.get("axis", ""), fontsize=8, color=_INK)
    axes.set_ylabel("%", fontsize=8, color=_INK)
    axes.tick_params(labelsize=7, colors=_INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure
