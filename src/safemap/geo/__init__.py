"""Places: coordinate systems, boundaries, points in areas, neighbourhood graphs."""
