"""What the verbs of autocorrelation give back: a table, and what it means in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from safemap._typing import Adjust
from safemap.results import Result

if TYPE_CHECKING:
    import pandas as pd

#: Classes that stand for a finding; all others say why there is none.
MORAN_CLUSTERS = ("high-high", "low-low", "high-low", "low-high")
GETIS_ORD_CLUSTERS = ("hot-1", "hot-5", "hot-10", "cold-10", "cold-5", "cold-1")


@dataclass(frozen=True, eq=False, repr=False)
class GlobalResult(Result):
    """One statement about the whole map.

    ``frame`` has one row. The numbers are attributes too.
    """

    title: ClassVar[str] = ""
    alike_below: ClassVar[bool] = False  #: True where neighbours are alike when the statistic is small

    statistic: float = float("nan")
    expected: float = float("nan")  #: its mean under no association
    z_score: float = float("nan")  #: standardised, positive when neighbours are alike
    p_value: float = float("nan")  #: permutation p
    permutations: int = 0  #: draws behind it

    def _headline(self) -> str:
        s = self.settings
        if np.isnan(self.statistic):
            return f"{self.title} of {s['tested']}: not computed, {s['reason']}"
        return (
            f"{self.title} of {s['tested']} = {self.statistic:.4f} (expected {self.expected:.4f}, "
            f"z {self.z_score:.2f}, p {self.p_value:.4g}, {s['alternative']}, {self.permutations:,} "
            f"permutations, rng {s['rng']}) on {s['areas_tested']:,} of {s['areas']:,} areas"
        )

    def summary(self) -> str:
        """The statistic, its p, and what they mean in a sentence."""
        return "\n".join([super().summary(), *self.settings["notes"], self._reading()])

    def _reading(self) -> str:
        if np.isnan(self.p_value):
            return "Nothing can be said about the map as a whole."
        if self.p_value > self.settings["alpha"]:
            return self._sentence(None)
        return self._sentence((self.statistic > self.expected) != self.alike_below)

    def _sentence(self, more: bool | None) -> str:
        """What it means; None: nothing beyond chance."""
        if more is None:
            return "Neighbouring areas are no more alike than chance would make them."
        return f"Neighbouring areas are {'more' if more else 'less'} alike than chance would make them."


@dataclass(frozen=True, eq=False, repr=False)
class GlobalMoranResult(GlobalResult):
    """Moran's I of the whole map; see :func:`safemap.global_moran`."""

    kind: ClassVar[str] = "global_moran"
    title: ClassVar[str] = "Moran's I"


@dataclass(frozen=True, eq=False, repr=False)
class LocalResult(Result):
    """What local Moran and Gi* have in common."""

    findings: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = ""

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of areas in each class that occurs."""
        return {str(k): int(v) for k, v in self.frame["cluster"].value_counts().items()}

    @property
    def flagged(self) -> pd.Index:
        """Ids of the areas with a finding at ``settings["alpha"]``."""
        significant = self.frame["p_adjusted"] <= self.settings["alpha"]
        return self.frame.index[self.frame["cluster"].isin(self.findings) & significant]

    def summary(self) -> str:
        """What was tested, how many areas are flagged, how many by chance, and what could be reached."""
        return "\n".join([super().summary(), *self._details(), *self.settings["notes"]])

    def _headline(self) -> str:
        counts, s = self.counts, self.settings
        found = ", ".join(f"{counts[c]} {c}" for c in self.findings if c in counts)
        return (
            f"{self.title} of {s['tested']}: {len(self.flagged):,} of {len(self.frame):,} areas flagged at "
            f"{s['alpha']:g} ({s['adjust']}, {s['alternative']})" + (f": {found}" if found else "")
        )

    def _details(self) -> list[str]:
        s, counts = self.settings, self.counts
        lines = []
        if s["areas_tested"]:
            by_chance = s["alpha"] * s["areas_tested"]
            lines.append(
                f"{s['areas_tested']:,} areas tested. By chance alone, {by_chance:.1f} of them would have "
                f"p <= {s['alpha']:g}; {s['p_below_alpha']} have."
            )
            lines.append(_meaning_of_adjustment(s["adjust"], s["alpha"], len(self.flagged)))
            lines.append(
                f"Smallest p that could be reached {s['smallest_p']:.2g}, adjusted "
                f"{s['smallest_p_adjusted']:.2g}; {_how(s)}."
            )
        expected = (*self.findings, "not significant")
        return lines + [f"{n:,} area(s): {c}" for c, n in counts.items() if c not in expected]


@dataclass(frozen=True, eq=False, repr=False)
class LocalMoranResult(LocalResult):
    """Local Moran's I by area; see :func:`safemap.local_moran`."""

    kind: ClassVar[str] = "local_moran"
    findings: ClassVar[tuple[str, ...]] = MORAN_CLUSTERS
    title: ClassVar[str] = "local Moran"


@dataclass(frozen=True, eq=False, repr=False)
class LocalGetisOrdResult(LocalResult):
    """Gi or Gi* by area; see :func:`safemap.local_getis_ord`."""

    kind: ClassVar[str] = "local_getis_ord"
    findings: ClassVar[tuple[str, ...]] = GETIS_ORD_CLUSTERS
    title: ClassVar[str] = "Getis-Ord"


def _how(settings: Mapping[str, Any]) -> str:
    """Where the p-values come from."""
    s = settings
    drawn = (
        f"{s['permutations']:,} permutations for all, {s['max_permutations']:,} for {s['refined']:,} areas "
        f"(rng {s['rng']})"
    )
    if not s["computed"]:
        return drawn
    exact = "the exact distribution of the counts, without permutations"
    if s.get("null") == "constant-risk":
        exact = "the exact binomial distribution under constant risk, without permutations"
    if s["computed"] == s["areas_tested"]:
        return exact
    return f"{exact}, for {s['computed']:,} areas; for the others {drawn.replace(' for all', '')}"


def _meaning_of_adjustment(adjust: Adjust, alpha: float, flagged: int) -> str:
    if not flagged:
        return "No area is flagged."
    if adjust == "none":
        return "The p-values are not adjusted for the number of areas: some of the areas flagged are chance."
    if adjust in ("holm", "bonferroni"):
        return f"The chance that any of the areas flagged is there by chance alone is at most {alpha:.0%}."
    return (
        f"Of the {flagged} areas flagged, at most {alpha * flagged:.1f} are expected to be there by chance."
    )
