"""Names of things put into Terraform and shell text, so that none of them ends its quotes or starts anything."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from shlex import quote

from forensics.output import visible


def hcl(text: str) -> str:
    """A quoted string of HCL (page "Strings and Templates"): no template of it is evaluated."""
    escaped = json.dumps(text).replace("${", "$${").replace("%{", "%%{")
    return re.sub(r"(?:\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})+", lambda found: json.loads(f'"{found[0]}"'), escaped)


def shell(text: str) -> str:
    """One word of a POSIX shell; of a text with control characters, one of bash."""
    if visible(text) == text:
        return quote(text)
    return "$'" + "".join(_escaped(sign) for sign in text) + "'"


def comment(text: str) -> str:
    """A comment of one line, in HCL and in a shell alike."""
    return f"# {visible(' '.join(text.split()))}"


def label(*parts: str) -> str:
    """A name of a Terraform resource, the same for the same parts and for no others."""
    words = re.sub(r"[^a-z0-9]+", "_", "_".join(parts).lower()).strip("_")[:40]
    return f"{words or 'this'}_{sha256(chr(0).join(parts).encode()).hexdigest()[:6]}"


def _escaped(sign: str) -> str:
    if sign in "'\\":
        return f"\\{sign}"
    return sign if visible(sign) == sign else "".join(f"\\x{byte:02x}" for byte in sign.encode("utf-8", "replace"))
