"""Lineage, who talked to whom, principals by actions, lanes by workload: what each shows of made-up cases."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.errors import UsageError
from forensics.timeline import Timeline
from forensics.views.heat import ACTIONS, OTHERS, heat_figure
from forensics.views.labels import LISTED, params_text
from forensics.views.lineage import KEYS, UNKNOWN, lineage_figure
from forensics.views.talk import ENDS, talk_figure
from forensics.views.timeline import timeline_figure
from tests.views.worlds import FUNCTION, KEY, ROLE, add_many, add_morning, add_row

AT = datetime(2026, 3, 1, 8)
CHILD = "ASIAMADEUP0000000002"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def call(case: Case, name: str, event_id: str, **more: Any) -> None:
    add_row(
        case,
        "cloudtrail",
        event_id=event_id,
        event_time=AT,
        event_source="iam.amazonaws.com",
        event_name=name,
        **more,
    )


def flow(case: Case, source: str, destination: str, octets: int, *, record: int = 0, action: str = "ACCEPT") -> None:
    ends = {"srcaddr": source, "dstaddr": destination, "bytes": octets, "start": AT, "action": action}
    add_row(case, "vpc_flow", record=record, interface_id="eni-0000made0up", **ends)


def attribute(case: Case, event_id: str, workload: str, certainty: str) -> None:
    """Stand in for resolution: a view of what an event is attributed to."""
    case.connection.execute(
        "CREATE TABLE IF NOT EXISTS made_up (event_id VARCHAR, question VARCHAR, workload VARCHAR, certainty VARCHAR)"
    )
    case.connection.execute("INSERT INTO made_up VALUES (?, 'endpoint', ?, ?)", [event_id, workload, certainty])
    case.connection.execute("CREATE OR REPLACE VIEW attribution AS SELECT * FROM made_up")


def credential(case: Case, key: str, *, issued: str | None = None, parent: str | None = None) -> None:
    case.connection.execute(
        "INSERT INTO credential (access_key_id, principal, issued_at, issued_by_access_key_id, issuance_event_id,"
        " issuance_certainty) VALUES (?, ?, CAST(? AS TIMESTAMP), ?, ?, ?)",
        [key, ROLE, issued, parent, issued and "made-up-issuance", issued and "recorded"],
    )
    if parent:
        case.connection.execute("INSERT INTO lineage VALUES (?, ?, ?, 1, 'recorded')", [key, parent, ROLE])


def test_a_key_stands_under_the_one_it_came_of_with_a_line_at_its_issuance(case: Case) -> None:
    credential(case, KEY)
    credential(case, CHILD, issued="2026-03-01 08:30:00", parent=KEY)
    call(case, "ListUsers", "one", user_identity_access_key_id=KEY)
    call(case, "ListRoles", "two", user_identity_access_key_id=CHILD)
    figure = lineage_figure(Timeline(case))
    assert [name.split(" <")[0] for name in figure.layout.yaxis.ticktext] == [KEY, f"└ {CHILD}"]
    line = figure.data[0]
    assert (list(line.x[:2]), list(line.y[:2])) == ([datetime(2026, 3, 1, 8, 30)] * 2, [0, 1])
    marks = {trace.name: trace for trace in figure.data if trace.name in ("recorded", UNKNOWN)}
    assert marks["recorded"].customdata[0][-1] == ["made-up-issuance", "two"]
    assert marks[UNKNOWN].customdata[0][0] == KEY


def test_the_key_that_others_came_of_is_drawn_though_no_event_of_the_timeline_bears_it(case: Case) -> None:
    credential(case, KEY, issued="2026-03-01 07:00:00")
    credential(case, CHILD, issued="2026-03-01 08:30:00", parent=KEY)
    call(case, "ListRoles", "two", user_identity_access_key_id=CHILD)
    figure = lineage_figure(Timeline(case).access_key(CHILD))
    assert figure.layout.title.text == "2 credentials, 1 of them issued with another"


def test_keys_beyond_those_drawn_are_counted(case: Case) -> None:
    for number in range(KEYS + 3):
        call(case, "ListUsers", f"call-{number}", user_identity_access_key_id=f"AKIAMADEUP{number:010d}")
    assert lineage_figure(Timeline(case)).layout.title.subtitle.text.endswith("3 further keys not drawn")


def test_the_end_of_a_flow_that_is_inside_is_the_workload_it_is_attributed_to(case: Case) -> None:
    flow(case, "10.0.1.5", "203.0.113.7", 2_000)
    flow(case, "203.0.113.7", "10.0.1.5", 300, record=1)
    for number in range(2):
        attribute(case, f"made-up-vpc_flow/{number}", FUNCTION, "matched")
    sankey = talk_figure(Timeline(case)).data[0]
    assert list(sankey.node.customdata) == [FUNCTION, "203.0.113.7", "203.0.113.7", FUNCTION]
    assert list(zip(sankey.link.source, sankey.link.target, sankey.link.value, strict=True)) == [
        (0, 2, 2_000),
        (1, 3, 300),
    ]
    assert sankey.link.customdata[0][-2:] == ["matched", ["made-up-vpc_flow/0"]]


def test_several_candidates_are_said_to_be_several_and_a_sure_one_is_preferred(case: Case) -> None:
    flow(case, "10.0.1.5", "203.0.113.7", 2_000)
    attribute(case, "made-up-vpc_flow/0", "function-b", "shared")
    attribute(case, "made-up-vpc_flow/0", "function-a", "shared")
    sankey = talk_figure(Timeline(case)).data[0]
    assert sankey.node.customdata[0] == "one of: function-a, function-b"
    assert sankey.node.label[0] == "function-a or 1 more"
    attribute(case, "made-up-vpc_flow/0", "instance", "matched")
    assert talk_figure(Timeline(case)).data[0].node.customdata[0] == "instance"


def test_ends_beyond_the_named_ones_are_one_and_rejected_flows_move_nothing(case: Case) -> None:
    for number in range(ENDS + 3):
        flow(case, "10.0.1.5", f"203.0.113.{number}", 100 - number, record=number)
    flow(case, "10.0.1.5", "203.0.113.200", 9_000, record=99, action="REJECT")
    figure = talk_figure(Timeline(case))
    assert figure.data[0].node.label[-1] == OTHERS
    assert figure.data[0].link.value[0] == sum(100 - number for number in range(ENDS, ENDS + 3))
    assert figure.layout.title.text.startswith("1.4 kB from 1 sender to 15 receivers")
    assert figure.layout.title.subtitle.text.endswith("1 rejected flow left out")


def test_a_cell_counts_the_events_of_a_principal_and_an_action_and_those_that_failed(case: Case) -> None:
    case.connection.execute("INSERT INTO identity VALUES (1, 'role', ?, 's', NULL, NULL)", [ROLE])
    call(case, "ListUsers", "one", identity_key=1)
    call(case, "ListUsers", "two", identity_key=1, error_code="AccessDenied")
    call(case, "CreateUser", "three", identity_key=1)
    figure = heat_figure(Timeline(case))
    assert figure.layout.xaxis.ticktext == ("iam:ListUsers", "iam:CreateUser")
    assert figure.layout.yaxis.ticktext == ("role/orders-exec",)
    assert figure.data[0].customdata[0][0][:4] == [ROLE, "iam:ListUsers", "2", "1"]
    assert sorted(figure.data[0].customdata[0][0][-1]) == ["one", "two"]
    assert ["<b>2</b>" in text for text in figure.data[0].text[0]] == [True, False]


def test_actions_beyond_the_named_ones_are_one_column_and_flows_are_only_counted(case: Case) -> None:
    for number in range(ACTIONS + 5):
        call(case, f"List{number:02d}", f"call-{number}")
    flow(case, "10.0.1.5", "203.0.113.7", 2_000)
    figure = heat_figure(Timeline(case))
    assert figure.layout.xaxis.ticktext[-1] == OTHERS
    assert figure.data[0].customdata[0][-1][2] == "5"
    assert "all others: 5 further actions; 1 event of logs that name no principal not drawn" in (
        figure.layout.title.subtitle.text
    )


def test_lanes_are_by_workload_where_asked_for_and_an_event_of_two_is_counted_once(case: Case) -> None:
    for number in range(3):
        flow(case, "10.0.1.5", "203.0.113.7", 2_000, record=number)
    attribute(case, "made-up-vpc_flow/0", FUNCTION, "shared")
    attribute(case, "made-up-vpc_flow/0", "instance", "shared")
    figure = timeline_figure(Timeline(case), by="workload")
    assert figure.layout.yaxis.ticktext == ("function:orders 1", "instance 1", "no workload 2")
    assert figure.layout.title.text.startswith("3 events and 0 findings")
    with pytest.raises(UsageError, match="a lane is by source or by workload, not by 'colour'"):
        timeline_figure(Timeline(case), by="colour")


def test_a_click_on_a_mark_or_a_bar_gives_ids_of_events(case: Case) -> None:
    add_many(case, 2000)
    bar = timeline_figure(Timeline(case)).data[0]
    ids = bar.customdata[0][bar.meta["events"]]
    assert len(ids) == 2
    assert Timeline(case).where("list_contains(CAST(? AS VARCHAR[]), event_id)", ids).count() == 2


def test_a_figure_bears_the_statement_it_was_drawn_from(case: Case) -> None:
    add_morning(case)
    timeline = Timeline(case).source("cloudtrail")
    assert heat_figure(timeline).layout.meta == {"sql": timeline.sql, "params": ["'cloudtrail'"]}


def test_a_long_list_of_bound_values_is_counted() -> None:
    (text,) = params_text([["x"] * (LISTED + 5)])
    assert text.endswith(", … 5 more]")
