"""Lambda logs as CloudWatch Logs subscription envelopes that Firehose wrote to S3.

Source: Working with Lambda function logs; Log group-level subscription filters; Understand data
delivery in Amazon Data Firehose. An object is several gzip members, a member
one or more envelopes with nothing between them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from forensics.simulate.storage import Storage, gzip_bytes
from forensics.simulate.world import ACCOUNT, REGION, Credential, Function, Ids, Json, iso_ms, window_of

BUCKET = "example-lambda-logs"
STREAM = "to-archive-1"
FILTER = "to-archive"

_ENVELOPE_EVENTS = 200
_RUNTIME_ARN = f"arn:aws:lambda:{REGION}::runtime:0123456789abcdefexample"


@dataclass(frozen=True)
class Environment:
    """An execution environment: one log stream and one key, from `started` to `stopped` (epoch seconds)."""

    function: Function
    stream: str
    credential: Credential
    started: int
    stopped: int


@dataclass(frozen=True)
class Run:
    """One invocation; `lines` are (level, message), `status` success, error or timeout."""

    request_id: str
    started_ms: int
    duration_ms: float
    memory_mb: int
    lines: tuple[tuple[str, str], ...] = ()
    status: str = "success"
    init_ms: float | None = None

    @property
    def ended_ms(self) -> int:
        """Epoch milliseconds of the end."""
        return self.started_ms + int(self.duration_ms)


@dataclass
class LambdaLogs:
    """Takes log events in any order and writes one Firehose object per five minutes."""

    storage: Storage
    ids: Ids
    pending: dict[int, dict[tuple[str, str], list[tuple[int, str]]]] = field(default_factory=dict)
    greeted: bool = False

    def add(self, environment: Environment, milliseconds: int, message: str) -> None:
        """Take one log event of an environment, at epoch milliseconds."""
        groups = self.pending.setdefault(window_of(milliseconds // 1000), {})
        key = (f"/aws/lambda/{environment.function.name}", environment.stream)
        groups.setdefault(key, []).append((milliseconds, message))

    def run(self, environment: Environment, run: Run) -> None:
        """Writes every line of an invocation, in the function's log format."""
        lines = _json_lines if environment.function.json_logs else _text_lines
        for milliseconds, message in lines(environment.function, run):
            self.add(environment, milliseconds, message)

    def deliver(self, before: int) -> None:
        """Writes the objects of all windows that start before a moment."""
        for window in sorted(window for window in self.pending if window < before):
            self._write(window, self.pending.pop(window))

    def _write(self, window: int, groups: dict[tuple[str, str], list[tuple[int, str]]]) -> None:
        envelopes = [self._control(window)] if not self.greeted else []
        self.greeted = True
        records = 0
        for (group, stream), events in sorted(groups.items()):
            events.sort(key=lambda event: event[0])
            records += len(events)
            envelopes += self._envelopes(group, stream, events)
        body = b"".join(gzip_bytes(member.encode()) for member in _members(envelopes))
        moment = datetime.fromtimestamp(window, UTC)
        name = f"{STREAM}-{moment:%Y-%m-%d-%H-%M-%S}-{self.ids.uuid()}"
        self.storage.put(f"{BUCKET}/{moment:%Y/%m/%d/%H}/{name}", body, source="lambda_log", records=records)

    def _envelopes(self, group: str, stream: str, events: list[tuple[int, str]]) -> Iterator[str]:
        for first in range(0, len(events), _ENVELOPE_EVENTS):
            batch = [
                {"id": self._event_id(milliseconds), "timestamp": milliseconds, "message": message}
                for milliseconds, message in events[first : first + _ENVELOPE_EVENTS]
            ]
            yield _envelope("DATA_MESSAGE", (ACCOUNT, group, stream), batch)

    def _control(self, window: int) -> str:
        text = "CWL CONTROL MESSAGE: Checking health of destination Firehose."
        event = {"id": "", "timestamp": window * 1000, "message": text}
        return _envelope("CONTROL_MESSAGE", ("CloudwatchLogs", "", ""), [event])

    def _event_id(self, milliseconds: int) -> str:
        return f"{milliseconds * 21_700:017d}{self.ids.rng.randrange(10**39):039d}"


