"""The cards of evidence itself: a case as a whole, an object with its custody, a record as it stands there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.errors import AmbiguousName
from tests.loading import loaded, records, trail

FOLDER = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/"
WHOLE = records(*(trail(eventID=f"event-{number:04d}", userAgent="x\x1b[31m") for number in range(3)))
CUT = records(trail(eventID="event-9999"), trail(eventID="event-9998"))[:-40]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    root = tmp_path_factory.mktemp("evidence")
    with Case.create(root / "case") as made:
        loaded(
            made, root / "logs", {f"{FOLDER}whole.json": WHOLE, f"{FOLDER}cut.json": CUT, "photo.jpg": b"\xff\xd8\xff"}
        )
        yield made


def object_of(case: Case, name: str) -> str:
    return str(case.sql("SELECT object_id FROM evidence WHERE ends_with(uri, ?)", (name,)).rows()[0][0])


def said(card: object) -> dict[str | None, str]:
    return {answer.certainty: answer.text for answer in card.answers()}  # type: ignore[attr-defined]


# The case


def test_a_case_says_what_it_holds_what_did_not_load_and_what_has_not_been_asked(case: Case) -> None:
    answers = said(case.card())

    assert answers["objects"] == "3 objects = 1 loaded + 1 partial + 1 unrecognised; 1 record rejected."
    assert answers["evidence"].startswith("4 records of 1 source between 2026-11-05 09:00:00 and 10:00:00 UTC")
    assert answers["findings"] == "No finding is in evidence."
    assert "not run on this case" in answers["rules"]
    assert answers["resolved"] == "Who and what is resolved, of all that is loaded."


def test_a_case_shows_why_records_and_objects_did_not_load(case: Case) -> None:
    text = repr(case)

    assert "Objects that did not load" in text
    assert "Records that did not load" in text
    assert "accounts" in text
    assert "Timeline(case)" in text.split("Go on with")[1]


def test_a_case_that_waits_for_loading_says_so(tmp_path: Path) -> None:
    from forensics import evidence
    from tests.loading import put

    with Case.create(tmp_path / "case") as made:
        evidence.add(made, put(tmp_path / "logs", {f"{FOLDER}whole.json": WHOLE}))
        assert said(made.card())["pending"] == "1 object not loaded yet: run `forensics load`."


def test_a_closed_case_is_still_named(tmp_path: Path) -> None:
    made = Case.create(tmp_path / "case")
    made.close()

    assert repr(made) == f"case {tmp_path / 'case'}, which is closed or cannot be read"


# An object


def test_an_object_is_found_by_the_beginning_of_its_id_its_hash_or_its_uri(case: Case) -> None:
    made = case.evidence(object_of(case, "whole.json"))

    assert case.evidence(made.object_id[:8]) == case.evidence(made.sha256) == case.evidence(made.uri) == made


def test_an_object_says_that_its_bytes_are_as_acquired_and_who_took_it_in(case: Case) -> None:
    made = case.evidence(object_of(case, "whole.json"))

    assert said(made)["as acquired"].startswith("The stored bytes have the SHA-256 that was acquired")
    assert said(made)["loaded"] == "3 records loaded, 0 records rejected."
    assert [row[4].split()[0] for row in made.custody.rows()] == ["add"]
    assert made.times.rows()[0][2] == 3


def test_an_object_shows_what_did_not_load_of_it_and_why(case: Case) -> None:
    made = case.evidence(object_of(case, "cut.json"))

    assert (made.status, made.records, made.rejected) == ("partial", 1, 1)
    assert "Did not load" in str(made)
    assert said(case.evidence(object_of(case, "photo.jpg")))["unrecognised"].startswith("0 records loaded")


def test_an_object_whose_bytes_were_altered_or_lost_says_so(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as made:
        loaded(made, tmp_path / "logs", {f"{FOLDER}whole.json": WHOLE})
        found = made.evidence(object_of(made, "whole.json"))
        stored = made.path / str(found.stored_at)
        stored.chmod(0o600)
        stored.write_bytes(WHOLE + b" ")
        assert found.verified[0] == "altered"
        assert "is not the bytes acquired" in str(made.record("event-0001"))
        stored.unlink()
        assert found.verified[0] == "missing"


def test_a_beginning_that_several_objects_share_is_met_with_all_of_them(tmp_path: Path) -> None:
    said = (
        "INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, status) VALUES (?, ?, ?, 1, now(), 'pending')"
    )
    with Case.create(tmp_path / "case") as made:
        made.connection.executemany(said, [[f"zzzz{end}", f"s3://b/{end}", end * 64] for end in "12"])
        with pytest.raises(AmbiguousName, match="2 objects are named 'zzzz'; give one of: zzzz1, zzzz2"):
            made.evidence("zzzz")


# A record


def test_a_record_is_shown_as_evidence_has_it_indented_its_control_characters_visible(case: Case) -> None:
    text = str(case.record("event-0001"))

    assert '  "eventID": "event-0001"' in text
    assert "\x1b" not in text
    assert "[31m" in text


def test_a_record_is_found_by_its_place_too(case: Case) -> None:
    place = f"{object_of(case, 'whole.json')}#2"

    assert case.record(place).event_id == "event-0002"


def test_a_record_that_no_workload_is_known_of_says_so(case: Case) -> None:
    assert said(case.record("event-0001")) == {None: "It is attributed to no workload: no record says whose it is."}
