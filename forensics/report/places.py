"""Where the addresses of the cited records are, as given files say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd
from markupsafe import Markup

from forensics.case import Case
from forensics.geography import Geography
from forensics.report.appendix import Finding, Section
from forensics.report.blocks import Output, figure_output
from forensics.report.display import show_table
from forensics.timeline import Timeline
from forensics.views.flows import PRIVATE
from forensics.views.geography import geography_figure
from forensics.views.labels import visible

ADDRESSES = 200
"""Addresses listed at most: those of the most records."""

_ADDRESSES = f"""
SELECT a.address, count(*) AS records, string_agg(DISTINCT a.source, ', ' ORDER BY a.source) AS sources,
  min(a.time) AS first, max(a.time) AS last
FROM (
  SELECT source_ip AS address, source, time FROM timeline
  UNION ALL
  SELECT destination_ip AS address, source, time FROM timeline
) AS a
WHERE regexp_matches(a.address, '^[0-9a-fA-F:.]+$')
  AND NOT regexp_matches(a.address, {PRIVATE})
GROUP BY a.address
ORDER BY count(*) DESC, a.address
LIMIT ?
"""


def places(case: Case, findings: Sequence[Finding], geography: Geography) -> Section:
    """The public addresses in the cited records with country, network and AWS's service, and when they came."""
    ids = sorted({place["event_id"] for item in findings for place in item["evidence"]})
    cited = Timeline(case).where("list_contains(CAST(? AS VARCHAR[]), event_id)", ids)
    rows = [_row(row, geography) for row in cited.select(_ADDRESSES, ADDRESSES).rows()]
    columns = ["address", "country", "city", "network", "AWS", "records", "sources", "first", "last"]
    table = show_table(pd.DataFrame(rows, columns=columns), limit=ADDRESSES)
    said = (
        f"<p>As told by {escape(visible('; '.join(geography.made)))}. A place is where an address was registered or"
        " measured when the file was made: not where a person was. What a file does not hold is left empty.</p>"
    )
    return Section("Where the addresses are", "places", Markup(f"{said}{table.html}"), (_figure(cited, geography),))


def _row(row: tuple[object, ...], geography: Geography) -> tuple[object, ...]:
    place = geography.place(str(row[0]))
    return (row[0], place.country or None, place.city or None, place.network or None, place.aws or None, *row[1:])


def _figure(timeline: Timeline, geography: Geography) -> Output:
    drawn: Mapping[str, object] = json.loads(geography_figure(timeline, geography).to_json())
    return figure_output(dict(drawn))
