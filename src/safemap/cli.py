"""The shell: reads arguments, calls the verbs, says what happened.

Results go to standard output, everything else to standard error. Nothing heavy is imported before a command
needs it, so that help is there at once.
"""

from __future__ import annotations

import functools
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from safemap import __version__
from safemap.errors import ConfigError, InputError, OutputError, SafemapError

INTERNAL_ERROR = 1
INTERRUPTED = 130

EPILOG = """\b
Exit codes
  0    done
  1    internal error: please report it
  2    wrong use: unknown option, unknown key
  3    the data cannot be used as they are, or a file cannot be written
  4    the statistic cannot be computed
  5    refused for privacy
  130  interrupted
"""


class Shell:
    """How one command talks: JSON or text, quiet or not."""

    def __init__(self, *, as_json: bool, quiet: bool, verbose: bool) -> None:
        self.as_json, self.quiet, self.verbose = as_json, quiet, verbose

    def result(self, document: dict[str, Any], text: str) -> None:
        """The result of the command: the document with ``--json``, else the text unless ``--quiet``."""
        if self.as_json:
            click.echo(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))
        elif not self.quiet:
            click.echo(text)

    def progress(self, line: str) -> None:
        """A line on standard error, for a person who waits; silent in pipelines."""
        if self.verbose or (sys.stderr.isatty() and not self.quiet):
            click.echo(f"... {line}", err=True)

    def warn(self, line: str) -> None:
        """A line on standard error that matters even in pipelines."""
        if not self.quiet:
            click.echo(line, err=True)


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--json``, ``--quiet`` and ``-v`` of every command, handed on as a :class:`Shell`."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
    @click.option("--quiet", "-q", is_flag=True, help="Errors only.")
    @click.option("--verbose", "-v", is_flag=True, help="Say each step on standard error.")
    @functools.wraps(command)
    def wrapped(*, as_json: bool, quiet: bool, verbose: bool, **options: Any) -> Any:
        if verbose:
            _show_log()
        return command(Shell(as_json=as_json, quiet=quiet, verbose=verbose), **options)

    return wrapped


def _show_log() -> None:
    """Send what safemap logs to standard error; other libraries keep to themselves."""
    log = logging.getLogger("safemap")
    log.setLevel(logging.DEBUG)
    if not any(type(handler) is logging.StreamHandler for handler in log.handlers):
        log.addHandler(logging.StreamHandler())


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="safemap")
def cli() -> None:
    """Maps of urban safety: audited joins, honest local statistics, safe offline maps."""


@cli.command()
@click.argument("assessment", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder from which paths in the file count.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Replace a value: incidents.path=a.csv"
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the permutations (local.rng).")
@click.option("--dry-run", is_flag=True, help="Compute everything, write nothing.")
@common_options
def run(
    shell: Shell, assessment: Path, out: Path, data: Path | None, overrides: tuple[str, ...],
    seed: int | None, dry_run: bool,
) -> None:  # fmt: skip
    """Carry out the assessment described in a TOML file and write its folder."""
    if seed is not None:
        overrides = (*overrides, f"local.rng={seed}")
    _run(shell, assessment, out, data=data, overrides=overrides, dry_run=dry_run)


def _run(
    shell: Shell, assessment: Path, out: Path, *, data: Path | None = None, overrides: tuple[str, ...] = (),
    dry_run: bool = False,
) -> Any:  # fmt: skip
    from safemap.job import load_assessment, run_assessment

    config = load_assessment(assessment, overrides, data=data)
    done = run_assessment(config, None if dry_run else out, progress=shell.progress)
    for line in done.findings.warnings:
        shell.warn(f"warning: {line}")
    text = done.summary() + ("\ndry run    nothing was written" if dry_run else "")
    shell.result(_document(done, dry_run=dry_run), text)
    return done


def _document(done: Any, *, dry_run: bool) -> dict[str, Any]:
    from safemap.output.provenance import plain_value

    f = done.findings
    return plain_value(
        {
            "out": None if done.out is None else str(done.out),
            "dry_run": dry_run,
            "files": done.files,
            "rows": {"in": f.audit.n_in, "placed": f.audit.n_placed, "set_aside": f.audit.n_set_aside},
            "hit_rate": f.audit.hit_rate,
            "areas": len(f.areas),
            "withheld": len(f.hidden),
            "moran": {"statistic": f.moran.statistic, "p_value": f.moran.p_value},
            "flagged": {"local_moran": len(f.flagged(f.lisa)), "local_getis_ord": len(f.flagged(f.hot))},
            "areas_tested": f.lisa.settings["areas_tested"],
            "warnings": f.warnings,
        }
    )


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("assessment.toml"), show_default=True,
              help="File to write.")  # fmt: skip
