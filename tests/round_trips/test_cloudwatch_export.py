"""Exports of CloudWatch Logs to S3 come back equal: a time and a message, which may have lines of its own."""

import re
from datetime import datetime

from hypothesis import example, given
from hypothesis import strategies as st

from tests.round_trips.fields import AT_MILLISECOND, QUICK, UUID, Record, assert_back, client, iso, several

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.MULTILINE)
TEXT = client(without="\0").filter(bool)
LINES = st.lists(TEXT, min_size=1, max_size=4).map("\n".join).map(lambda text: STAMP.sub("no time", text))
KEY = "exportedlogs/8c1f2d3e-1111-2222-3333-444455556666/{}/000000.gz"
STREAM = "my-application"
ONCE = datetime(2026, 11, 5, 9, 10, 1)


def exports(message: st.SearchStrategy[str]) -> st.SearchStrategy[list[Record]]:
    return several(
        st.fixed_dictionaries({"timestamp": AT_MILLISECOND, "message": message, "logStream": st.just(STREAM)})
    )


def file(found: list[Record]) -> str:
    return "".join(f"{iso(record['timestamp'], 'milliseconds')} {record['message']}\n" for record in found)


@QUICK
@given(exports(LINES))
def test_messages_of_several_lines_come_back(found: list[Record]) -> None:
    """Holds where no line of a message begins with a time itself: an export cannot tell it from the next event."""
    assert_back("cloudwatch_log", found, file(found), KEY.format(STREAM))


@QUICK
@given(exports(client(without="").filter(bool).map(lambda text: STAMP.sub("no time", text))))
@example([{"timestamp": ONCE, "message": "a\0b"}])
def test_messages_with_null_characters_come_back(found: list[Record]) -> None:
    assert_back("cloudwatch_log", found, file(found), KEY.format(STREAM))


@QUICK
@given(several(st.tuples(AT_MILLISECOND, UUID, LINES)))
def test_messages_of_a_function_come_back_with_its_stream(found: list[tuple[datetime, str, str]]) -> None:
    name = "2026-11-05-[$LATEST]0123456789abcdef0123456789abcdef"
    records = [
        {
            "timestamp": at,
            "message": f"[INFO]\t{iso(at, 'milliseconds')}\t{request}\t{text}",
            "requestId": request,
            "logStream": "2026/11/05/[$LATEST]0123456789abcdef0123456789abcdef",
        }
        for at, request, text in found
    ]
    assert_back("lambda_log", records, file(records), KEY.format(name))
