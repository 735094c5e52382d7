"""Everything one assessment found, in one place, for the texts and the files made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from safemap.analysis.autocorrelation import GlobalMoranResult, LocalGetisOrdResult, LocalMoranResult
from safemap.analysis.joining import JoinResult
from safemap.analysis.rates import RatesResult
from safemap.analysis.smoothing import SmoothedRatesResult
from safemap.audit import Audit
from safemap.config.model import AssessmentConfig
from safemap.disclosure.registry import Registry
from safemap.geo.boundaries import BoundaryReport
from safemap.intake.incidents import Incidents

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safemap.geo.graph import AreaGraph
    from safemap.results import Result


@dataclass(frozen=True)
class Findings:
    """The results of the steps of one assessment, in the order of the work."""

    config: AssessmentConfig
    areas: gpd.GeoDataFrame
    boundaries: BoundaryReport
    incidents: Incidents
    joined: JoinResult
    rates: RatesResult
    smooth: SmoothedRatesResult | None
    graph: AreaGraph
    moran: GlobalMoranResult
    lisa: LocalMoranResult
    hot: LocalGetisOrdResult
    registry: Registry
    warnings: tuple[str, ...] = field(default=())

    @property
    def audit(self) -> Audit:
        """Where every row of the register went, up to and including the rates."""
        audit = self.rates.audit or self.joined.audit
        if audit is None:
            raise ValueError("an assessment has an audit")
        return audit

    @property
    def area_results(self) -> tuple[Result, ...]:
        """Results with one row per area, in the order of the layers."""
        smooth = (self.smooth,) if self.smooth is not None else ()
        return (self.rates, *smooth, self.lisa, self.hot)

    @property
    def hidden(self) -> pd.Index:
        """Ids of the areas that are withheld."""
        return self.rates.frame.index[self.registry.hidden(self.rates.frame)]

    def flagged(self, result: LocalMoranResult | LocalGetisOrdResult) -> pd.Index:
        """Ids of the areas with a finding, without those that are withheld in the outputs."""
        found = result.flagged
        return found[~found.isin(self.hidden)]

    def classes(self, result: LocalMoranResult | LocalGetisOrdResult) -> Mapping[str, int]:
        """Areas in each class, as the outputs show them."""
        shown = result.frame["cluster"].drop(self.hidden)
        counts = {str(name): int(n) for name, n in shown.value_counts().items()}
        return counts | ({"withheld": len(self.hidden)} if len(self.hidden) else {})

    def parts(self) -> Iterable[tuple[str, Result]]:
        """Name and result of each step, for the provenance."""
        yield "boundaries", self.boundaries
        yield "incidents", self.incidents
        yield "join", self.joined
        yield "rates", self.rates
        if self.smooth is not None:
            yield "smoothed_rates", self.smooth
        yield "global_moran", self.moran
        yield "local_moran", self.lisa
        yield "local_getis_ord", self.hot
