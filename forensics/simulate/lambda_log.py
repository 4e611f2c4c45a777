"""Logs of Lambda functions: the lines of each invocation, as text or JSON, in the stream of its environment.

Source: Working with Lambda function logs.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.simulate.ledger import Ask
from forensics.simulate.log_groups import LogEvent, LogGroups, Place
from forensics.simulate.world import REGION, Credential, Function, Json, iso_ms

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
class LambdaLogs(LogGroups):
    """The log groups of functions."""

    def add(self, environment: Environment, milliseconds: int, message: str) -> None:
        """Take one log event of an environment, at epoch milliseconds."""
        place = Place(f"/aws/lambda/{environment.function.name}", environment.stream)
        self.put(place, LogEvent(milliseconds, message, (Ask("endpoint", "workload", environment.function.arn),)))

    def run(self, environment: Environment, run: Run) -> None:
        """Writes every line of an invocation, in the function's log format."""
        lines = _json_lines if environment.function.json_logs else _text_lines
        for milliseconds, message in lines(environment.function, run):
            self.add(environment, milliseconds, message)


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
