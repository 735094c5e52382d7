"""Printed figures: maps and charts from the same style as the interactive map; matplotlib is loaded late."""
