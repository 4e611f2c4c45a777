"""S3 access log lines come back equal, whatever clients put between the quotes."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from tests.round_trips.fields import (
    ADDRESS,
    ARN,
    AT_SECOND,
    COUNT,
    HOSTILE,
    NAME,
    QUICK,
    STATUS,
    UNAMBIGUOUS,
    WORD,
    Record,
    apache,
    assert_back,
    assert_unchanged,
    back,
    client,
    file_of,
    hexes,
    maybe,
    plain,
    quoted,
    several,
    unmapped,
)

OPERATIONS = (
    "REST.GET.OBJECT",
    "REST.COPY.OBJECT_GET",
    "BATCH.DELETE.OBJECT",
    "S3.EXPIRE.OBJECT",
    "WEBSITE.GET.OBJECT",
)
TARGET = client(without="\r\n\0\t\x0b\x0c\x1c\x1d\x1e\x1f\x85\u00a0\u2028 ").map(lambda text: f"GET /{text} HTTP/1.1")
OWN = {
    "bucket_owner": hexes(64),
    "bucket": st.text("abc019", min_size=3, max_size=9),
    "time": AT_SECOND,
    "remote_ip": maybe(ADDRESS),
    "requester": maybe(ARN | hexes(64)),
    "request_id": hexes(16),
    "operation": st.sampled_from(OPERATIONS),
    "key": maybe(client().map(lambda text: quote(quote(f"k{text}")))),
}
AFTER_URI = {
    "http_status": maybe(STATUS),
    "error_code": maybe(NAME),
    **dict.fromkeys(("bytes_sent", "object_size", "total_time", "turn_around_time"), maybe(COUNT)),
}
TAIL = {
    **dict.fromkeys(("version_id", "host_id", "signature_version", "cipher_suite", "authentication_type"), maybe(WORD)),
    **dict.fromkeys(("host_header", "tls_version", "access_point_arn"), maybe(WORD)),
    "acl_required": maybe(st.just(True)),
    "source_region": maybe(NAME),
}
SAID = {"request_uri": maybe(TARGET), "referer": maybe(UNAMBIGUOUS)}
RECORD = st.fixed_dictionaries(OWN | SAID | AFTER_URI | {"user_agent": maybe(client())} | TAIL)
FORGED = (*HOSTILE, '" 200 - 1 2 3 4 "', 'x HTTP/1.1" 200 - 1 2 3 4 "-" "', '" v h SigV4')
ANY = client(pieces=FORGED)
ATTACKED = st.fixed_dictionaries(OWN | {"request_uri": ANY, "referer": ANY} | AFTER_URI | {"user_agent": ANY} | TAIL)
ORDER = (*OWN, "request_uri", *AFTER_URI, "referer", "user_agent", *TAIL)

PLAIN: Record = dict.fromkeys(ORDER) | {
    "bucket_owner": "0" * 64,
    "bucket": "logs",
    "time": datetime(2026, 11, 5, 9, 10, 1),
    "request_id": "0" * 16,
    "operation": "REST.GET.OBJECT",
    "request_uri": "GET /key HTTP/1.1",
    "http_status": 403,
}
FORGED_STATUS = PLAIN | {"request_uri": 'GET /key HTTP/1.1" 200 - 1 2 3 4 "x HTTP/1.1'}


def line(record: Record, more: Sequence[str] = ()) -> str:
    texts = {field: plain(held) for field, held in record.items()}
    texts |= {field: quoted(record[field]) for field in ("request_uri", "referer", "user_agent") if field in record}
    texts |= {"time": f"[{apache(record['time'])}]", "acl_required": "Yes" if record.get("acl_required") else "-"}
    if record["request_uri"] is None and record["operation"].startswith("S3."):
        texts["request_uri"] = "-"
    return " ".join([*(texts[field] for field in ORDER if field in record), *more])


@QUICK
@given(several(RECORD))
def test_lines_come_back(records: list[Record]) -> None:
    """Holds where the request's target has no blank, and the referer no quote before a blank; agents hold anything."""
    assert_back("s3_access", records, file_of(map(line, records)))


@QUICK
@given(several(RECORD), st.integers(24, 26))
def test_older_lines_of_fewer_fields_come_back(records: list[Record], count: int) -> None:
    kept = [{field: record[field] for field in ORDER[:count]} for record in records]
    absent = dict.fromkeys(ORDER[count:])
    assert_back("s3_access", [record | absent for record in kept], file_of(map(line, kept)))


@QUICK
@given(RECORD, st.lists(WORD, min_size=1, max_size=3))
def test_fields_that_are_not_known_yet_come_back_beside(record: Record, more: list[str]) -> None:
    text = file_of([line(record, more)])
    assert_back("s3_access", [record], text)
    assert unmapped(back("s3_access", text).rows[0]) == more


@QUICK
@given(several(ATTACKED))
@example([PLAIN | {"referer": '" x', "user_agent": "curl"}])
def test_referers_and_agents_of_any_text_change_no_value_of_s3(records: list[Record]) -> None:
    """Outside of the domain above, with a request line as HTTP has it."""
    told = [record | {"request_uri": "GET /key HTTP/1.1"} for record in records]
    assert_unchanged("s3_access", told, file_of(map(line, told)), (*OWN, *AFTER_URI, *TAIL))


@QUICK
@given(several(ATTACKED))
@example([FORGED_STATUS])
def test_request_lines_of_any_text_change_no_value_of_s3(records: list[Record]) -> None:
    """Outside of the domain above: quotes and blanks in the request line too."""
    assert_unchanged("s3_access", records, file_of(map(line, records)), (*OWN, *AFTER_URI, *TAIL))
