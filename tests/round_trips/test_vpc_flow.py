"""VPC flow records come back equal, whatever fields in whatever order their header names."""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.round_trips.fields import QUICK, Record, assert_back, file_of
from tests.round_trips.flows import Flow, chosen, line, lines, records

DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
).split()
FIELDS = [
    *DEFAULT,
    *"vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type".split(),
    *"sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path ecs-cluster-arn".split(),
    *"ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id".split(),
    *"ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason".split(),
    *"resource-id encryption-status instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag".split(),
    *"asg-tag-2 interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id".split(),
    "next-hop-interface-type",
]
STATUS = st.sampled_from(("OK", "NODATA", "SKIPDATA"))

RECORD: Record = {"version": 3, "action": "ACCEPT", "region": "us-east-1"}


@QUICK
@given(chosen(FIELDS))
def test_records_come_back_by_their_header(flow: Flow) -> None:
    assert_back("vpc_flow", flow[1], file_of(lines(flow)))


@QUICK
@given(records(DEFAULT, version=st.just(2), log_status=STATUS))
def test_records_of_the_default_format_come_back_without_a_header(found: list[Record]) -> None:
    assert_back("vpc_flow", found, file_of(line(record, DEFAULT) for record in found))


@QUICK
@given(chosen(FIELDS), st.lists(st.sampled_from((" ", "  ", "   ")), min_size=4, max_size=4))
def test_records_come_back_whatever_runs_of_blanks_part_their_fields(flow: Flow, gaps: list[str]) -> None:
    order, found = flow
    text = file_of([" ".join(order), *(line(record, order, gap) for record, gap in zip(found, gaps, strict=False))])
    assert_back("vpc_flow", found, text)


@QUICK
@given(chosen(FIELDS))
def test_records_come_back_from_lines_that_end_in_windows_ways(flow: Flow) -> None:
    assert_back("vpc_flow", flow[1], file_of(lines(flow)).replace("\n", "\r\n"))


@QUICK
@given(chosen(FIELDS, ["srcaddr", "version"]), chosen(FIELDS, ["interface-id", "end"]))
def test_joined_files_come_back_by_the_header_before_each_line(first: Flow, second: Flow) -> None:
    """Holds for headers that name an address or the interface."""
    absent = dict.fromkeys([*first[0], *second[0]])
    found = [absent | record for record in [*first[1], *second[1]]]
    assert_back("vpc_flow", found, file_of([*lines(first), *lines(second), *lines(first)[:1]]))


@QUICK
@given(chosen(FIELDS, ["version"]), chosen(FIELDS, ["end", "vpc-id"]))
@example((["version", "action", "region"], [RECORD]), (["action", "version", "region"], [RECORD]))
def test_joined_files_come_back_by_any_header(first: Flow, second: Flow) -> None:
    absent = dict.fromkeys([*first[0], *second[0]])
    found = [absent | record for record in [*first[1], *second[1]]]
    assert_back("vpc_flow", found, file_of([*lines(first), *lines(second)]))
