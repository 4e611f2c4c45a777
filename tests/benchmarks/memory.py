"""What a command and all processes it starts use: resident memory together, sampled from /proc, and processor time."""

import resource
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.02
"""Seconds between samples."""

_PAGE_KB = 4
"""Kilobytes a page, as on x86-64."""


@dataclass(frozen=True)
class Use:
    """What a command printed, its peak in MB (shared pages count once a process), and its processor seconds."""

    output: str
    peak: float
    cpu: float


def run(command: list[str]) -> Use:
    """Run a command to its end. Raises SystemExit if it fails."""
    before = _cpu()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        samples = [0.0]
        thread = threading.Thread(target=_watch, args=(process, samples))
        thread.start()
        output, errors = process.communicate()
        thread.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{errors}")
    return Use(output, max(samples), _cpu() - before)


def _cpu() -> float:
    """Processor seconds of the processes that have ended, and of those they waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: "subprocess.Popen[str]", samples: list[float]) -> None:
    while process.poll() is None:
        samples.append(max(samples.pop(), sum(map(_resident, _tree(process.pid)))))
        time.sleep(EVERY)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for number in found:
        for tasks in Path(f"/proc/{number}/task").glob("*/children"):
            found.extend(map(int, _text(tasks).split()))
    return found


def _resident(pid: int) -> float:
    fields = _text(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * _PAGE_KB / 1024 if fields else 0.0


def _text(path: Path) -> str:
    """The text of a file of /proc; "" once the process is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""
