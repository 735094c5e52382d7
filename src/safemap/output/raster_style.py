"""The style of a density for QGIS (QML), which loads it by itself where it stands beside the raster."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import numpy as np

from safemap.output.qgis_style import DOCTYPE, plain_label


def raster_qml(
    labels: Sequence[str], colours: Sequence[str], limits: Sequence[float], *, classed: bool
) -> str:
    """The classes of the map for a raster of values, or of class numbers from 1 on.

    Parameters
    ----------
    labels, colours : sequence of str
        Of the class "none" and the classes above it.
    limits : sequence of float
        Lower limits of the third and further classes.
    classed : bool
        The raster holds class numbers.

    Examples
    --------
    >>> labels, colours = ["0", "under 5", "5 or more"], ["#FFFFFF", "#AAAAAA", "#000000"]
    >>> style = raster_qml(labels, colours, [5], classed=True)
    >>> style.count("<paletteEntry ")
    3
    """
    root = ET.Element("qgis", version="3.22.0-LTR", styleCategories="Symbology")
    pipe = ET.SubElement(root, "pipe")
    kind = "paletted" if classed else "singlebandpseudocolor"
    renderer = ET.SubElement(
        pipe, "rasterrenderer", type=kind, band="1", opacity="1", alphaBand="-1", nodataColor=""
    )
    rows = list(zip(labels, colours, strict=True))
    if classed:
        palette = ET.SubElement(renderer, "colorPalette")
        for number, (label, colour) in enumerate(rows, start=1):
            entry = {"value": str(number), "color": colour, "label": plain_label(label), "alpha": "255"}
            ET.SubElement(palette, "paletteEntry", entry)
    else:
        # a colour holds up to and with its value, a class of the map ends just below the next one's limit
        ends = [0.0, *(float(np.nextafter(np.float32(v), np.float32(0))) for v in limits), np.inf]
        shader = ET.SubElement(
            ET.SubElement(renderer, "rastershader"), "colorrampshader", colorRampType="DISCRETE",
            classificationMode="1", clip="0",
        )  # fmt: skip
        for (label, colour), end in zip(rows, ends, strict=True):
            entry = {"value": repr(end), "color": colour, "label": plain_label(label), "alpha": "255"}
            ET.SubElement(shader, "item", entry)
    return DOCTYPE + ET.tostring(root, encoding="unicode")
