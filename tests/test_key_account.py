"""The account within an id: known pairs, ids of the old scheme, and texts that are no ids."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.key_account import account_of


def with_account(account: int, prefix: str = "AROA") -> str:
    """An id of the new scheme: a set bit, 40 bits of the account, 7 others."""
    bits = (1 << 47 | account << 7 | 0x55).to_bytes(6, "big")
    return prefix + base64.b32encode(bits + b"\0\0\0\0").decode() + "A"


def test_a_key_holds_its_account() -> None:
    assert account_of("ASIARTX3GSDSVIJVPG67") == "111122223333"


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAJZ5FBXW6BLKSCUJQ",
        "ASIAEXAMPLEKEY000001",
        "ASIAR0189GSDSVIJVPG67",
        "asiartx3gsdsvijvpg67",
        "ASIARTX3GS",
        "ASIA",
        "",
        "AKIA\N{SNOWMAN}\N{SNOWMAN}\N{SNOWMAN}\N{SNOWMAN}\N{SNOWMAN}\N{SNOWMAN}\N{SNOWMAN}\N{SNOWMAN}\N{SNOWMAN}\N{SNOWMAN}",
        "AROA7777777777777777",
    ],
)
def test_an_id_of_the_old_scheme_or_no_id_holds_none(text: str) -> None:
    assert account_of(text) is None


@given(st.integers(0, 999_999_999_999), st.sampled_from(["AKIA", "ASIA", "AROA", "AIDA"]))
def test_every_account_comes_back_out_of_an_id(account: int, prefix: str) -> None:
    assert account_of(with_account(account, prefix)) == f"{account:012d}"


@given(st.text())
def test_no_text_raises(text: str) -> None:
    found = account_of(text)
    assert found is None or len(found) == 12
