"""Colours: each kind of evidence has its own hue, and no two neighbours of a ramp look alike to anyone.

The distances are checked in the tests (CIEDE2000 of at least 10 between neighbouring classes) for normal
sight, for three colour deficiencies (Machado et al. 2009) and in grey, so a colour cannot be changed by
taste alone.
"""

from __future__ import annotations

#: Ramp name -> colours from low to high; the first is the class "none recorded" where there is one.
RAMPS: dict[str, tuple[str, ...]] = {
    "rate": ("#F8F1EB", "#E2B8A6", "#D4837E", "#BB5270", "#8F3D69", "#55265F"),
    "share": ("#F1F3EB", "#B0C7B0", "#69A58D", "#018480", "#01646F", "#033F4F"),
    "density": ("#F5F2EA", "#D6BD9B", "#C58D5D", "#B25C36", "#933E2D", "#6B1C27"),
    "rate 7": ("#FBEEE7", "#DCBDB2", "#C79286", "#AF6E71", "#915361", "#6A384D", "#3F1B33"),
    "share 7": ("#EBF3E9", "#ADCABA", "#71A89D", "#2B8B8E", "#006D7E", "#044B62", "#00273E"),
    "density 7": ("#F5F0E5", "#D2C1A2", "#BA9869", "#A87439", "#905524", "#6F3515", "#451500"),
    "diverging 5": ("#015456", "#4AAAA3", "#F5F3EE", "#CB8F52", "#783A1A"),
    "diverging 7": ("#015456", "#00918A", "#74CDCB", "#F5F3EE", "#EDB77F", "#B6703C", "#783A1A"),
}

#: "Not significant" is a result, not a gap: a solid, quiet fill.
NOT_SIGNIFICANT = "#F0EEEA"

#: Class of local Moran -> colour.
LISA: dict[str, str] = {
    "high-high": "#8C1615",
    "low-low": "#0072A2",
    "high-low": "#D6774C",
    "low-high": "#8DC3DE",
    "not significant": NOT_SIGNIFICANT,
}

#: Class of Getis-Ord (false discovery rate in percent) -> colour, from cold to hot.
GETIS_ORD: dict[str, str] = {
    "cold-1": "#03557B",
    "cold-5": "#328EC2",
    "cold-10": "#9EC3E1",
    "not significant": NOT_SIGNIFICANT,
    "hot-10": "#F1B181",
    "hot-5": "#D2683C",
    "hot-1": "#A2231E",
}

#: Lines between areas: white vanishes on the large neutral area of the cluster maps.
LINE_ON_VALUES, LINE_ON_CLUSTERS = "#FFFFFF", "#B5AEA1"
