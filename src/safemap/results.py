"""What every result object has: a frame, its audit, the settings it was made with, and a summary in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from os import PathLike

    import folium
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from safemap.audit import Audit
    from safemap.maps.figures.figure import StaticFigure


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A claim about the world: a table and how it came about.

    Attributes
    ----------
    frame : pandas.DataFrame or geopandas.GeoDataFrame
        One row per area (or per incident), in input order.
    settings : mapping
        Every setting used, with its unit in the name or the value; ``settings["automatic"]`` lists the names
        of those safemap chose itself.
    audit : Audit or None
        Where the rows behind the numbers went.
    """

    kind: ClassVar[str] = "result"  #: stable name of the kind of result, for maps and files

    frame: pd.DataFrame
    settings: Mapping[str, Any] = field(default_factory=dict)
    audit: Audit | None = None

    def summary(self) -> str:
        """What was computed, on how many rows, what was set aside, and the finding."""
        lines = [self._headline()]
        automatic = self.settings.get("automatic", [])
        if automatic:
            lines.append("chosen automatically: " + ", ".join(f"{k} = {self.settings[k]}" for k in automatic))
        if self.audit is not None:
            lines.append(self.audit.summary())
        return "\n".join(lines)

    def explore(self, **options: Any) -> folium.Map:
        """An interactive map of this result; options as :func:`safemap.explore`."""
        from safemap.maps import explore

        return explore(self, **options)

    def plot(self, path: str | PathLike[str] | None = None, **options: Any) -> StaticFigure:
        """A printed map of this result; options as :func:`safemap.static_map`."""
        from safemap.maps import static_map

        return static_map(self, path, **options)

    def _headline(self) -> str:
        return f"{type(self).__name__}: {len(self.frame):,} rows"

    def __repr__(self) -> str:
        return f"<{self._headline()}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self.summary())}</pre>" + self.frame.head(8).to_html(escape=True, max_cols=12)


#: what the crosswalk of offences says of events, of use to whoever shows numbers made from them
_OF_OFFENCES = ("theme", "detection_basis", "count_unit")


def of_offences(made_from: Any) -> dict[str, Any]:
    """Settings on the kind of offences, to be handed on; empty where `made_from` has none."""
    settings = getattr(made_from, "settings", {})
    return {name: settings[name] for name in _OF_OFFENCES if name in settings}


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why one area got its p and its class; local results give it with ``.explain(area_id)``.

    For the researcher: it holds values of single areas and has not passed a registry.

    Attributes
    ----------
    text : str
        One paragraph in the language asked for.
    frame : pandas.DataFrame
        One row per neighbour.
    reference : tuple of ndarray
        Sums that the neighbours could have under the null, and how likely each is; empty where the area was
        not tested.
    observed : float
        The sum they have.
    labels : mapping of str to str
        Words of the picture.
    """

    text: str
    frame: pd.DataFrame
    reference: tuple[NDArray[np.float64], NDArray[np.float64]]
    observed: float
    labels: Mapping[str, str] = field(default_factory=dict)

    def figure(self) -> Figure | None:
        """The distribution under the null, the observed sum marked; None where nothing was tested."""
        if not len(self.reference[0]):
            return None
        from safemap.maps import reference_figure

        return reference_figure.reference_figure(*self.reference, self.observed, self.labels)

    def __repr__(self) -> str:
        return f"<Explanation: {self.text}>"

    def _repr_html_(self) -> str:
        from html import escape

        figure, picture = self.figure(), ""
        if figure is not None:
            import base64
            import io

            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=110)
            code = base64.b64encode(buffer.getvalue()).decode()
            picture = f'<img alt="{escape(self.text)}" src="data:image/png;base64,{code}">'
        return f"<p>{escape(self.text)}</p>{picture}" + self.frame.to_html(escape=True, max_rows=20)
