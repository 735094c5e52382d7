"""Synthetic cities with known truth, and published data that need no download.

The synthetic city is made by a seeded generator that knows nothing of the statistics it is used to test.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safemap.errors import ConfigError

if TYPE_CHECKING:
    from safemap.datasets._city import City, Truth
    from safemap.datasets._published import columbus, sids, st_louis

__all__ = ["CITIES", "SEED", "columbus", "generate", "path", "sids", "st_louis", "truth", "write"]

#: the synthetic cities
CITIES = ("iztapalapa", "chilanzar", "mathare")

#: seed of the committed samples
SEED = 2023

_PUBLISHED = ("columbus", "st_louis", "sids")


def generate(
    name: str = "iztapalapa",
    *,
    seed: int = SEED,
    expected: Mapping[str, float] | float | None = None,
    hotspots: Mapping[str, tuple[int, int]] | None = None,
    relative_risk: float = 2.0,
) -> City:
    """A synthetic city in memory.

    Parameters
    ----------
    name : {"iztapalapa", "chilanzar", "mathare"}
        Which city.
    seed : int
        Streets, people and events all follow from it; the same seed gives the same city on every machine.
    expected : mapping of str to float, or float, optional
        Mean expected events per area with residents, outside hot spots, by offence; or one number for all.
    hotspots : mapping of str to (int, int), optional
        By offence, how many hot spots and how many neighbourhoods in each; by default two of 24 for street
        robbery and one of 24 for burglary. Their places are random, whatever the population.
    relative_risk : float
        Risk inside a hot spot as a multiple of the risk elsewhere; 1 plants none.

    Returns
    -------
    City
        ``areas``, ``districts``, ``incidents``, ``context`` and ``truth``.

    Examples
    --------
    >>> city = generate("iztapalapa", seed=7)
    >>> len(city.areas), city.areas.crs.to_epsg()
    (290, 4326)
    >>> [len(spot) for spot in city.truth.hotspots["ROBO A CASA HABITACION CON VIOLENCIA"]]
    [24]
    """
    _known(name)
    if not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed must be a whole number, 0 or more; got {seed!r}.")
    if not 0 < relative_risk <= 4:
        raise ConfigError(f"relative_risk must lie above 0 and be at most 4; got {relative_risk!r}.")
    maker = _maker(name)
    return maker.build(
        seed,
        expected=maker.expectations(expected),
        hotspots=maker.plant(hotspots),
        relative_risk=relative_risk,
    )


def truth(name: str = "iztapalapa", *, seed: int = SEED) -> Truth:
    """What was planted in the sample city.

    Examples
    --------
    >>> planted = truth("iztapalapa")
    >>> planted.relative_risk, planted.null_offence, len(planted.faults["swapped_coordinates"])
    (2.0, 'FRAUDE', 18)
    """
    return generate(name, seed=seed).truth


def write(name: str, folder: str | Path, *, seed: int = SEED) -> list[Path]:
    """Write the files of a sample city into `folder`, made if need be; byte for byte the same every time.

    Returns
    -------
    list of Path
        ``incidents.csv``, ``colonias.geojson``, ``alcaldias.geojson``, ``context.geojson``, ``planted.csv``,
        ``assessment.toml`` and ``README.md``; of Chilanzar ``register.xlsx``, ``counts.xlsx``,
        ``mahallas.geojson``, ``districts.geojson`` and the others; of Mathare ``survey.xlsx``, ``form.xlsx``,
        ``population.tif``, ``blocks.geojson``, ``wards.geojson`` and the others.
    """
    city = generate(name, seed=seed)
    return _writer(name).write_city(city, Path(folder))


def path(name: str = "iztapalapa", *, folder: str | Path | None = None) -> Path:
    """Folder with the files of a sample city.

    Parameters
    ----------
    name : {"iztapalapa", "chilanzar", "mathare"}
        Which city.
    folder : str or Path, optional
        Where to write them. By default the folder of the repository, where safemap runs from one, and else a
        folder ``safemap-sample-<name>`` in the system's folder for temporary files, written anew.
    """
    import tempfile

    _known(name)
    committed = Path(__file__).resolve().parents[3] / "data" / "sample" / name
    if folder is None and (committed / "assessment.toml").is_file():
        return committed
    target = Path(folder) if folder is not None else Path(tempfile.mkdtemp(prefix=f"safemap-sample-{name}-"))
    write(name, target)
    return target


def _known(name: str) -> None:
    if name not in CITIES:
        raise ConfigError(f"there is no sample city {name!r}; known are {', '.join(map(repr, CITIES))}.")


def _maker(name: str) -> Any:
    """The module that makes a city."""
    if name == "chilanzar":
        from safemap.datasets import _chilanzar

        return _chilanzar
    if name == "mathare":
        from safemap.datasets import _mathare_city

        return _mathare_city
    from safemap.datasets import _generate

    return _generate


def _writer(name: str) -> Any:
    """The module that writes the files of a city."""
    if name == "chilanzar":
        from safemap.datasets import _chilanzar_files

        return _chilanzar_files
    if name == "mathare":
        from safemap.datasets import _mathare_files

        return _mathare_files
    from safemap.datasets import _files

    return _files


def __getattr__(name: str) -> object:
    if name in _PUBLISHED:
        from safemap.datasets import _published

        return getattr(_published, name)
    raise AttributeError(f"module 'safemap.datasets' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
