"""CloudTrail digests: times that none covers, chains of their own, files that no digest lists, and later loads."""

from collections import Counter
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.digests import validate
from forensics.simulate.digest_chain import Delivered, DigestChain
from forensics.simulate.world import iso
from tests.digest_chain import (
    BUCKET,
    HOUR,
    START,
    Trail,
    chain_of,
    keys,
    log_key,
    other_key,
    resigned,
    together,
)
from tests.loading import loaded, records, trail, zipped
from tests.test_digests import checked, name, problems


def test_a_stopped_trail_leaves_a_gap_that_its_calls_explain(tmp_path: Path) -> None:
    made = chain_of(2)
    made.hour(4, anew=True)
    stop = trail("StopLogging", eventSource="cloudtrail.amazonaws.com", eventTime=iso(START + 2 * HOUR - 60))
    stop |= {
        "requestParameters": {"name": "example-trail"},
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/dev"},
    }
    rows = checked(tmp_path, made.files | keys() | {"more/events.json": records(stop)})
    (row,) = (row for row in rows if row.status == "gap")
    assert (str(row.period_start), str(row.period_end)) == ("2026-11-05 02:00:00", "2026-11-05 04:00:00")
    assert "StopLogging by arn:aws:iam::111122223333:user/dev" in row.detail


def test_a_chain_that_begins_anew_without_a_reason_says_so(tmp_path: Path) -> None:
    made = chain_of(2)
    made.hour(4, anew=True)
    (row,) = (row for row in checked(tmp_path, made.files | keys()) if row.status == "gap")
    assert "No call in evidence explains it" in row.detail


def test_time_left_out_between_two_digests_of_a_chain_is_a_gap(tmp_path: Path) -> None:
    made = chain_of(2)
    made.hour(3)
    (row,) = (row for row in checked(tmp_path, made.files | keys()) if row.status == "gap")
    assert (str(row.period_start), str(row.period_end)) == ("2026-11-05 02:00:00", "2026-11-05 03:00:00")


def test_digests_that_changed_places_are_altered(tmp_path: Path) -> None:
    made = chain_of()
    second, third = made.chain.made[1:3]
    made.put(second, at=third.key)
    made.put(third, at=second.key)
    rows = checked(tmp_path, made.files | keys())
    assert Counter(row.status for row in rows)["altered"] == 2
    assert "lies under another's name" in next(row.detail for row in rows if row.status == "altered")


def test_a_digest_copied_over_another_hides_nothing(tmp_path: Path) -> None:
    made = chain_of()
    second, third = made.chain.made[1:3]
    made.put(second, at=third.key)
    found = problems(checked(tmp_path, made.files | keys()))
    assert ("altered", name(second.key)) in found
    assert ("missing_digest", name(third.key)) in found


def test_backfill_digests_are_a_chain_of_their_own(tmp_path: Path) -> None:
    made, late = chain_of(), Trail(DigestChain(BUCKET, backfill=True))
    log = late.log(START + 2 * HOUR + 60, 999)
    late.put(late.chain.deliver(START + 2 * HOUR, START + 3 * HOUR, [log], anew=True))
    rows = checked(tmp_path, together(made, late, more=[keys()]))
    assert problems(rows) == []
    assert [row.detail for row in rows if "backfill" in (row.uri or "")] == ["backfill digest: its signature holds"]


def test_a_forged_backfill_digest_is_altered(tmp_path: Path) -> None:
    made, late = chain_of(), Trail(DigestChain(BUCKET, backfill=True))
    log = late.log(START + 2 * HOUR + 60, 999)
    late.put(resigned(late.chain.deliver(START + 2 * HOUR, START + 3 * HOUR, [log], anew=True), other_key()))
    found = problems(checked(tmp_path, together(made, late, more=[keys()])))
    assert [status for status, _ in found] == ["altered", "unverified"]


def test_a_planted_log_file_is_not_covered(tmp_path: Path) -> None:
    made = chain_of()
    planted = made.log(START + 2 * HOUR + 60, 777).key
    rows = checked(tmp_path, made.files | keys())
    assert problems(rows) == [("not_covered", name(planted))]
    assert "planted, or delivered late" in next(row.detail for row in rows if row.status != "valid")


@pytest.mark.parametrize(
    ("hour", "status", "why"),
    [
        (-2, "unverified", "before the first digest"),
        (5.5, "unverified", "not yet there"),
        (6.5, "unverified", "not yet there"),
        (9, "not_covered", "the newest in evidence ends before it"),
    ],
)
def test_log_files_outside_of_the_chain(tmp_path: Path, hour: float, status: str, why: str) -> None:
    made = chain_of()
    key = made.log(START + int(hour * HOUR), 777).key
    rows = checked(tmp_path, made.files | keys())
    assert problems(rows) == [(status, name(key))]
    assert why in next(row.detail for row in rows if row.status != "valid")


