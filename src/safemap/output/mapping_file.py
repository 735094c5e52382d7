"""The mapping file of a delivery, written once and used for those that follow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from safemap.errors import ConfigError
from safemap.intake.mapping import mapping_text
from safemap.output.atomic import write_whole


def write_mapping(proposed: Any, path: str | os.PathLike[str], **options: Any) -> Path:
    """Write a mapping file: which column is what, for the deliveries that follow.

    Parameters
    ----------
    proposed : DataFrame or ColumnMapping
        The table of :func:`propose_columns`, corrected where it is wrong, or a mapping.
    path : path-like
        File to write, ending in ``.toml`` or ``.csv``; whole or not at all.
    **options
        Arguments of :func:`read_incidents` to keep with it, such as ``dayfirst=True``.

    Examples
    --------
    >>> import pandas as pd, pathlib, tempfile
    >>> from safemap import propose_columns, read_incidents
    >>> rows = pd.DataFrame({"Longitud": ["-99,1"], "Latitud": ["19,3"]})
    >>> file = write_mapping(propose_columns(rows), pathlib.Path(tempfile.mkdtemp()) / "columns.toml")
    >>> read_incidents(rows, mapping=file).report.roles
    {'lon': 'Longitud', 'lat': 'Latitud'}
    """
    file = Path(path)
    form = file.suffix.lower().removeprefix(".")
    if form not in ("toml", "csv"):
        raise ConfigError(f"{file.name}: a mapping file ends in .toml or .csv.")
    return write_whole(file, mapping_text(proposed, form=form, **options))
