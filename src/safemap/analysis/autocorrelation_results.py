"""What the verbs of autocorrelation give back: a table, and what it means in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from safemap._typing import Adjust, Language
from safemap.results import Result

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from safemap.analysis._alignment import Case
    from safemap.analysis._inference import Options
    from safemap.i18n import Language
    from safemap.results import Explanation
    from safemap.stats.permutation import PermutationTest

#: Classes that stand for a finding; all others say why there is none.
MORAN_CLUSTERS = ("high-high", "low-low", "high-low", "low-high")
GETIS_ORD_CLUSTERS = ("hot-1", "hot-5", "hot-10", "cold-10", "cold-5", "cold-1")


class Basis(NamedTuple):
    """What a local result was computed from, kept so that one area can be explained."""

    case: Case
    options: Options
    test: PermutationTest
    by_risk: NDArray[np.bool_]  #: areas whose p is that of constant risk, where both nulls are asked
    reachable: NDArray[np.float64] | None  #: smallest p of each area, where the draws do not tell it
    own_weight: Any = None  #: weight of the area itself in Gi* under constant risk
    columns: NDArray[np.float64] | None = None  #: what is tested where that is no sum over the neighbours


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
        how = (
            f"{self.permutations:,} permutations, rng {s['rng']}" if self.permutations else "no permutations"
        )
        return (
            f"{self.title} of {s['tested']} = {self.statistic:.4f} (expected {self.expected:.4f}, "
            f"z {self.z_score:.2f}, p {self.p_value:.4g}, {s['alternative']}, {how}) "
            f"on {s['areas_tested']:,} of {s['areas']:,} areas"
        )

    def summary(self) -> str:
        """The statistic, its p, and what they mean in a sentence."""
        lines = [super().summary(), *convention_lines(self.settings), *self.settings["notes"]]
        return "\n".join([*lines, self._reading()])

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

    basis: Basis | None = field(default=None, repr=False)  #: what :meth:`explain` reads

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
        lines = [super().summary(), *convention_lines(self.settings), *self._details()]
        return "\n".join([*lines, *self.settings["notes"]])

    def explain(self, area_id: Any, *, language: Language = "en") -> Explanation:
        """Why an area got its p and its class: its neighbours, and where they lie among what chance gives.

        A tool for the researcher at the desk: it shows counts and values of single areas, also of those that
        a registry would withhold. It is never part of a map or a file; what leaves goes through
        :class:`safemap.Registry`.

        Parameters
        ----------
        area_id : label
            An id of ``frame``.
        language : {"en", "es", "ru", "uz-Latn", "uz-Cyrl", "sw"}
            Language of the paragraph and of the picture.

        Returns
        -------
        Explanation
            ``text`` (one paragraph), ``frame`` (one row per neighbour with ``name``, ``events``,
            ``population``, ``value``, ``weight``), ``figure()`` (the distribution under the null with the
            observed value). Percentile and p are those of the table; the picture shows the exact distribution
            where there is one, else 9,999 draws of its own from the same one.

        Raises
        ------
        AlignmentError
            When there is no such area.

        Examples
        --------
        >>> from safemap import build_graph, local_moran
        >>> from safemap.datasets import columbus
        >>> areas = columbus()
        >>> result = local_moran(areas, "CRIME", graph=build_graph(areas, tolerance=0))
        >>> found = result.explain(areas.index[0])
        >>> len(found.frame), found.text.startswith("Neighbours of 1: 2.")
        (2, True)
        """
        from safemap.analysis._explain import explained

        return explained(self, area_id, language)

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
        if s.get("null") == "both":
            lines.append(
                "An area is flagged only where neither a new deal of the EB index nor equal risk for all "
                f"explains it; the larger p counts. In {s.get('constant_risk_decides', 0):,} area(s) that is "
                "the one of equal risk."
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
    if "like" in s:
        return f"p as in {s['like']}"
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


def convention_lines(settings: Mapping[str, Any]) -> list[str]:
    """What ``like=`` changed, and whether the convention holds its level."""
    if "like" not in settings:
        return []
    lines = [f"Convention of {settings['like']}: {settings['convention']}."]
    return lines + ([settings["convention_level"]] if settings["convention_level"] else [])