@click.option("--force", is_flag=True, help="Write over an existing file.")
@click.option("--dry-run", is_flag=True, help="Show the file, write nothing.")
@common_options
def init(shell: Shell, files: tuple[Path, ...], out: Path, force: bool, dry_run: bool) -> None:
    """Look at a register and boundaries and write a commented assessment.toml that can be run at once."""
    from safemap.config.propose import propose
    from safemap.output.atomic import write_whole

    if out.exists() and not (force or dry_run):
        raise ConfigError(
            f"{out.name} is there already; nothing was changed. Use --force, or another name with --out."
        )
    shell.progress("looking at the files")
    text = propose(files, base=out.parent)
    if not dry_run:
        write_whole(out, text)
    said = text if dry_run else f"wrote {out}; read it, then: safemap run {out} --out DIR"
    shell.result({"file": None if dry_run else str(out), "text": text}, said)


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("safemap-demo"), show_default=True,
              help="Folder to write.")  # fmt: skip
@click.option("--city", default="iztapalapa", show_default=True, metavar="NAME",
              help="Which city: iztapalapa, chilanzar ...; or all, each in a folder of its own.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the permutations.")
@common_options
def demo(shell: Shell, out: Path, city: str, seed: int | None) -> None:
    """Run the whole path on a small synthetic city."""
    import tempfile

    from safemap import datasets

    if city not in (*datasets.CITIES, "all"):
        raise ConfigError(f"there is no city {city!r}; known are {', '.join(datasets.CITIES)} and all.")
    overrides = (f"local.rng={seed}",) if seed is not None else ()
    folders = {name: out / name for name in datasets.CITIES} if city == "all" else {city: out}
    for name, target in folders.items():
        with tempfile.TemporaryDirectory() as folder:
            shell.progress(f"writing the synthetic city {name}")
            datasets.write(name, Path(folder))
            _run(shell, Path(folder) / "assessment.toml", target, overrides=overrides)
    if not (shell.as_json or shell.quiet):
        maps = " and ".join(str(target / "map.html") for target in folders.values())
        click.echo(f"\nThe data are synthetic: no person, place or event in them is real.\nNow open {maps}")


@cli.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@common_options
def doctor(shell: Shell, files: tuple[Path, ...]) -> None:
    """Versions of what safemap stands on and what is missing; of FILES, what their columns seem to hold."""
    from safemap.report.doctor import examine, examine_files

    document = examine_files(files) if files else examine()
    lines = [f"{name:<20}{value}" for part in document.values() for name, value in part.items()]
    shell.result(document, "\n".join(lines))


@cli.command()
@common_options
def schema(shell: Shell) -> None:
    """The keys of assessment.toml as JSON schema (draft 2020-12)."""
    from safemap.config import json_schema

    document = json_schema()
    shell.result(document, json.dumps(document, ensure_ascii=False, indent=1))


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@common_options
def verify(shell: Shell, folder: Path) -> None:
    """Compare a written folder with its manifest."""
    from safemap.output.bundle import verify_bundle

    if not folder.is_dir():
        raise InputError(f"{folder.name}: no such folder.")
    found = verify_bundle(folder)
    document = {
        "ok": found.ok, "files": found.files, "missing": found.missing, "changed": found.changed,
        "problem": found.problem,
    }  # fmt: skip
    if not found.ok and not shell.as_json:
        raise OutputError(found.summary())
    shell.result(document, found.summary())
    if not found.ok:
        sys.exit(OutputError.exit_code)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; every way out has its exit code, and no error shows a traceback."""
    sys.exit(_exit_code(sys.argv[1:] if arguments is None else arguments))


def _exit_code(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        result = cli.main(arguments, prog_name="safemap", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        _complain(error.format_message(), error.exit_code, as_json=as_json)
        return error.exit_code
    except SafemapError as error:
        _complain(str(error), error.exit_code, as_json=as_json)
        return error.exit_code
    except BrokenPipeError:
        # the reader went away (`safemap schema | head`): nothing to tell, and nobody to tell it to
        sys.stderr.close()
        return 0
    except MemoryError:
        _complain(
            "The computer ran out of memory. Use a smaller file, or a computer with more.", 3, as_json=as_json
        )
        return InputError.exit_code
    except Exception as error:
        logging.getLogger("safemap").debug("internal error", exc_info=True)
        words = f"Internal error ({type(error).__name__}). Please report it; with -v the details are shown."
        _complain(words, INTERNAL_ERROR, as_json=as_json)
        return INTERNAL_ERROR


def _complain(words: str, code: int, *, as_json: bool) -> None:
    click.echo(f"safemap: {words}", err=True)
    if as_json:
        click.echo(json.dumps({"error": words, "exit_code": code}, ensure_ascii=False, indent=1))
