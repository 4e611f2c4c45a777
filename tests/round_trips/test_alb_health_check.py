"""ALB health check log lines come back equal."""

from hypothesis import given
from hypothesis import strategies as st

from tests.round_trips.fields import (
    ADDRESS,
    AT,
    ENDPOINT,
    NAME,
    QUICK,
    THOUSANDTHS,
    WORD,
    Record,
    assert_back,
    file_of,
    maybe,
    plain,
    several,
)

FIELDS = {
    "type": st.sampled_from(("http", "https", "h2", "grpc")),
    "time": AT,
    "latency": maybe(THOUSANDTHS),
    "target_addr": ENDPOINT,
    "target_group_id": NAME.map(lambda name: f"{name}/0123456789abcdef"),
    "status": st.sampled_from(("PASS", "FAIL")),
    "status_code": maybe(st.integers(100, 599).map(str)),
    "reason_code": maybe(WORD),
    "elb": maybe(NAME.map(lambda name: f"app/{name}/0123456789abcdef")),
    "ip_address": maybe(ADDRESS),
}


@QUICK
@given(several(st.fixed_dictionaries(FIELDS)))
def test_lines_come_back(found: list[Record]) -> None:
    text = file_of(" ".join(plain(record[field]) for field in FIELDS) for record in found)
    assert_back("alb_health_check", found, text)


@QUICK
@given(several(st.fixed_dictionaries(FIELDS)))
def test_older_lines_without_the_newest_fields_come_back(found: list[Record]) -> None:
    text = file_of(" ".join(plain(record[field]) for field in list(FIELDS)[:8]) for record in found)
    absent = dict.fromkeys(list(FIELDS)[8:])
    assert_back("alb_health_check", [record | absent for record in found], text)
