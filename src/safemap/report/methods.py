"""``methods.md``: what was done, on which rows, with what result, and how far it carries, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from safemap.report.findings import Findings
from safemap.report.markdown import plain
from safemap.report.sentences import say, say_count
from safemap.settings import threshold


def methods_text(findings: Findings, *, versions: Mapping[str, str]) -> str:
    """The methods text as Markdown.

    Parameters
    ----------
    findings : Findings
        What the assessment found.
    versions : mapping of str to str
        Name and version of what computed it.
    """
    made = ", ".join(f"{name} {version}" for name, version in versions.items())
    sections = [
        ("h_data", _data(findings)),
        ("h_rows", _rows(findings)),
        ("h_rates", _rates(findings)),
        ("h_tests", _tests(findings)),
        ("h_privacy", _privacy(findings)),
        ("h_warnings", ["- " + plain(warning) for warning in findings.warnings]),
        ("h_limits", [say("limit_recorded"), say("limit_cause"), say("limit_maup"), say("disclaimer")]),
        ("h_versions", [say("versions", versions=made)]),
    ]
    lines = ["# " + say("title", title=plain(findings.config.assessment.title)), ""]
    for heading, sentences in sections:
        lines += ["## " + say(heading), "", *_paragraphs(sentences), ""] if sentences else []
    return "\n".join(lines)


def caption(findings: Findings) -> list[tuple[str, str]]:
    """Heading and text of the parts of the methods that fit on the map."""
    parts = (("h_rates", _rates), ("h_tests", _tests), ("h_limits", lambda _: [say("limit_recorded")]))
    return [(say(heading), " ".join(_unmarked(make(findings)))) for heading, make in parts]


def _paragraphs(sentences: Iterable[str]) -> list[str]:
    """Sentences as one paragraph, list items as lines of their own."""
    lines: list[str] = []
    for sentence in sentences:
        joins = bool(lines) and not sentence.startswith("- ") and not lines[-1].startswith("- ")
        if joins:
            lines[-1] += " " + sentence
        else:
            lines += [""] * bool(lines and lines[-1].startswith("- ") != sentence.startswith("- ")) + [
                sentence
            ]
    return lines


def _data(f: Findings) -> list[str]:
    c = f.config
    sentences = [
        say(
            "data",
            file=plain(c.incidents.path.name),
            source=f" ({plain(c.assessment.source)})" if c.assessment.source else "",
            areas=f"{len(f.areas):,}",
            place=f" of {plain(c.assessment.place)}" if c.assessment.place else "",
            areas_file=plain(c.areas.path.name),
        )
    ]
    if c.incidents.where:
        sentences.append(say("data_where", where=_where(c.incidents.where)))
    period = f.rates.settings["period"]
    if period is None:
        sentences.append(say("data_no_period"))
    else:
        days = f"{f.rates.settings['period_days']:,}"
        sentences.append(say("data_period", first=period[0], last=period[1], days=days))
    if c.incidents.positional_uncertainty:
        sentences.append(say("uncertainty", metres=f"{c.incidents.positional_uncertainty:g}"))
    return sentences


def _where(where: Mapping[str, object]) -> str:
    parts = []
    for column, kept in where.items():
        values = kept if isinstance(kept, (list, tuple)) else [kept]
        parts.append(f"{plain(column)} = " + " or ".join(f'"{plain(value)}"' for value in values))
    return " and ".join(parts)


def _rows(f: Findings) -> list[str]:
    audit = f.audit
    counts = {"n_in": audit.n_in, "placed": audit.n_placed, "aside": audit.n_set_aside}
    sentences = [say("rows", **{name: f"{n:,}" for name, n in counts.items()})]
    for reason in audit.by_reason().itertuples():
        sentences.append("- " + say_count("row_line", reason.rows, text=reason.text, remedy=reason.remedy))
    for name, rows in audit.flags.items():
        if len(rows):
            sentences.append("- " + say_count("flag_line", len(rows), text=plain(name.replace("_", " "))))
    sentences.append(say("hit_rate", rate=f"{audit.hit_rate:.1%}"))
    if audit.hit_rate < threshold("hit_rate_min"):
        sentences.append(say("hit_rate_low", limit=f"{threshold('hit_rate_min'):.0%}"))
    sentences += _doubts(f)
    return sentences


def _doubts(f: Findings) -> list[str]:
    """Pile-ups, borders and points that were moved to the nearest area."""
    sentences = []
    pileups = f.incidents.pileups
    if pileups is not None and len(pileups):
        done = say("pileups_aside" if f.config.incidents.pileups == "set-aside" else "pileups_kept")
        largest = f"{int(pileups['rows'].max()):,}"
        sentences.append(say_count("pileups", len(pileups), rows=largest, done=done))
    faults = f.boundaries.counts[["overlap", "gap"]]
    if faults.any():
        overlaps, gaps = (f"{int(faults[kind]):,}" for kind in ("overlap", "gap"))
        sentences.append(say("boundary_faults", overlaps=overlaps, gaps=gaps))
    sentences.append(say("border_rule"))
    moved = f.joined.settings["matches"]["nearest"]
    if f.config.areas.max_distance:
        sentences.append(say("nearest", metres=f"{f.config.areas.max_distance:g}", n=f"{moved:,}"))
    return sentences


def _rates(f: Findings) -> list[str]:
    s = f.rates.settings
    people = f.rates.frame["population"].sum()
    lacking = int((~(f.rates.frame["population"] > 0)).sum())
    sentences = [
        say(
            "rates",
            events=f"{s['n_events']:,}",
            unit=plain(s["unit"]),
            confidence=f"{s['confidence']:.0%}",
            interval=interval_words(s["interval"]),
            overall=f"{figure(s['overall_rate'])} {plain(s['unit'])}",
        ),
        say(
            "denominator",
            base=plain(s["base"]),
            caveat=say("caveat_residents" if s["base"] == "residents" else "caveat_other"),
            column=plain(f.config.areas.population),
            file=plain(f.config.areas.path.name),
            people=f"{people:,.0f}",
            without=say_count("without_population", lacking) if lacking else "",
        ),
    ]
    review = int((f.rates.frame["quality"] == "review").sum())
    if review:
        limits = {
            "events": f"{threshold('rate_events_min'):g}",
            "width": f"{threshold('rate_ci_width_max'):.0%}",
        }
        sentences.append(say_count("review", review, **limits))
    return [*sentences, say("smooth")] if f.smooth is not None else sentences


def interval_words(interval: str) -> str:
    """The interval of the rates, by the words with which their settings name it.

    Examples
    --------
    >>> interval_words("Byar (approximate)")
    "by Byar's approximation for a Poisson count"
    """
    from safemap.analysis.rates import INTERVALS

    method = next(key for key, name in INTERVALS.items() if name == interval)
    return say("interval_" + method.replace("-", "_"))


def _tests(f: Findings) -> list[str]:
    s = f.lisa.settings
    sentences = [_neighbours(f)]
    if np.isnan(f.moran.statistic):
        sentences.append(say("global_none", reason=f.moran.settings["reason"]))
    else:
        sentences.append(say("global", value=figure(f.moran.statistic), p=figure(f.moran.p_value)))
    if not s["areas_tested"]:
        classes = [name for name in f.classes(f.lisa) if name != "withheld"]
        return [*sentences, say("not_tested", reason=", ".join(classes) or "no areas")]
    return [
        *sentences,
        *null_sentences(s),
        say(
            "adjusted",
            alpha=f"{s['alpha']:g}",
            adjust=say(s["adjust"]),
            smallest=figure(s["smallest_p"]),
            smallest_adjusted=figure(s["smallest_p_adjusted"]),
        ),
        *flag_sentences(f),
        *(say("classes", classes=_listed(f.classes(result))) for result in (f.lisa, f.hot)),
        *([say("one_family")] if s["null"] != "constant-risk" else []),
    ]


def null_sentences(s: Mapping[str, Any]) -> list[str]:
    """What chance is taken to be, and where p comes from."""
    slots = {
        "alternative": s["alternative"],
        "permutations": f"{s['permutations']:,}",
        "max_permutations": f"{s['max_permutations']:,}",
        "rng": s["rng"],
        "by_risk": f"{s.get('constant_risk_decides', 0):,}",
    }
    if "like" in s:
        convention = say("like", like=s["like"], convention=s["convention"])
        return [convention, *([s["convention_level"]] if s["convention_level"] else [])]
    if s["null"] == "constant-risk":
        return [say("null_constant_risk" if s["computed"] else "null_constant_risk_drawn", **slots)]
    sentences = [say("null_both" if s["null"] == "both" else "null", **slots)]
    if s["computed"]:
        sentences.append(say("exact_p", n=f"{s['computed']:,}", tested=f"{s['areas_tested']:,}"))
    return sentences


def flag_sentences(f: Findings) -> list[str]:
    """How many areas each statistic flags, and how many chance would: one sentence each."""
    s, tested = f.lisa.settings, f.lisa.settings["areas_tested"]
    expected = f"{s['alpha'] * tested:.1f}"
    return [
        say("flagged_moran", flagged=f"{len(f.flagged(f.lisa)):,}", tested=f"{tested:,}"),
        say(
            "flagged_getis",
            flagged=f"{len(f.flagged(f.hot)):,}",
            tested=f"{f.hot.settings['areas_tested']:,}",
        ),
        say("by_chance", expected=expected, tested=f"{tested:,}", alpha=f"{s['alpha']:g}"),
    ]


def _neighbours(f: Findings) -> str:
    lonely = int((f.graph.adjacency.sum(axis=1) == 0).sum())
    isolated = say_count("isolated", lonely) if lonely else say("no_isolated")
    g = f.graph.settings
    direct = say("graph", what=say(g["rule"]), tolerance=f"{g['tolerance_m']:g}")
    wider = [say("graph_order", order=g["order"])] if g.get("order", 1) > 1 else []
    return " ".join([direct, *wider, isolated])


def _privacy(f: Findings) -> list[str]:
    audience = f.registry.audience
    if f.registry.k > 1:
        first = say(
            "suppressed", below=f.registry.k - 1, areas=say_count("areas", len(f.hidden)), audience=audience
        )
    else:
        first = say("no_suppression", audience=audience)
    return [first, say("differencing"), say("no_points")]


def _listed(classes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in classes.items())


def _unmarked(sentences: Iterable[str]) -> list[str]:
    return [sentence.removeprefix("- ") for sentence in sentences]


def figure(value: float) -> str:
    """A number with three significant digits, for a text.

    Examples
    --------
    >>> figure(1234.5), figure(0.000123), figure(0.5)
    ('1,230', '0.000123', '0.5')
    """
    if not np.isfinite(value):
        return "not known"
    rounded = float(f"{value:.3g}")
    if abs(rounded) >= 100:
        return f"{rounded:,.0f}"
    return np.format_float_positional(rounded, trim="-")
