"""The house rules, read from the imports of every file: nothing upward, nothing foreign outside its door."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src" / "safemap"

FLOORS = {
    "errors": 0, "audit": 0, "results": 0, "settings": 0, "_typing": 0, "i18n": 0,
    "stats": 1,
    "geo": 2, "intake": 2, "offences": 2,
    "analysis": 3, "disclosure": 3, "datasets": 3,
    "maps": 4, "output": 4,
    "report": 5, "config": 5, "job": 5,
    "cli": 6, "__main__": 6,
    "__init__": 7,
}  # fmt: skip

#: the one upward glance: results reach the maps when asked to be drawn
EXCEPTIONS = {("results.py", "safemap.maps")}

#: foreign library -> files or rooms that may import it
DOORS = {
    "esda": ("analysis/_esda.py",),
    "libpysal": ("geo/graph.py", "datasets/"),
    "rasterio": ("geo/raster.py",),
    "folium": ("maps/",),
    "branca": ("maps/",),
    "jinja2": ("maps/",),
    "matplotlib": ("maps/",),
    "mapclassify": ("maps/",),
    "click": ("cli.py",),
    "python_calamine": ("intake/",),
    "dask": ("analysis/dask.py",),
    "distributed": ("analysis/dask.py",),
    "pyarrow": ("intake/",),
    "pyreadstat": ("intake/statistical_files.py",),
    "sqlite3": ("output/",),
}

#: what `stats` may know besides the standard library
STATS_MAY_IMPORT = {"numpy", "scipy", "safemap"}

FILES = sorted(SRC.rglob("*.py"))


def _floor(module: str) -> int:
    parts = module.split(".")
    return FLOORS[parts[1] if len(parts) > 1 else "__init__"]


def _imports(tree: ast.AST, *, typing_too: bool) -> set[str]:
    """Every module that is imported anywhere in the file, inside functions too."""
    names: set[str] = set()
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not typing_too:
            skipped.update(child for statement in node.body for child in ast.walk(statement))
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names.add(base)
            if base == "safemap":
                names.update(f"safemap.{alias.name}" for alias in node.names)
                names.discard("safemap")
    return names


def _where(file: Path) -> str:
    return file.relative_to(SRC).as_posix()


def _module(file: Path) -> str:
    parts = file.relative_to(SRC).with_suffix("").parts
    return ".".join(("safemap", *parts))


def upward_imports(file: Path, source: str) -> list[str]:
    """Imports in `source` that reach a higher floor than the one `file` stands on."""
    floor = _floor(_module(file))
    found = []
    for name in sorted(_imports(ast.parse(source), typing_too=False)):
        if not name.startswith("safemap.") or (_where(file), name) in EXCEPTIONS:
            continue
        if name.split(".")[1] not in FLOORS:
            continue
        if _floor(name) > floor:
            found.append(name)
    return found


def foreign_imports(file: Path, source: str) -> list[str]:
    """Imports in `source` of libraries that have a door elsewhere."""
    names = {name.split(".")[0] for name in _imports(ast.parse(source), typing_too=False)}
    found = [name for name in sorted(names & set(DOORS)) if not _where(file).startswith(DOORS[name])]
    if _where(file).startswith("stats/"):
        allowed = STATS_MAY_IMPORT | set(sys.stdlib_module_names)
        found += [name for name in sorted(names) if name and name not in allowed]
    return found


@pytest.mark.parametrize("file", FILES, ids=_where)
def test_no_file_imports_upward(file: Path) -> None:
    assert upward_imports(file, file.read_text("utf-8")) == []


@pytest.mark.parametrize("file", FILES, ids=_where)
def test_foreign_libraries_come_in_by_their_door(file: Path) -> None:
    assert foreign_imports(file, file.read_text("utf-8")) == []


def test_the_rules_themselves_catch_offenders() -> None:
    stats = SRC / "stats" / "rates.py"
    assert upward_imports(stats, "from safemap.analysis.rates import x") == ["safemap.analysis.rates"]
    assert upward_imports(stats, "def f():\n    from safemap.maps import explore") == ["safemap.maps"]
    assert upward_imports(stats, "from safemap import job") == ["safemap.job"]
    assert foreign_imports(stats, "import geopandas as gpd") == ["geopandas"]
    assert foreign_imports(SRC / "job.py", "def f():\n    import esda.moran") == ["esda"]


def test_every_room_has_a_floor() -> None:
    files = {p.stem for p in SRC.glob("*.py")}
    rooms = files | {p.parent.name for p in SRC.glob("*/__init__.py")}
    assert rooms <= set(FLOORS), f"rooms without a floor: {rooms - set(FLOORS)}"


def test_datasets_never_see_the_statistics_they_test() -> None:
    for file in (SRC / "datasets").rglob("*.py"):
        names = _imports(ast.parse(file.read_text("utf-8")), typing_too=True)
        assert not any(name.startswith(("safemap.stats", "safemap.analysis")) for name in names), file


def test_import_is_light() -> None:
    heavy = {"folium", "esda", "libpysal", "rasterio", "matplotlib", "geopandas", "pandas"}
    code = f"import sys, safemap; dir(safemap); sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"import safemap loads {run.stderr}"


def test_every_public_name_loads_and_is_documented() -> None:
    import safemap

    for name in safemap.__all__:
        thing = getattr(safemap, name)
        assert name in dir(safemap)
        if name != "__version__":
            assert (thing.__doc__ or "").strip(), f"safemap.{name} has no docstring"
