"""The printed maps of one assessment: one of every layer, in the language of the map."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from safemap.errors import DataWarning, OutputError
from safemap.maps import static_map

if TYPE_CHECKING:
    from safemap.output.bundle import Stage
    from safemap.report.findings import Findings


def stage_figures(findings: Findings, stage: Stage) -> None:
    """Write ``figures/<layer>.<format>`` for every layer and format that is asked for.

    A map that cannot be drawn here (a letter that no font has, a text too long for the sheet) is left out
    with a warning and a line in the manifest, so that a missing font does not cost the whole run.
    """
    c = findings.config
    left_out: dict[str, str] = {}
    for result in findings.area_results if c.figures.formats else ():
        try:
            made = static_map(
                result,
                size=c.figures.size,  # type: ignore[arg-type]
                language=c.assessment.language,  # type: ignore[arg-type]
                name=None if result.kind != "rates" else c.assessment.title,
                place=c.assessment.place,
                source=c.assessment.source,
                registry=findings.registry,
                audience=findings.registry.audience,
                neighbours=findings.joined.levels,
                area_names=findings.areas,
                greyscale=c.figures.greyscale,
            )
            files = {kind: made.to_bytes(kind) for kind in c.figures.formats}
        except OutputError as error:
            left_out[result.kind] = str(error)
            warnings.warn(f"figures/{result.kind} was left out. {error}", DataWarning, stacklevel=2)
            continue
        for kind, data in files.items():
            stage.write(f"figures/{result.kind}.{kind}", data)
    if left_out:
        stage.facts["figures_left_out"] = left_out
