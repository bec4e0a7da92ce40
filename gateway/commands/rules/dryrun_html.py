"""A dry run as a page: tables and plots in one file that opens without a network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
       color: #1c1e21; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { border-bottom: 1px solid #d8dade; padding: .3rem .8rem; text-align: left; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.bad { color: #a3200d; font-weight: 600; }
code { font-size: .85em; word-break: break-all; }
.plot { height: 22rem; }
"""

_COLOURS: Final = {"legacy": "#7a869a", "cloud": "#0b7fab", "hold": "#c77700", "owner": "#999999"}


def page(report: Mapping[str, Any]) -> str:
    """Return the page of a report (:mod:`gateway.flow.dryrun_report`)."""
    from plotly.offline import get_plotlyjs

    found = report["evidence"]
    period, moved, conflicts = found["period"], found["moved"], found["conflicts"]
    plots = {
        "hours": _hours(moved["by_hour"]), "value": _value(moved["by_hour"]),
        "load": _load(found["load"]),
    }  # fmt: skip
    parts = [
        f"<h1>Dry run of rules {escape(report['rules_version'])}</h1>",
        f"<p>{found['recorded']['decisions']:,} decisions from {escape(period['since'])}",
        f" to {escape(period['until'])}, decided again on {escape(report['made_at'])}",
        f" for {escape(report['by'])}.",
        f"<br>Evidence <code>{escape(report['evidence_hash'])}</code></p>",
        f"<h2>What moves: {moved['decisions']:,} decisions ({moved['share']:.1%})</h2>",
        '<div class="plot" id="hours"></div>',
        '<div class="plot" id="value"></div>',
        *_moves("By process", moved["by_process"], ()),
        *_moves("By channel", moved["by_channel"], ("channel",)),
        *_moves("By legal entity", moved["by_entity"], ("legal_entity",)),
        *_conflicts(conflicts),
        "<h2>What each ERP has to take</h2>",
        '<div class="plot" id="load"></div>',
        _loads(found["load"]),
    ]
    draw = "".join(
        f"Plotly.newPlot({json.dumps(name)}, {_script_json(plot['data'])}, "
        f"{_script_json(plot['layout'])}, {{displaylogo: false, responsive: true}});"
        for name, plot in plots.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Dry run {escape(report['rules_version'])}</title><style>{_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>{''.join(parts)}"
        f"<script>{draw}</script></body></html>\n"
    )


def _script_json(value: object) -> str:
    """Write JSON that cannot end the script it stands in."""
    return json.dumps(value).replace("<", "\\u003c")


def _hours(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    hours = [row["hour"] for row in rows]
    directions = sorted({name for row in rows for name in row["moved"]})
    data: list[dict[str, Any]] = [
        {
            "type": "bar", "name": name, "x": hours,
            "y": [row["moved"].get(name, 0) for row in rows],
            "marker": {"color": _COLOURS[name.split(" -> ")[1]]},
        }
        for name in directions
    ]  # fmt: skip
    data.append({
        "type": "scatter", "mode": "lines", "name": "all decisions", "x": hours,
        "y": [row["decisions"] for row in rows], "line": {"color": "#bbbbbb"},
    })  # fmt: skip
    layout = {"barmode": "stack", "title": {"text": "Decisions by hour"}, "margin": {"t": 40}}
    return {"data": data, "layout": layout}


def _value(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Plot the money of what moves; as floats, because nobody books what is drawn."""
    hours = [row["hour"] for row in rows]
    data = [
        {"type": "bar", "name": code, "x": hours,
         "y": [float(row["value"].get(code, 0)) for row in rows]}
        for code in sorted({code for row in rows for code in row["value"]})
    ]  # fmt: skip
    layout = {"barmode": "group", "title": {"text": "Value that moves, by hour"},
              "margin": {"t": 40}}  # fmt: skip
    return {"data": data, "layout": layout}


def _load(loads: Mapping[str, Any]) -> dict[str, Any]:
    erps = list(loads)
    data = [
        {
            "type": "bar", "name": name, "x": erps,
            "y": [round(100 * loads[erp][world]["peak_share"], 1) for erp in erps],
            "marker": {"color": colour},
        }
        for name, world, colour in (
            ("recorded", "recorded", "#bbbbbb"), ("draft", "draft", _COLOURS["cloud"])
        )
    ]  # fmt: skip
    full = {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 100, "y1": 100,
        "line": {"color": "#a3200d", "dash": "dot"},
    }  # fmt: skip
    layout = {
        "barmode": "group", "title": {"text": "Peak use of the quota, %"}, "shapes": [full],
        "margin": {"t": 40},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _moves(title: str, rows: Sequence[Mapping[str, Any]], by: tuple[str, ...]) -> Iterable[str]:
    if not rows:
        return
    head = ("process", *by, "from", "to", "decisions", "value")
    cells = [
        [*(row[name] or "-" for name in head[:-2]), f"{row['decisions']:,}", _money(row["value"])]
        for row in rows
    ]
    yield f"<h3>{escape(title)}</h3>{_table(head, cells, numbers=2)}"


def _conflicts(conflicts: Mapping[str, Any]) -> Iterable[str]:
    sticky, ownership = conflicts["sticky"], conflicts["ownership"]
    yield f"<h2>Conflicts: {conflicts['total']:,}</h2>"
    rows = [
        ("requests whose object the other ERP has already", ownership["decisions"]),
        ("customers whose orders would newly be in both ERPs", sticky["newly_both"]),
        ("customers with orders in the cloud ERP who would go back", sticky["back_to_legacy"]),
        *((f"requests of {name} without what is split by", n)
          for name, n in sticky["without_key"].items()),
        *((f"requests of {name} that these rules have no default for", n)
          for name, n in conflicts["undecided"].items()),
    ]  # fmt: skip
    yield _table(("what", "how many"), [[what, f"{count:,}"] for what, count in rows], numbers=1)
    if ownership["objects"]:
        head = tuple(ownership["objects"][0])
        cells = [[str(it[name]) or "-" for name in head] for it in ownership["objects"]]
        yield _table(head, cells, numbers=1)


def _loads(loads: Mapping[str, Any]) -> str:
    head = ("ERP", "world", "calls", "peak use", "at", "backlog", "behind", "cleared", "refused")
    cells = []
    for erp, load in loads.items():
        for world in ("recorded", "draft"):
            it = load[world]
            cells.append([
                erp, world, f"{it['calls']:,}", f"{it['peak_share']:.0%}", it["peak_at"] or "-",
                f"{it['backlog_calls_max']:,}", f"{it['delay_s_max']:,} s",
                it["backlog_cleared_at"] or "-", f"{it['reads_refused']:,}",
            ])  # fmt: skip
    return _table(head, cells, numbers=0)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int) -> str:
    heads = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in head)
    lines = []
    for row in rows:
        first_number = len(row) - numbers
        cells = "".join(
            f"<td{' class=n' if at >= first_number else ''}>{escape(cell)}</td>"
            for at, cell in enumerate(row)
        )
        lines.append(f"<tr>{cells}</tr>")
    return f"<table><tr>{heads}</tr>{''.join(lines)}</table>"


def _money(values: Mapping[str, str]) -> str:
    return ", ".join(f"{amount} {code}" for code, amount in values.items()) or "-"
