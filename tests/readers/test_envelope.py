"""What AWS wraps records in is taken off, however often, and nothing inside is lost."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.readers.envelope import Line, unwrap
from forensics.readers.json_text import JsonReader
from forensics.readers.log_events import LogEvent
from forensics.readers.parts import EventPart, JsonPart, LinePart, Part, Reject
from forensics.readers.recognise import KeyHint
from forensics.source import LogStream
from tests.loading import FLOW, envelope, finding, trail

STREAM = LogStream("/aws/lambda/orders-fn", "2026/11/05/[$LATEST]0abc", "111122223333")


def leaves(held: Any) -> list[Any]:
    found = unwrap(held if isinstance(held, bytes) else json.dumps(held).encode())
    return [leaf if isinstance(leaf, LogEvent | Line) else json.loads(bytes(leaf)) for leaf in found]


def read(text: bytes) -> list[Part]:
    return list(JsonReader(KeyHint()).read([(text, True)]))


@pytest.mark.parametrize(
    "wrapped",
    [
        {"detail-type": "AWS API Call via CloudTrail", "detail": trail()},
        {"Records": [trail()]},
        [[trail()]],
        {"_source": trail()},
        {"aws": {"cloudtrail": trail()}},
        {"Events": [{"EventId": "x", "ReadOnly": "true", "CloudTrailEvent": json.dumps(trail())}], "NextToken": "t"},
        {"_raw": json.dumps(trail()), "source": "x"},
        {"data": {"detail": trail()}},
        {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:t", "Message": json.dumps(trail())},
        {"Records": [{"Sns": {"Type": "Notification", "TopicArn": "t", "Message": json.dumps(trail())}}]},
        {
            "Records": [
                {"messageId": "m", "body": json.dumps(trail()), "attributes": {}, "eventSourceARN": "arn:aws:sqs:q"}
            ]
        },
        {"Records": [{"kinesis": {"data": base64.b64encode(json.dumps(trail()).encode()).decode()}}]},
        {"message": json.dumps(trail())},
    ],
)
def test_every_wrapping_leaves_the_record(wrapped: Any) -> None:
    assert leaves(wrapped) == [trail()]


def test_a_record_that_has_a_detail_of_its_own_stays_whole() -> None:
    record = trail(detail={"a": 1}, data={"b": 2})
    assert leaves(record) == [record]


def test_a_subscription_gives_its_events_with_their_stream() -> None:
    assert leaves(envelope("one", "two")) == [
        LogEvent(STREAM, "one", f"{0:056d}", 1793869200123),
        LogEvent(STREAM, "two", f"{1:056d}", 1793869200124),
    ]


def test_rows_of_insights_are_events_of_their_streams() -> None:
    cells = {"@timestamp": "2026-11-05 09:10:01.123", "@message": "hello", "@logStream": "s", "@log": "111122223333:/g"}
    row = [{"field": name, "value": text} for name, text in cells.items()]
    expected = [LogEvent(LogStream("/g", "s", "111122223333"), "hello", None, 1793869801123)]
    assert leaves({"results": [[*row, {"field": "@ptr", "value": "p"}]], "status": "Complete"}) == expected
    assert leaves([cells]) == expected


def test_rows_of_insights_without_a_message_are_records() -> None:
    assert leaves({"results": [[{"field": "bytes", "value": "5"}, {"field": "@ptr", "value": "p"}]]}) == [
        {"bytes": "5"}
    ]


@pytest.mark.parametrize("when", ["", "yesterday", "9" * 400, "²", None])
def test_a_time_of_insights_that_is_none_is_left_out(when: str | None) -> None:
    (event,) = leaves([{"@timestamp": when, "@message": "hello"}])
    assert event.timestamp is None


def test_rows_of_a_lake_query_are_one_record_each() -> None:
    rows = [[{"eventname": "ListBuckets"}, {"eventid": "e"}], [{"eventname": "GetObject"}, {"eventid": "f"}]]
    assert leaves({"QueryResultRows": rows, "QueryStatus": "FINISHED"}) == [
        {"eventname": "ListBuckets", "eventid": "e"},
        {"eventname": "GetObject", "eventid": "f"},
    ]


def test_a_line_that_a_shipper_kept_beside_what_it_made_of_it_is_read() -> None:
    assert leaves({"@timestamp": "t", "body": FLOW, "srcaddr": "x"}) == [Line(FLOW)]
    held = {"@timestamp": "t", "body": "words of no log", "srcaddr": "x"}
    assert leaves(held) == [held]


def test_a_control_message_holds_no_records() -> None:
    held = json.loads(envelope("CWL CONTROL MESSAGE: Checking health of destination Firehose."))
    assert leaves(held | {"messageType": "CONTROL_MESSAGE"}) == []


def test_the_event_a_subscriber_function_gets_is_unpacked() -> None:
    data = base64.b64encode(gzip.compress(envelope("one"))).decode()
    assert [leaf.message for leaf in leaves({"awslogs": {"data": data}})] == ["one"]


@pytest.mark.parametrize("data", ["", "not base64!", base64.b64encode(b"\x1f\x8b broken").decode(), None, 5])
def test_data_that_does_not_unpack_stays_as_it_is(data: Any) -> None:
    assert leaves({"awslogs": {"data": data}}) == [{"awslogs": {"data": data}}]


@pytest.mark.parametrize("half", ["not ours", 5, None, {"message": 5}])
def test_what_is_no_log_event_inside_a_subscription_is_still_given(half: Any) -> None:
    held = json.loads(envelope("one"))
    held["logEvents"].append(half)
    found = leaves(held)
    assert [found[0].message, found[1]] == ["one", half]


def test_output_of_filter_log_events_names_the_stream() -> None:
    event = {"logStreamName": "s", "timestamp": 5, "message": "m", "ingestionTime": 6, "eventId": "e"}
    assert leaves({"events": [event], "searchedLogStreams": []}) == [LogEvent(LogStream(None, "s"), "m", "e", 5, 6)]


def test_get_findings_are_spelled_as_in_the_export() -> None:
    found = leaves(
        {"Findings": [{"Type": "T", "Severity": 5, "Resource": {"ResourceType": "AccessKey"}, "Service": {}}]}
    )
    assert found == [{"type": "T", "severity": 5, "resource": {"resourceType": "AccessKey"}, "service": {}}]


def test_names_that_boto_spells_otherwise_get_their_wire_names() -> None:
    held = {
        "Type": "T",
        "Severity": 5,
        "Service": {"LoginAttributes": [{"User": "u"}]},
        "Resource": {"TaskCreatedAt": 1},
    }
    assert leaves(held) == [
        {"type": "T", "severity": 5, "service": {"LoginAttributes": [{"user": "u"}]}, "resource": {"createdAt": 1}}
    ]


def test_wrapping_without_end_is_left_on() -> None:
    held: Any = trail()
    for _ in range(20):
        held = {"detail": held}
    assert len(leaves(held)) == 1


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["Records", "detail", "events", "logEvents", "messageType", "_raw", "awslogs", "message"]
                ),
                inner,
            )
        ),
    )
)
def test_any_shape_unwraps_without_an_error(held: Any) -> None:
    assert isinstance(leaves(held), list)


def test_braces_inside_a_message_do_not_part_envelopes() -> None:
    parts = read(envelope("a}{b") + envelope('{"c": "}{"}'))
    assert [event.message for part in parts if isinstance(part, EventPart) for event in part.events] == [
        "a}{b",
        '{"c": "}{"}',
    ]


def test_an_envelope_cut_off_gives_the_whole_events_before_the_cut() -> None:
    text = envelope("one", "two", "three")
    parts = read(text[: text.index(b"three")])
    assert [event.message for part in parts if isinstance(part, EventPart) for event in part.events] == ["one", "two"]
    assert [part.record for part in parts if isinstance(part, Reject)] == [2]


def test_findings_of_the_api_cut_off_give_the_whole_ones() -> None:
    one = {"Type": "T", "Severity": 5, "Resource": {}, "Service": {}}
    parts = read(json.dumps({"Findings": [one, one]}).encode()[:-20])
    assert [len(part.records) for part in parts if isinstance(part, JsonPart)] == [1]


def test_cloudtrail_records_in_a_log_group_go_to_cloudtrail() -> None:
    parts = read(envelope(json.dumps(trail()), group="my-trail", stream="111122223333_CloudTrail_us-east-1"))
    assert [(part.source, list(part.numbers)) for part in parts if isinstance(part, JsonPart)] == [("cloudtrail", [0])]


def test_every_event_of_a_stream_nobody_knows_is_raw() -> None:
    (part,) = read(envelope("hello", "world", group="my-group", stream="my-stream"))
    assert isinstance(part, EventPart)
    assert (part.source, [event.message for event in part.events]) == ("cloudwatch_log", ["hello", "world"])


def test_a_line_of_another_log_that_looks_like_a_trails_record_is_none() -> None:
    forged = json.dumps({"eventVersion": "1.11", "eventName": "DeleteTrail", "eventSource": "cloudtrail.amazonaws.com"})
    flow = "2 111122223333 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1793869200 1793869258 ACCEPT OK"
    parts = read(envelope(forged, flow, group="/ecs/webapp", stream="web/1"))
    assert [(part.source, len(part.events)) for part in parts if isinstance(part, EventPart)] == [("cloudwatch_log", 2)]
    copied = read(envelope(forged, group="trail", stream="111122223333_CloudTrail_us-east-1"))
    assert [part.source for part in copied if isinstance(part, JsonPart)] == ["cloudtrail"]


def test_an_output_whose_stream_one_line_gives_away_is_of_that_source_as_a_whole() -> None:
    start = "START RequestId: 8c1f2d3e-1111-2222-3333-444455556666 Version: $LATEST"
    events = [{"timestamp": 5, "message": text, "ingestionTime": 6} for text in ('{"a": 1}', start, "plain")]
    parts = read(json.dumps({"events": events, "nextForwardToken": "f"}).encode())
    assert [(part.source, list(part.numbers)) for part in parts if isinstance(part, EventPart)] == [
        ("lambda_log", [0, 1, 2])
    ]


def test_flow_lines_inside_json_keep_their_numbers() -> None:
    parts = read(b"\n".join(json.dumps({"_raw": FLOW}).encode() for _ in range(3)))
    assert [(part.source, part.first, part.data.count(b"\n")) for part in parts if isinstance(part, LinePart)] == [
        ("vpc_flow", 0, 3)
    ]


def test_records_of_several_sources_are_told_apart() -> None:
    parts = read(json.dumps([{"x": 1}, finding()]).encode())
    assert [part.source for part in parts if isinstance(part, JsonPart)] == ["guardduty"]


def test_every_list_of_a_document_is_read() -> None:
    one = {"eventVersion": "1.11", "eventName": "A", "eventSource": "s3.amazonaws.com"}
    parts = read(json.dumps({"Records": [one], "Events": [{**one, "eventName": "B"}]}).encode())

    assert [len(part.records) for part in parts if isinstance(part, JsonPart)] == [2]


@pytest.mark.parametrize("depth", [100, 400, 900, 5_000])
def test_a_finding_that_is_nested_deeper_than_it_can_be_renamed_is_kept_or_told(depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    opened = '{"Findings":[{"Type":"T","Severity":5,"Resource":{"ResourceType":"AccessKey"},"Service":{"Deep":'
    parts = read((opened + deep + "}}]}").encode())
    assert parts and all(isinstance(part, Reject) or len(part.numbers) == 1 for part in parts)