def _envelope(kind: str, place: tuple[str, str, str], events: list[Json]) -> str:
    owner, group, stream = place
    envelope = {
        "messageType": kind,
        "owner": owner,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": [FILTER] if group else [],
        "logEvents": events,
    }
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False)


def _members(envelopes: list[str]) -> Iterator[str]:
    for first in range(0, len(envelopes), 2):
        yield "".join(envelopes[first : first + 2])


def _text_lines(function: Function, run: Run) -> Iterator[tuple[int, str]]:
    if run.init_ms is not None:
        version = f"Runtime Version: {function.runtime}.v35\tRuntime Version ARN: {_RUNTIME_ARN}"
        yield run.started_ms - int(run.init_ms), f"INIT_START {version}\n"
    yield run.started_ms, f"START RequestId: {run.request_id} Version: $LATEST\n"
    for place, (level, text) in enumerate(run.lines):
        moment = run.started_ms + int(run.duration_ms * (place + 1) / (len(run.lines) + 1))
        head = f"[{level}]" if level == "ERROR" else f"[{level}]\t{iso_ms(moment)}\t{run.request_id}"
        yield moment, f"{head}{' ' if level == 'ERROR' else chr(9)}{text}\n"
    if run.status == "timeout":
        yield (
            run.ended_ms,
            f"{iso_ms(run.ended_ms)} {run.request_id} Task timed out after {function.timeout}.00 seconds\n\n",
        )
    yield run.ended_ms, f"END RequestId: {run.request_id}\n"
    yield run.ended_ms, f"REPORT {_report(function, run)}\t\n"


def _report(function: Function, run: Run) -> str:
    parts = [
        f"RequestId: {run.request_id}",
        f"Duration: {run.duration_ms:.2f} ms",
        f"Billed Duration: {int(run.duration_ms) + 1} ms",
        f"Memory Size: {function.memory_mb} MB",
        f"Max Memory Used: {run.memory_mb} MB",
    ]
    parts += [f"Init Duration: {run.init_ms:.2f} ms"] if run.init_ms is not None else []
    parts += [f"Status: {run.status}"] if run.status == "timeout" else []
    return "\t".join(parts)


def _json_lines(function: Function, run: Run) -> Iterator[tuple[int, str]]:
    if run.init_ms is not None:
        start = {
            "functionName": function.name,
            "functionVersion": "$LATEST",
            "initializationType": "on-demand",
        }
        start |= {
            "phase": "init",
            "runtimeVersion": f"{function.runtime}.v35",
            "runtimeVersionArn": _RUNTIME_ARN,
        }
        yield _platform(run.started_ms - int(run.init_ms), "platform.initStart", start)
    yield _platform(run.started_ms, "platform.start", {"requestId": run.request_id, "version": "$LATEST"})
    for place, (level, text) in enumerate(run.lines):
        moment = run.started_ms + int(run.duration_ms * (place + 1) / (len(run.lines) + 1))
        record = {"timestamp": iso_ms(moment), "level": level, "message": text, "logger": "root"}
        yield moment, json.dumps(record | {"requestId": run.request_id})
    metrics: Json = {"durationMs": round(run.duration_ms, 3)}
    done = {"requestId": run.request_id, "status": run.status, "metrics": metrics | {"producedBytes": 62}}
    yield _platform(run.ended_ms, "platform.runtimeDone", done)
    metrics |= {"billedDurationMs": int(run.duration_ms) + 1, "memorySizeMB": function.memory_mb}
    metrics |= {"maxMemoryUsedMB": run.memory_mb}
    metrics |= {"initDurationMs": round(run.init_ms, 3)} if run.init_ms is not None else {}
    report = {"requestId": run.request_id, "metrics": metrics, "status": run.status}
    yield _platform(run.ended_ms, "platform.report", report)


def _platform(milliseconds: int, kind: str, record: Json) -> tuple[int, str]:
    return milliseconds, json.dumps({"time": iso_ms(milliseconds), "type": kind, "record": record})