def test_log_files_of_another_trail_are_told_from_planted_ones(tmp_path: Path) -> None:
    made, other = chain_of(), Trail(DigestChain("other-logs"), folder="other-logs")
    key = other.log(START + 2 * HOUR + 60, 777).key
    rows = checked(tmp_path, together(made, other, more=[keys()]))
    assert problems(rows) == [("not_covered", name(key))]
    assert "another trail's, perhaps" in next(row.detail for row in rows if row.status != "valid")


def test_a_region_without_any_digest_is_not_covered(tmp_path: Path) -> None:
    made, other = chain_of(), Trail(DigestChain(BUCKET, region="eu-west-1"))
    other.log(START, 1)
    other.log(START + 60, 2)
    rows = checked(tmp_path, together(made, other, more=[keys()]))
    (row,) = (row for row in rows if row.status != "valid")
    assert (row.status, row.region, row.uri) == ("not_covered", "eu-west-1", None)
    assert "not one digest is in evidence, and 2 of its log files are" in row.detail


def test_accounts_regions_and_organisations_are_chains_of_their_own(tmp_path: Path) -> None:
    whole = chain_of(3, organisation="o-exampleorgid")
    second = chain_of(3, organisation="o-exampleorgid", account="444455556666")
    third = chain_of(3, organisation="o-exampleorgid", region="eu-west-1")
    third.remove(third.chain.made[1].key)
    rows = checked(tmp_path, together(whole, second, third, more=[keys()]))
    assert {(row.account_id, row.region, row.status) for row in rows} == {
        ("111122223333", "us-east-1", "valid"),
        ("444455556666", "us-east-1", "valid"),
        ("111122223333", "eu-west-1", "valid"),
        ("111122223333", "eu-west-1", "missing_digest"),
        ("111122223333", "eu-west-1", "unverified"),
    }


def test_a_damaged_digest_is_altered(tmp_path: Path) -> None:
    made = chain_of()
    key = made.chain.made[2].key
    made.edit(key, b'{"awsAccountId": "111122223333"}')
    found = problems(checked(tmp_path, made.files | keys()))
    assert ("altered", name(key)) in found and ("missing_digest", name(key)) in found


def test_a_case_without_digests_reads_nothing_and_says_that_nothing_is_proved(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {log_key(1, START): zipped(records(trail()))})
        assert case.sql("SELECT count(*) FROM digest_check").rows() == [(0,)]
        report = validate(case)
        assert not report.ok and str(report).startswith("No digest of CloudTrail is in evidence")
        assert list(report.df().columns)[:3] == ["account_id", "region", "trail"]


def test_a_second_load_hashes_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from forensics import digest_logs

    seen: list[int] = []
    hashes = digest_logs.hashes
    monkeypatch.setattr(digest_logs, "hashes", lambda root, stored: seen.append(len(stored)) or hashes(root, stored))
    made = chain_of()
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", made.files | keys())
        made.hour(6)
        loaded(case, tmp_path / "logs", made.files)
        assert validate(case).ok
    assert seen == [12, 2, 14]


def test_what_is_altered_in_the_case_itself_shows_when_validated(tmp_path: Path) -> None:
    made = chain_of()
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", made.files | keys(), resolve=False)
        row = case.sql("SELECT stored_at FROM evidence WHERE ends_with(uri, ?)", [made.logs[0][0]]).rows()[0]
        path = case.path / row[0]
        path.chmod(0o644)
        path.write_bytes(zipped(records(trail("GetUser"))))
        assert validate(case).counts == {"altered": 1, "valid": 17}


def test_a_copy_that_was_listed_as_duplicate_counts(tmp_path: Path) -> None:
    made = chain_of()
    copies = {f"copy/{path}": data for path, data in made.files.items()}
    rows = checked(tmp_path, made.files | copies | keys())
    assert problems(rows) == [] and len(rows) == 36


def test_a_digest_lists_files_that_have_other_names(tmp_path: Path) -> None:
    made = Trail(DigestChain(BUCKET))
    made.put(made.chain.deliver(START, START + HOUR, [Delivered.of("odd'name", b"{}")], anew=True))
    assert problems(checked(tmp_path, made.files | keys())) == [("unverified", "odd'name")]
