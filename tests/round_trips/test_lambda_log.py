"""Lines of Lambda functions come back equal: of the platform with every choice of keys, and of the code."""

from hypothesis import given
from hypothesis import strategies as st

from tests.loading import envelope
from tests.round_trips.fields import AT_MILLISECOND, COUNT, NAME, QUICK, UUID, Record, assert_back, client, iso, several

HUNDREDTHS = st.integers(0, 10**8).map(lambda count: count / 100)
VERSION = st.just("$LATEST") | st.integers(1, 999).map(str)
ALWAYS = {"durationMs": HUNDREDTHS, "billedDurationMs": HUNDREDTHS, "memorySizeMB": COUNT, "maxMemoryUsedMB": COUNT}
OPTIONAL = {
    "initDurationMs": HUNDREDTHS,
    "restoreDurationMs": HUNDREDTHS,
    "status": st.sampled_from(("timeout", "error")),
    "errorType": st.sampled_from(("Runtime.ExitError", "Runtime.OutOfMemory")),
    "traceId": NAME.map(lambda name: f"1-690b1d00-{name}"),
}
WORDS = {
    "durationMs": "Duration: {:.2f} ms",
    "billedDurationMs": "Billed Duration: {:.2f} ms",
    "memorySizeMB": "Memory Size: {} MB",
    "maxMemoryUsedMB": "Max Memory Used: {} MB",
    "initDurationMs": "Init Duration: {:.2f} ms",
    "restoreDurationMs": "Restore Duration: {:.2f} ms",
    "status": "Status: {}",
    "errorType": "Error Type: {}",
}
NOTHING = dict.fromkeys([*ALWAYS, *OPTIONAL, "level", "type"])


def report(request: str, said: Record, *, apart: bool) -> Record:
    """A REPORT line; the trace is on a line of its own, or after the other keys."""
    words = [form.format(said[field]) for field, form in WORDS.items() if field in said]
    trace = f"XRAY TraceId: {said['traceId']}\tSegmentId: 0123456789abcdef\tSampled: true" if "traceId" in said else ""
    line = "\t".join([f"REPORT RequestId: {request}", *words, "\n" if apart else ""]) + trace
    return {**NOTHING, **said, "requestId": request, "type": "platform.report", "message": line}


def start(request: str, version: str) -> Record:
    line = f"START RequestId: {request} Version: {version}"
    return {**NOTHING, "requestId": request, "type": "platform.start", "version": version, "message": line}


def end(request: str) -> Record:
    return {**NOTHING, "requestId": request, "type": "platform.end", "message": f"END RequestId: {request}"}


def of_code(said: Record, text: str, *, python: bool) -> Record:
    at, request, level = iso(said["at"], "milliseconds"), said["requestId"], said["level"]
    line = f"[{level}]\t{at}\t{request}\t{text}" if python else f"{at}\t{request}\t{level}\t{text}"
    return {**NOTHING, "requestId": request, "level": level, "message": line}


REPORT = st.builds(report, UUID, st.fixed_dictionaries(ALWAYS, optional=OPTIONAL), apart=st.booleans())
PLATFORM = st.builds(start, UUID, VERSION) | st.builds(end, UUID) | REPORT
SAID = {"at": AT_MILLISECOND, "requestId": UUID, "level": st.sampled_from(("INFO", "WARN", "DEBUG"))}
OF_CODE = st.builds(of_code, st.fixed_dictionaries(SAID), client(without=""), python=st.booleans())
GROUP, STREAM = "/aws/lambda/orders-fn", "2026/11/05/[7]0123456789abcdef0123456789abcdef"


@QUICK
@given(several(PLATFORM | OF_CODE))
def test_events_come_back(found: list[Record]) -> None:
    """Holds for lines of the code in the runtimes' default forms, whatever text and lines follow in them."""
    events = envelope(*(record["message"] for record in found), group=GROUP, stream=STREAM).decode()
    expected = [{"version": "7", "functionName": "orders-fn"} | record for record in found]
    assert_back("lambda_log", expected, events)


FREE = client(without="").filter(lambda text: text and not text.startswith(("{", "2", "[")))


@QUICK
@given(several(FREE.map(lambda text: {**NOTHING, "message": text, "requestId": None})))
def test_lines_of_the_code_in_no_form_come_back_whole(found: list[Record]) -> None:
    events = envelope(*(record["message"] for record in found), group=GROUP, stream=STREAM).decode()
    assert_back("lambda_log", found, events)
