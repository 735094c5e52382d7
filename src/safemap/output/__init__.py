"""Files out: whole-file writing, tables, GeoPackage, provenance."""
