"""The account that an id of IAM holds within: a hint, never proof."""

import base64
import binascii

_PREFIX = 4
_ENCODED = slice(_PREFIX, _PREFIX + 10)
"""Characters that hold the first 48 bits, of which 40 are the account."""
_MASK = 0x7FFFFFFFFF80
_LOWEST = 7
_NEW = 1 << 47
"""Set in ids that hold an account; ids of before 2019 (`AKIAI…`, `ASIAJ…`) do not have it."""
_LAST_ACCOUNT = 999_999_999_999


def account_of(key_id: str) -> str | None:
    """The account whose key, role or user an id such as `ASIA…` or `AROA…` looks to be; None where it holds none.

    AWS does not document this, and published logs often have their account ids rewritten: use it to notice a foreign
    key, never as proof of whose it is.
    """
    try:
        bits = int.from_bytes(base64.b32decode(key_id[_ENCODED].ljust(16, "A"))[:6], "big")
    except (binascii.Error, ValueError):
        return None
    account = (bits & _MASK) >> _LOWEST
    whole = len(key_id) >= _ENCODED.stop and bits & _NEW and account <= _LAST_ACCOUNT
    return f"{account:012d}" if whole else None
