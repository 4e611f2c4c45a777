"""CloudFront access log lines come back equal in every format: v1, W3C files of v2, real-time."""

from datetime import UTC
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.round_trips.fields import (
    ADDRESS,
    AT_MILLISECOND,
    AT_SECOND,
    COUNT,
    NAME,
    PORT,
    QUICK,
    STATUS,
    THOUSANDTHS,
    Record,
    assert_back,
    client,
    file_of,
    maybe,
    plain,
    several,
)

V1 = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent)"
    " cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken"
    " x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status"
    " fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len"
    " sc-range-start sc-range-end distribution-tenant-id connection-id"
).split()
REAL_TIME = (
    "timestamp c-ip s-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes"
    " x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version c-ip-version cs-user-agent"
    " cs-referer cs-cookie cs-uri-query x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher"
    " x-edge-result-type fle-encrypted-fields fle-status sc-content-type sc-content-len sc-range-start sc-range-end"
    " c-port x-edge-detailed-result-type c-country cs-accept-encoding cs-accept cache-behavior-path-pattern cs-headers"
    " cs-header-names cs-headers-count primary-distribution-id primary-distribution-dns-name origin-fbl origin-lbl asn"
).split()
OF_V2 = "asn origin-fbl origin-lbl c-country cache-behavior-path-pattern DistributionId".split()
_ENCODED = frozenset(" <>\"#%{}|\\^~[]`'")


def encoded(text: str) -> str:
    """Text as CloudFront writes it: URL-encoded where the page names the character, and what is not printable."""
    return "".join(
        held if held not in _ENCODED and held.isascii() and held.isprintable() else _percent(held) for held in text
    )


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


SAID = client(without="").filter(bool).map(encoded)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "x-edge-location": st.sampled_from(("IAD12-C1", "FRA50-P2")),
    "c-ip": ADDRESS,
    "s-ip": ADDRESS,
    "sc-status": STATUS | st.just(0),
    "c-port": maybe(PORT),
    **dict.fromkeys(("sc-bytes", "cs-bytes", "cs-headers-count", "asn"), COUNT),
    **dict.fromkeys(("fle-encrypted-fields", "sc-content-len", "sc-range-start", "sc-range-end"), maybe(COUNT)),
    **dict.fromkeys(("time-taken", "time-to-first-byte", "origin-fbl", "origin-lbl"), maybe(THOUSANDTHS)),
    **dict.fromkeys(("x-edge-request-id", "x-edge-result-type", "DistributionId"), NAME),
}
COLUMN = {
    "cs(Host)": "cs-host",
    "cs(Referer)": "cs-referer",
    "cs(User-Agent)": "cs-user-agent",
    "cs(Cookie)": "cs-cookie",
}


def records(fields: list[str], at: st.SearchStrategy[Any] = AT_SECOND) -> st.SearchStrategy[list[Record]]:
    """Records of those fields, by the names of columns."""
    named = [
        COLUMN.get(field, field) for field in fields if field not in ("date", "time", "timestamp", "timestamp(ms)")
    ]
    return several(st.fixed_dictionaries({"time": at} | {field: KINDS.get(field, maybe(SAID)) for field in named}))


def line(record: Record, fields: list[str]) -> str:
    at = record["time"]
    since = round(at.replace(tzinfo=UTC).timestamp() * 1000)
    written = {"date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M:%S}", "timestamp(ms)": str(since)}
    written |= {"timestamp": f"{since // 1000}.{since % 1000:03}"}
    return "\t".join(written.get(field) or text(field, record[COLUMN.get(field, field)]) for field in fields)


def text(field: str, held: Any) -> str:
    return f"{held:03}" if field == "sc-status" else plain(held)


def head(fields: list[str]) -> list[str]:
    return ["#Version: 1.0", f"#Fields: {' '.join(fields)}"]


@QUICK
@given(st.sampled_from((24, 26, 33, 35)).flatmap(lambda count: st.tuples(st.just(V1[:count]), records(V1[:count]))))
def test_lines_of_v1_come_back(held: tuple[list[str], list[Record]]) -> None:
    fields, found = held
    assert_back("cloudfront", found, file_of([*head(fields), *(line(record, fields) for record in found)]))


@QUICK
@given(st.sampled_from((24, 26, 33, 35)).flatmap(lambda count: st.tuples(st.just(V1[:count]), records(V1[:count]))))
def test_lines_of_v1_come_back_without_their_header(held: tuple[list[str], list[Record]]) -> None:
    fields, found = held
    assert_back("cloudfront", found, file_of(line(record, fields) for record in found))


NEEDED = ["x-edge-location", "c-ip"]
CHOSEN = st.lists(st.sampled_from([*V1[3:4], *V1[5:], *OF_V2]), unique=True, max_size=12).flatmap(
    lambda more: st.permutations([*NEEDED, *more])
)


@QUICK
@given(CHOSEN.flatmap(lambda names: st.tuples(st.just(["date", "time", *names]), records(names))))
def test_w3c_files_of_v2_with_fields_of_choice_come_back(held: tuple[list[str], list[Record]]) -> None:
    fields, found = held
    assert_back("cloudfront", found, file_of([*head(fields), *(line(record, fields) for record in found)]))


@QUICK
@given(
    CHOSEN.flatmap(lambda names: st.tuples(st.just(names), records(names, AT_MILLISECOND), st.integers(0, len(names))))
)
def test_w3c_files_of_v2_with_milliseconds_come_back(held: tuple[list[str], list[Record], int]) -> None:
    names, found, place = held
    fields = [*names[:place], "timestamp(ms)", *names[place:]]
    assert_back("cloudfront", found, file_of([*head(fields), *(line(record, fields) for record in found)]))


@QUICK
@given(records(REAL_TIME, AT_MILLISECOND))
def test_lines_of_real_time_logs_come_back(found: list[Record]) -> None:
    """Holds for the first 46 fields of the page's list, all chosen: other choices leave no trace in the line."""
    assert_back("cloudfront", found, file_of(line(record, REAL_TIME) for record in found))


@QUICK
@given(records(V1[:33]), records(V1[:24]))
def test_joined_files_come_back_by_the_header_before_each_line(newer: list[Record], older: list[Record]) -> None:
    lines = [*head(V1[:33]), *(line(record, V1[:33]) for record in newer)]
    lines += [*head(V1[:24]), *(line(record, V1[:24]) for record in older)]
    assert_back("cloudfront", [*newer, *older], file_of(lines))
