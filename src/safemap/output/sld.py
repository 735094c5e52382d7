"""A theme as a Styled Layer Descriptor (OGC SLD 1.1.0 with Symbology Encoding), for GeoServer and others."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from safemap.maps.states import OVERLAYS, STATES
from safemap.output.hatching import POINTS, Lines, Marks, hatching
from safemap.output.qgis_style import LINE_WIDTH, xml_text

if TYPE_CHECKING:
    from safemap.output.gis_layer import Theme

_SLD, _SE, _OGC = "http://www.opengis.net/sld", "http://www.opengis.net/se", "http://www.opengis.net/ogc"
_MM_PER_POINT = 25.4 / 72
#: Angle of lines -> mark that programs beyond the standard agree on (GeoServer, MapServer).
_LINE_MARKS = {0: "shape://horline", 45: "shape://slash", 90: "shape://vertline", 135: "shape://backslash"}


def sld(theme: Theme, *, layer: str, code: str, care: str) -> str:
    """The style of `theme` for the layer of that name; parameters as in :func:`~.qgis_style.qml`."""
    attributes = {"xmlns": _SLD, "xmlns:se": _SE, "xmlns:ogc": _OGC, "version": "1.1.0"}
    root = ET.Element("StyledLayerDescriptor", attributes)
    named = ET.SubElement(root, "NamedLayer")
    ET.SubElement(named, "se:Name").text = layer
    style = ET.SubElement(named, "UserStyle")
    ET.SubElement(style, "se:Name").text = theme.key
    body = ET.SubElement(style, "se:FeatureTypeStyle")
    for row in theme.classes:
        rule = _rule(body, row.label, code, str(row.code))
        _fill(rule, row.colour, theme.line)
        for part in hatching(STATES[row.state]) if row.state else ():
            _graphic(rule, part)
    for over in theme.cares:  # drawn after the classes, over them
        rule = _rule(body, over.label, care, over.key)
        for part in hatching(OVERLAYS[over.key]):
            _graphic(rule, part)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _rule(body: ET.Element, label: str, field: str, value: str) -> ET.Element:
    rule = ET.SubElement(body, "se:Rule")
    ET.SubElement(rule, "se:Name").text = xml_text(label)
    equal = ET.SubElement(ET.SubElement(rule, "ogc:Filter"), "ogc:PropertyIsEqualTo")
    ET.SubElement(equal, "ogc:PropertyName").text = field
    ET.SubElement(equal, "ogc:Literal").text = value
    return rule


def _fill(rule: ET.Element, colour: str, line: str) -> None:
    symbolizer = ET.SubElement(rule, "se:PolygonSymbolizer")
    _parameter(ET.SubElement(symbolizer, "se:Fill"), "fill", colour)
    stroke = ET.SubElement(symbolizer, "se:Stroke")
    _parameter(stroke, "stroke", line)
    _parameter(stroke, "stroke-width", f"{LINE_WIDTH / _MM_PER_POINT:.3g}")


def _graphic(rule: ET.Element, part: Lines | Marks) -> None:
    """A repeated mark; programs without it show the ground alone."""
    fill = ET.SubElement(ET.SubElement(rule, "se:PolygonSymbolizer"), "se:Fill")
    graphic = ET.SubElement(ET.SubElement(fill, "se:GraphicFill"), "se:Graphic")
    mark = ET.SubElement(graphic, "se:Mark")
    name = ET.SubElement(mark, "se:WellKnownName")
    turned = 0.0
    if isinstance(part, Lines):
        name.text, size, hollow = _LINE_MARKS[round(part.angle)], part.spacing, True
    else:
        size, hollow = part.size, part.hollow or part.shape != "circle"
        name.text = "shape://vertline" if part.shape == "line" else part.shape
        turned = part.angle
    if not hollow:
        _parameter(ET.SubElement(mark, "se:Fill"), "fill", part.colour)
    else:
        stroke = ET.SubElement(mark, "se:Stroke")
        _parameter(stroke, "stroke", part.colour)
        _parameter(stroke, "stroke-width", f"{part.width * POINTS:.3g}")
    ET.SubElement(graphic, "se:Size").text = f"{size * POINTS:.3g}"
    if turned:
        ET.SubElement(graphic, "se:Rotation").text = f"{turned:g}"


def _parameter(parent: ET.Element, name: str, value: str) -> None:
    ET.SubElement(parent, "se:SvgParameter", name=name).text = value
