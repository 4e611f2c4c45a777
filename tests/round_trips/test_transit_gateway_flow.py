"""Transit gateway flow records come back equal, whatever fields in whatever order their header names."""

from hypothesis import given
from hypothesis import strategies as st

from tests.round_trips.fields import NAME, QUICK, Record, assert_back, file_of
from tests.round_trips.flows import Flow, chosen, line, lines, records

DEFAULT = (
    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id"
    " tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id"
    " tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status"
    " type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags"
    " region flow-direction pkt-src-aws-service pkt-dst-aws-service"
).split()
ITS_OWN = ["resource-type", "tgw-id", "tgw-attachment-id"]
GATEWAY = NAME.map(lambda name: f"tgw-{name}")


@QUICK
@given(chosen(DEFAULT, ITS_OWN))
def test_records_come_back_by_their_header(flow: Flow) -> None:
    """Holds where the header names more than VPC flow logs have too."""
    assert_back("transit_gateway_flow", flow[1], file_of(lines(flow)))


@QUICK
@given(records(DEFAULT, version=st.just(6), tgw_id=GATEWAY))
def test_records_of_the_default_format_come_back_without_a_header(found: list[Record]) -> None:
    assert_back("transit_gateway_flow", found, file_of(line(record, DEFAULT) for record in found))
