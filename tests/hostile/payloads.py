"""Texts that do something where they are taken for more than text, put into every text field of a made-up incident."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

RUN = "window.__fired=1"
"""What a payload does in a browser: the traps look for it."""

PAYLOADS = (
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f'"><img src=x onerror="{RUN}">',
    f"'><svg onload={RUN}>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    "<iframe src=http://collect.example/frame></iframe><object data=//collect.example/o></object>",
    f'<a href="javascript:{RUN}">link</a>',
    f"[click](javascript:{RUN}) ![x](http://collect.example/md.png) <http://collect.example/auto>",
    f"javascript:{RUN}//",
    f'<b>bold</b><extra></extra><a href="javascript:{RUN}">label</a>%{{x}}<br>',
    f"$\\href{{javascript:{RUN}}}{{math}}$ $$\\require{{html}}\\style{{color:red}}{{x}}$$ \\(x\\)",
    "<link rel=stylesheet href=//collect.example/css><style>@import '//collect.example/c';*{display:none}</style>",
    "<meta http-equiv=refresh content='0;url=http://collect.example/'><base href=http://collect.example/>",
    f"<form action=http://collect.example/><input autofocus onfocus={RUN}></form>",
    "{{ 7*7 }}{% raw %}{{ cycler.__init__.__globals__ }}{% endraw %}${7*7}#{7*7}<%= 7*7 %>",
    '"""\nimport os; os.system("touch /tmp/forensics-owned")\n"""',
    "'; import os; os.system('touch /tmp/forensics-owned') #",
    "=cmd|'/C calc'!A0",
    "\x1b]52;c;b3duZWQ=\x07\x1b]8;;http://collect.example\x07link\x1b]8;;\x07\x1b]0;owned\x07\x1b[2J",
    "\u202egpj.exe\u2066\u2069\u200b",
    "-->]]><!--<![CDATA[",
    "`touch /tmp/forensics-owned`$(touch /tmp/forensics-owned)",
    "a\0b\r\nc\u2028d",
)

_KEPT = re.compile(
    r"(?:time|date|version|type|region|account|source$|eventname|eventsource|awsregion|id$|ids$|arn$|address|key$|status|state)",
    re.IGNORECASE,
)
"""Names of members that tell what a record is, when and whose: poisoned in a copy of the record only."""
_TEXTS = re.compile(r'"([^"\n]*)"')


def poisoned(logs: Path) -> None:
    """Put a payload into each text field of all logs under a folder: of each record, and all of them in a copy of it."""
    texts = cycle(PAYLOADS)
    for path in sorted(item for item in logs.rglob("*") if item.is_file()):
        data = path.read_bytes()
        packed = data[:2] == b"\x1f\x8b"
        made = _text((gzip.decompress(data) if packed else data).decode("utf-8", "surrogateescape"), texts)
        raw = made.encode("utf-8", "surrogateescape")
        path.write_bytes(gzip.compress(raw, 1, mtime=0) if packed else raw)


def _text(text: str, texts: Iterator[str]) -> str:
    try:
        return json.dumps(_document(json.loads(text), texts))
    except ValueError:
        return "\n".join(_line(line, texts) for line in text.split("\n"))


def _line(line: str, texts: Iterator[str]) -> str:
    try:
        held = json.loads(line)
    except ValueError:
        return _TEXTS.sub(lambda found: f'"{found[1]}{_plain(next(texts))}"', line)
    if not isinstance(held, dict | list):
        return line
    return json.dumps(_document(held, texts))


def _plain(text: str) -> str:
    """What can stand in quotes on a line of a log."""
    return re.sub(r'["\n\r\0\\ ]', "/", text)


def _document(held: Any, texts: Iterator[str]) -> Any:
    records = held.get("Records") if isinstance(held, dict) else None
    if isinstance(records, list):
        copies = [_in(record, texts, everywhere=True) for record in records[:20]]
        return {**held, "Records": [_in(record, texts) for record in records] + copies}
    return _in(held, texts)


def _in(held: Any, texts: Iterator[str], name: str = "", *, everywhere: bool = False) -> Any:
    if isinstance(held, dict):
        return {key: _in(value, texts, key, everywhere=everywhere) for key, value in held.items()}
    if isinstance(held, list):
        return [_in(value, texts, name, everywhere=everywhere) for value in held]
    if not isinstance(held, str):
        return held
    if name == "message" and held[:1] == "{":
        return _text(held, texts)
    if name in ("eventTime", "eventVersion", "eventSource") or (_KEPT.search(name) and not everywhere):
        return held
    return held + next(texts)
