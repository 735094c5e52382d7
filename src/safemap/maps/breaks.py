"""Class limits a reader can say aloud: round numbers, the same for every layer of one map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safemap.errors import ConfigError
from safemap.i18n.numbers import round_half_up

#: Shapes of four limits (five classes above zero) within one or two powers of ten, most regular first.
_SHAPES = (
    (1, 2, 3, 5), (1, 2.5, 5, 10), (1, 2, 5, 10), (2, 4, 6, 8),
    (2, 3, 5, 10), (5, 10, 15, 20), (5, 10, 20, 50), (1, 3, 10, 30),
)  # fmt: skip

#: Ways to choose limits that other programs offer too.
Scheme = Literal["quantiles", "equal_interval", "natural_breaks", "mean_multiples"]
SCHEMES: tuple[str, ...] = get_args(Scheme)

#: Figures of a rate carry no more than this.
SIGNIFICANT = 3


def round_breaks(values: ArrayLike, *, at_least: float = 0.0) -> tuple[float, ...]:
    """Four round limits that spread the positive values best over five classes.

    Of all round shapes (1-2-3-5, 1-2.5-5-10, ...) times a power of ten the one is taken whose classes are
    most evenly filled (largest entropy); on a tie the more regular shape, then the smaller numbers.
    Quantiles would fill classes evenly too, but exaggerate small gaps and differ from map to map.

    Parameters
    ----------
    values : array_like
        Rates; zero, negative and missing values play no part.
    at_least : float
        The lowest limit is not below this.

    Returns
    -------
    tuple of float
        Lower limits of classes 2 to 5; ``(1, 2, 3, 5)`` when there is no positive value.

    Examples
    --------
    >>> round_breaks([0, 0.4, 0.8, 1.2, 1.9, 2.2, 2.8, 3.1, 4.4, 6.0])
    (1.0, 2.0, 3.0, 5.0)
    """
    data = np.asarray(values, dtype=float)
    data = data[np.isfinite(data) & (data > 0)]
    if data.size == 0:
        data = np.array([max(1.0, at_least)])
    low, high = math.floor(math.log10(data.min())) - 1, math.ceil(math.log10(max(data.max(), at_least)))
    candidates = [
        tuple(float(f"{step}e{power}") for step in shape)
        for shape in _SHAPES
        for power in range(low, high + 1)
        if float(f"{shape[0]}e{power}") >= at_least
    ]
    return max(candidates, key=lambda limits: round(_entropy(data, limits), 9))  # the first of equals


def step_breaks(values: ArrayLike, *, most: float = math.inf) -> tuple[float, ...]:
    """Four limits at even steps of 1, 2 or 5 times a power of ten, for shares and means.

    Shares lie close together (60 to 80 percent, say), where limits that grow like 1, 2, 5, 10 would put
    nearly all areas into one class. Larger steps are preferred unless smaller ones fill the classes clearly
    better; steps below a tenth of the largest share, or of the range of means, would paint noise.

    Parameters
    ----------
    values : array_like
        Shares in percent, or means; missing values play no part.
    most : float
        All limits are below this (100 for percent).

    Returns
    -------
    tuple of float
        Lower limits of classes 2 to 5.

    Examples
    --------
    >>> step_breaks([38, 44, 47, 52, 55, 61, 63, 66, 72, 90], most=100)
    (40.0, 50.0, 60.0, 70.0)
    """
    data = np.asarray(values, dtype=float)
    data = data[np.isfinite(data)]
    largest = float(np.abs(data).max()) if data.size else 0.0
    if largest == 0:
        return (20.0, 40.0, 60.0, 80.0)
    power = math.floor(math.log10(largest))
    finest = max(largest / 100, (largest if math.isfinite(most) else float(np.ptp(data))) / 10)
    steps = [float(f"{digit}e{p}") for p in range(power, power - 3, -1) for digit in (5, 2, 1)]
    candidates = [
        tuple(round(step * (first + i), 10) for i in range(4))
        for step in steps
        if step >= finest
        for first in range(1, int(largest / step) + 2)
    ]
    below = [limits for limits in candidates if limits[-1] < most]
    return max(below, key=lambda limits: round(_entropy(data, limits), 1))


def scheme_breaks(
    values: ArrayLike, scheme: str, *, most: float = math.inf
) -> tuple[tuple[float, ...], float]:
    """Four limits by one of the schemes of other programs, written with three significant figures.

    Parameters
    ----------
    values : array_like
        Rates or shares; zero and missing values play no part.
    scheme : {"quantiles", "equal_interval", "natural_breaks", "mean_multiples"}
        A fifth of the areas in each class; equal steps; least squares within classes (Fisher 1958, Jenks
        1977); 0.5, 1, 1.5 and 2 times the average.
    most : float
        No limit is above this.

    Returns
    -------
    limits : tuple of float
        Lower limits of classes 2 to 5.
    explained : float
        Goodness of variance fit: share of the sum of squares that lies between the classes.

    Raises
    ------
    ConfigError
        Unknown scheme, or too few different values for five classes.

    References
    ----------
    Fisher, W. D. (1958). On grouping for maximum homogeneity. Journal of the American Statistical
    Association 53, 789-798. doi:10.1080/01621459.1958.10501479

    Examples
    --------
    >>> scheme_breaks([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "quantiles")[0]
    (2.8, 4.6, 6.4, 8.2)
    """
    if scheme not in SCHEMES:
        raise ConfigError(f"scheme must be one of {', '.join(SCHEMES)}; got {scheme!r}.")
    data = np.sort(np.asarray(values, dtype=float))
    data = data[np.isfinite(data) & (data > 0)]
    if np.unique(data).size < 5:
        raise ConfigError(f"{scheme} needs five different values; {np.unique(data).size} came. Give breaks=.")
    if scheme == "quantiles":
        raw = np.quantile(data, [0.2, 0.4, 0.6, 0.8])
    elif scheme == "equal_interval":
        raw = data[0] + (data[-1] - data[0]) * np.array([0.2, 0.4, 0.6, 0.8])
    elif scheme == "mean_multiples":
        raw = data.mean() * np.array([0.5, 1, 1.5, 2])
    else:
        raw = natural_breaks(data, 5)
    written = tuple(float(f"{b:.{SIGNIFICANT}g}") for b in raw)
    limits = tuple(float(round_half_up(b, decimals_for(written))) for b in written)
    if len(set(limits)) < 4 or limits[-1] > most:
        raise ConfigError(
            f"The limits by {scheme} are {', '.join(f'{b:g}' for b in limits)}, which is not five classes. "
            "Leave scheme out for round limits, or give breaks=."
        )
    return limits, _explained(data, limits)


def natural_breaks(data: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """First values of classes 2 and up for which the sum of squares within classes is smallest.

    `data` is sorted. Fisher's dynamic programme, so the same data give the same breaks, always the best ones.
    """
    n = data.size
    first, second = np.r_[0, np.cumsum(data)], np.r_[0, np.cumsum(data**2)]
    best = second[1:] - first[1:] ** 2 / np.arange(1, n + 1)  # cost of the first j + 1 values as one class
    cuts = np.zeros((classes, n), dtype=np.int64)
    for c in range(1, classes):
        new = np.full(n, np.inf)
        for j in range(c, n):
            i = np.arange(c, j + 1)  # the class begins with value i
            size = j - i + 1
            within = second[j + 1] - second[i] - (first[j + 1] - first[i]) ** 2 / size
            cost = best[i - 1] + within
            at = int(np.argmin(cost))
            new[j], cuts[c, j] = cost[at], i[at]
        best = new
    starts, end = [], n - 1
    for c in range(classes - 1, 0, -1):
        starts.append(cuts[c, end])
        end = cuts[c, end] - 1
    return data[starts[::-1]]


def _explained(data: NDArray[np.float64], limits: Sequence[float]) -> float:
    codes = classify(data, limits)
    total = float(((data - data.mean()) ** 2).sum())
    within = sum(float(((data[codes == c] - data[codes == c].mean()) ** 2).sum()) for c in np.unique(codes))
    return 1 - within / total if total else 1.0


def check_breaks(breaks: Sequence[float]) -> tuple[float, ...]:
    """Limits given by the caller: four, positive, rising."""
    limits = tuple(float(b) for b in breaks)
    rising = all(a < b for a, b in pairwise(limits))
    if len(limits) != 4 or not rising or not all(math.isfinite(b) and b > 0 for b in limits):
        raise ConfigError(
            "breaks must be four rising numbers above zero, the lower limits of classes 2 to 5; "
            f"got {list(limits)}."
        )
    return limits


def decimals_for(breaks: Sequence[float]) -> int:
    """Places to show so that neighbouring classes differ: 0 from limits of 100 on, 1 from 1 on, more below.

    Examples
    --------
    >>> decimals_for((100, 200, 300, 500)), decimals_for((1, 2, 3, 5)), decimals_for((0.1, 0.2, 0.3, 0.5))
    (0, 1, 2)
    """
    if breaks[0] >= 100 and all(b == int(b) for b in breaks):
        return 0
    return max(1, 1 - math.floor(math.log10(breaks[0])))


def shown(value: float, decimals: int) -> float:
    """`value` as the map writes it: `decimals` places and at most three significant figures.

    Examples
    --------
    >>> shown(1234.5, 0), shown(2.449, 1), shown(0.0, 1)
    (1230.0, 2.4, 0.0)
    """
    if not math.isfinite(value) or value == 0:
        return value
    magnitude = math.floor(math.log10(abs(value)))
    places = min(decimals, SIGNIFICANT - 1 - magnitude)
    return math.copysign(float(round_half_up(abs(value), places)), value)


def largest_below(limit: float, decimals: int) -> float:
    """The largest figure the map can write that is below `limit`: the upper end of the class under it.

    Examples
    --------
    >>> largest_below(2, 1), largest_below(200, 0), largest_below(2000, 0)
    (1.9, 199.0, 1990.0)
    """
    magnitude = math.ceil(math.log10(limit)) - 1  # of the numbers just below
    places = min(decimals, SIGNIFICANT - 1 - magnitude)
    return float(round_half_up(limit - 10.0**-places, places))


def classify(values: NDArray[np.float64], breaks: Sequence[float]) -> NDArray[np.int64]:
    """Class 0 to 4 of values *as shown*, so that card, table and legend never disagree."""
    return np.searchsorted(np.asarray(breaks, dtype=float), values, side="right")


def _entropy(data: NDArray[np.float64], limits: Sequence[float]) -> float:
    counts = np.bincount(classify(data, limits), minlength=len(limits) + 1)
    shares = counts[counts > 0] / data.size
    return float(-(shares * np.log(shares)).sum())
