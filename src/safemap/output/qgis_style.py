"""A theme as a style of QGIS (QML): categorized by the code of the class, states with their textures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from safemap.maps.states import OVERLAYS, STATES
from safemap.output.hatching import MM, Lines, Marks, hatching

if TYPE_CHECKING:
    from safemap.output.gis_layer import ClassRow, Theme

DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Width of the lines between areas, mm.
LINE_WIDTH = 0.2


def qml(theme: Theme, *, code: str, care: str) -> str:
    """The style of `theme` for a layer whose classes stand in the field `code`.

    Parameters
    ----------
    theme : Theme
    code : str
        Field with the code of the class.
    care : str
        Field that says which areas are to be read with care.
    """
    root = ET.Element("qgis", version="3.22.0-LTR", styleCategories="Symbology")
    renderer = ET.SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr=code, enableorderby="0", forceraster="0",
        symbollevels="0",
    )  # fmt: skip
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for number, row in enumerate(theme.classes):
        ET.SubElement(
            categories, "category", symbol=str(number), value=str(row.code), type="long", render="true",
            label=plain_label(row.label),
        )  # fmt: skip
        _symbol(symbols, str(number), row, theme, care)
    for name, value in (("blendMode", "0"), ("featureBlendMode", "0"), ("layerGeometryType", "2")):
        ET.SubElement(root, name).text = value
    return DOCTYPE + ET.tostring(root, encoding="unicode")


def plain_label(text: str) -> str:
    """A label that QGIS shows as it stands: ``[%`` would begin an expression in the legend of a layout.

    Examples
    --------
    >>> plain_label("[% env('HOME') %]")
    "[ % env('HOME') %]"
    """
    return xml_text(text).replace("[%", "[ %")


def xml_text(text: str) -> str:
    """`text` without the characters that XML cannot hold."""
    return _NOT_XML.sub(" ", text)


def _symbol(parent: ET.Element, name: str, row: ClassRow, theme: Theme, care: str) -> None:
    symbol = ET.SubElement(
        parent, "symbol", type="fill", name=name, alpha="1", clip_to_extent="1", force_rhr="0"
    )
    _layer(
        symbol,
        "SimpleFill",
        {
            "color": rgba(row.colour), "style": "solid", "outline_color": rgba(theme.line),
            "outline_style": "solid", "outline_width": f"{LINE_WIDTH:g}", "outline_width_unit": "MM",
            "joinstyle": "bevel",
        },
    )  # fmt: skip
    if row.state:
        for part in hatching(STATES[row.state]):
            _texture(symbol, f"@{name}@{len(symbol)}", part)
        return
    for over in theme.cares:
        for part in hatching(OVERLAYS[over.key]):
            drawn = _texture(symbol, f"@{name}@{len(symbol)}", part)
            _only_where(drawn, f"coalesce(\"{care}\", '') = '{over.key}'")


def _texture(symbol: ET.Element, name: str, part: Lines | Marks) -> ET.Element:
    if isinstance(part, Lines):
        layer = _layer(
            symbol,
            "LinePatternFill",
            {
                "angle": f"{part.angle:g}", "distance": _mm(part.spacing), "distance_unit": "MM",
                "color": rgba(part.colour), "line_width": _mm(part.width), "line_width_unit": "MM",
            },
        )  # fmt: skip
        inner = ET.SubElement(layer, "symbol", type="line", name=name, alpha="1", clip_to_extent="1")
        _layer(
            inner,
            "SimpleLine",
            {"line_color": rgba(part.colour), "line_width": _mm(part.width), "line_width_unit": "MM"},
        )
        return layer
    layer = _layer(
        symbol,
        "PointPatternFill",
        {
            "distance_x": _mm(part.across), "distance_x_unit": "MM",
            "distance_y": _mm(part.down), "distance_y_unit": "MM",
            "displacement_x": _mm(part.shift), "displacement_x_unit": "MM",
        },
    )  # fmt: skip
    inner = ET.SubElement(layer, "symbol", type="marker", name=name, alpha="1", clip_to_extent="1")
    outlined = part.hollow or part.shape != "circle"
    _layer(
        inner,
        "SimpleMarker",
        {
            "name": part.shape, "angle": f"{part.angle:g}", "size": _mm(part.size), "size_unit": "MM",
            "color": "0,0,0,0" if outlined else rgba(part.colour), "outline_color": rgba(part.colour),
            "outline_style": "solid" if outlined else "no", "outline_width": _mm(part.width),
            "outline_width_unit": "MM",
        },
    )  # fmt: skip
    return layer


def _layer(symbol: ET.Element, kind: str, properties: dict[str, str]) -> ET.Element:
    """A symbol layer; properties both as QGIS 3.20 and later and as earlier ones read them."""
    attributes = {"class": kind, "enabled": "1", "locked": "0", "pass": "0"}
    layer = ET.SubElement(symbol, "layer", attributes)
    options = ET.SubElement(layer, "Option", type="Map")
    for name, value in properties.items():
        ET.SubElement(options, "Option", name=name, value=value, type="QString")
    for name, value in properties.items():
        ET.SubElement(layer, "prop", k=name, v=value)
    return layer


def _only_where(layer: ET.Element, expression: str) -> None:
    """Draw a symbol layer only for features of which `expression` is true."""
    options = ET.SubElement(ET.SubElement(layer, "data_defined_properties"), "Option", type="Map")
    ET.SubElement(options, "Option", name="name", value="", type="QString")
    properties = ET.SubElement(options, "Option", name="properties", type="Map")
    enabled = ET.SubElement(properties, "Option", name="enabled", type="Map")
    for name, value, kind in (
        ("active", "true", "bool"),
        ("expression", expression, "QString"),
        ("type", "3", "int"),
    ):
        ET.SubElement(enabled, "Option", name=name, value=value, type=kind)
    ET.SubElement(options, "Option", name="type", value="collection", type="QString")


def _mm(pixels: float) -> str:
    return f"{pixels * MM:.4g}"


def rgba(colour: str) -> str:
    """A colour as QGIS writes it.

    Examples
    --------
    >>> rgba("#8C1615")
    '140,22,21,255'
    """
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"{red},{green},{blue},255"
