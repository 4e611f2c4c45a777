"""Public logs: every key that made calls is linked with its issuance or classed, with few that stay unknown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics import evidence, lineage
from forensics.case import Case
from forensics.load import load

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the public sample logs are not beside this repository")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """A case of all files."""
    with Case.create(tmp_path_factory.mktemp("real") / "case") as made:
        evidence.add(made, DATA)
        load(made)
        yield made


def one(case: Case, sql: str, *values: object) -> tuple[Any, ...]:
    (row,) = case.sql(sql, list(values)).rows()
    return row


def test_every_temporary_key_that_made_calls_is_linked_or_classed(case: Case) -> None:
    row = one(
        case,
        """
SELECT count(*), count(coalesce(issuance_event_id, class)), count(*) FILTER (class = 'unknown')
FROM credential WHERE kind = 'temporary' AND first_used IS NOT NULL""",
    )
    used, told, unknown = row
    assert used == told > 70
    assert unknown <= used / 10


def test_every_key_that_made_calls_without_an_issuance_has_one_gap(case: Case) -> None:
    keys = "SELECT access_key_id FROM credential WHERE first_used IS NOT NULL AND issuance_event_id IS NULL"
    assert case.sql(f"{keys} EXCEPT ALL SELECT access_key_id FROM lineage_gap").rows() == []
    assert case.sql(f"SELECT access_key_id FROM lineage_gap EXCEPT ALL {keys}").rows() == []
    assert one(case, "SELECT count(*) FROM lineage_gap WHERE statement IS NULL OR class IS NULL") == (0,)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("ASIASTJKC5GCM7ZE6LUP", (None, "recorded", "AKIA6V1GNZTT65XQH36M")),
        ("ASIAVBW53AN5I5KLEGVJ", (None, "recorded", None)),
        ("ASIAYWBFNAMSDZL4ENZK", ("forward_access", None, None)),
        ("ASIAVBW53AN5NDLERVB3", ("service_linked", None, None)),
        ("ASIAP5CT9NN8EYVU1FXV", ("workload", None, None)),
        ("ASIAZTHNIDQRCD53GXGD", ("console", None, None)),
        ("ASIA6FTSFH98XNF7DFZB", ("before_logs", None, None)),
        ("AKIA6V1GNZTT65XQH36M", ("long_term", None, None)),
    ],
)
def test_keys_are_what_a_reader_of_their_records_finds(case: Case, key: str, expected: tuple[Any, ...]) -> None:
    columns = "class, issuance_certainty, issued_by_access_key_id"
    assert one(case, f"SELECT {columns} FROM credential WHERE access_key_id = $1", key) == expected


def test_a_federated_session_is_followed_to_the_user_who_opened_it(case: Case) -> None:
    (row,) = lineage.origin(case, "ASIASTJKC5GCM7ZE6LUP").rows()
    assert row[0] == "long-term key"
    assert row[3].endswith(":user/stratus-red-team-user-federation-user")


def test_every_call_on_behalf_has_a_row_and_is_attributed_to_none(case: Case) -> None:
    made = one(
        case,
        """
SELECT count(DISTINCT s.event_id) FROM cloudtrail AS s JOIN identity AS i ON i.identity_key = s.identity_key
WHERE s.user_identity_invoked_by <> '' AND i.kind IN ('user', 'role', 'root', 'federated_user')""",
    )
    assert made[0] > 0
    assert one(case, "SELECT count(DISTINCT event_id) >= $1 FROM on_behalf", made[0]) == (True,)
    issued = "SELECT count(*) FROM attribution AS a JOIN on_behalf AS o ON o.event_id = a.event_id"
    assert one(case, f"{issued} WHERE a.question = 'issued_to'") == (0,)


def test_an_automation_is_the_cause_of_what_it_looked_up(case: Case) -> None:
    rows = case.sql("""
SELECT DISTINCT c.event_name, o.certainty
FROM on_behalf AS o JOIN cloudtrail AS s ON s.event_id = o.event_id JOIN cloudtrail AS c ON c.event_id = o.cause_event_id
WHERE s.event_name = 'DescribeInstances' AND s.user_identity_invoked_by = 'ssm.amazonaws.com'""").rows()
    assert rows == [("StartAutomationExecution", "matched")]
