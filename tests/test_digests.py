"""CloudTrail digests checked offline: an untouched chain holds, and every way of tampering is found and named."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.digests import validate
from forensics.simulate.digest_chain import DigestChain
from tests.digest_chain import (
    BUCKET,
    Trail,
    asked,
    chain_of,
    document,
    keys,
    other_key,
    resigned,
    together,
)
from tests.loading import loaded, records, trail

Found = list[tuple[str, str, str, str]]


def checked(tmp_path: Path, files: dict[str, bytes]) -> list[Any]:
    """What a validation says."""
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", files, resolve=False)
        return list(validate(case).rows)


def problems(rows: list[Any]) -> list[tuple[str, str]]:
    """Status and file name of all that does not hold."""
    return sorted((row.status, (row.uri or "").rpartition("/")[2]) for row in rows if row.status != "valid")


def name(key: str) -> str:
    return key.rpartition("/")[2]


def test_an_untouched_chain_holds(tmp_path: Path) -> None:
    rows = checked(tmp_path, chain_of().files | keys())
    assert Counter(row.status for row in rows) == {"valid": 6 + 12}


def test_a_load_fills_the_table_with_what_a_validation_says(tmp_path: Path) -> None:
    made = chain_of()
    made.remove(made.chain.made[2].key)
    made.remove(made.logs[4][0])
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", made.files | keys())
        rows = case.sql("SELECT * FROM digest_check").rows()
        assert len(rows) == 18
        assert rows == [tuple(vars(row).values()) for row in validate(case).rows]


def test_only_the_newest_digest_needs_its_metadata(tmp_path: Path) -> None:
    made = chain_of(heads=False)
    newest = made.chain.made[-1]
    made.files[f"{BUCKET}/{newest.key}.head.json"] = newest.head
    assert problems(checked(tmp_path, made.files | keys())) == []


def test_without_any_metadata_all_but_the_newest_digest_is_proved(tmp_path: Path) -> None:
    made = chain_of(heads=False)
    rows = checked(tmp_path, made.files | keys())
    newest = [made.chain.made[-1].key, *made.logs[-1]]
    assert problems(rows) == sorted(("unverified", name(key)) for key in newest)
    assert "its signature is not in evidence" in next(row.detail for row in rows if row.status == "unverified")


def test_metadata_that_s3_gave_has_the_signature(tmp_path: Path) -> None:
    made = chain_of(heads=False)
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", made.files | keys(), resolve=False)
        newest = made.chain.made[-1]
        metadata = json.dumps({"signature": newest.signature, "signature-algorithm": "SHA256withRSA"})
        case.connection.execute("UPDATE evidence SET metadata = ? WHERE ends_with(uri, ?)", [metadata, newest.key])
        assert validate(case).ok


def test_flat_unpacked_copies_are_matched_by_name(tmp_path: Path) -> None:
    import gzip

    made = chain_of()
    flat = {
        f"flat/{name(path).removesuffix('.gz')}" if path.endswith(".gz") else f"flat/{name(path)}": data
        for path, data in made.files.items()
    }
    flat = {
        path: gzip.decompress(data) if path.endswith(".json") and data[:2] == b"\x1f\x8b" else data
        for path, data in flat.items()
    }
    rows = checked(tmp_path, flat | keys())
    assert problems(rows) == [] and len(rows) == 18


def test_an_edited_log_file_is_altered(tmp_path: Path) -> None:
    made = chain_of()
    key = made.logs[2][0]
    made.edit(key, records(trail("GetUser")))
    rows = checked(tmp_path, made.files | keys())
    assert problems(rows) == [("altered", name(key))]
    (row,) = (row for row in rows if row.status == "altered")
    assert row.object_id and row.uri == f"s3://{BUCKET}/{key}" and str(row.period_start) == "2026-11-05 02:00:00"
    assert "the digest names" in row.detail


def test_a_log_file_that_is_no_gzip_any_more_is_altered(tmp_path: Path) -> None:
    made = chain_of()
    path = f"{BUCKET}/{made.logs[2][0]}"
    made.files[path] = made.files[path][:-9]
    rows = checked(tmp_path, made.files | keys())
    assert problems(rows) == [("altered", name(path))]


def test_a_deleted_log_file_is_missing(tmp_path: Path) -> None:
    made = chain_of()
    made.remove(made.logs[3][1])
    rows = checked(tmp_path, made.files | keys())
    assert problems(rows) == [("missing_log_file", name(made.logs[3][1]))]
    (row,) = (row for row in rows if row.status != "valid")
    assert "others of that digest are in evidence" in row.detail and row.object_id is None


def test_all_log_files_of_an_hour_deleted_are_missing(tmp_path: Path) -> None:
    made = chain_of()
    for key in made.logs[3]:
        made.remove(key)
    rows = checked(tmp_path, made.files | keys())
    assert problems(rows) == [("missing_log_file", name(key)) for key in made.logs[3]]
    assert "before and after" in next(row.detail for row in rows if row.status != "valid")


def test_log_files_that_were_never_acquired_are_not_called_deleted(tmp_path: Path) -> None:
    made = chain_of()
    for hour in made.logs:
        for key in hour:
            made.remove(key)
    rows = checked(tmp_path, made.files | keys())
    assert Counter(row.status for row in rows) == {"valid": 6, "unverified": 12}
    assert "may not have been acquired" in next(row.detail for row in rows if row.status == "unverified")


def test_an_edited_digest_is_altered_and_its_log_files_are_not_proved(tmp_path: Path) -> None:
    made = chain_of()
    third = made.chain.made[2]
    changed = document(third) | {"logFiles": document(third)["logFiles"][:1]}
    made.edit(third.key, json.dumps(changed, separators=(",", ":")).encode())
    rows = checked(tmp_path, made.files | keys())
    assert problems(rows) == sorted(
        [("altered", name(third.key)), ("unverified", name(made.logs[2][0])), ("unverified", name(made.logs[2][1]))]
    )
    details = {row.status: row.detail for row in rows}
    assert "the next digest, which holds, names" in details["altered"]


def test_the_newest_digest_edited_is_altered(tmp_path: Path) -> None:
    made = chain_of()
    newest = made.chain.made[-1]
    made.edit(newest.key, newest.content.replace(b'"logFiles":[', b'"logFiles": ['))
    rows = checked(tmp_path, made.files | keys())
    assert ("altered", name(newest.key)) in problems(rows)
    assert "does not hold against CloudTrail's key" in next(row.detail for row in rows if row.status == "altered")


@pytest.mark.parametrize("own_name", [False, True])
def test_a_digest_signed_again_with_another_key_is_altered(tmp_path: Path, own_name: bool) -> None:
    made = chain_of()
    newest = made.chain.made[-1]
    made.put(resigned(newest, other_key(), own_name=own_name, logFiles=[]))
    rows = checked(tmp_path, made.files | asked())
    assert ("altered", name(newest.key)) in problems(rows)
    wanted = "which CloudTrail did not have" if own_name else "does not hold against CloudTrail's key"
    assert wanted in next(row.detail for row in rows if row.status == "altered")


def test_a_whole_chain_signed_again_is_altered_where_all_keys_are_known(tmp_path: Path) -> None:
    forged = chain_of(key=other_key())
    rows = checked(tmp_path, forged.files | asked())
    assert Counter(row.status for row in rows) == {"altered": 6, "unverified": 12}


def test_a_key_that_is_not_in_evidence_proves_nothing_and_is_asked_for(tmp_path: Path) -> None:
    made = chain_of()
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", made.files, resolve=False)
        report = validate(case)
    assert report.counts == {"unverified": 18}
    assert not report.ok
    command = "aws cloudtrail list-public-keys --region us-east-1 --start-time 2026-11-05T00:00:00Z --end-time 2026-11-05T06:00:00Z"
    assert command in str(report)
    assert "nothing could be proved" in str(report)


def test_a_hash_that_the_next_digest_does_not_name_shows_without_a_key(tmp_path: Path) -> None:
    made = chain_of()
    third = made.chain.made[2]
    made.edit(third.key, third.content.replace(b'"logFiles":[', b'"logFiles": ['))
    assert ("altered", name(third.key)) in problems(checked(tmp_path, made.files))


def test_a_deleted_digest_is_missing(tmp_path: Path) -> None:
    made = chain_of()
    gone = made.chain.made[2].key
    made.remove(gone)
    rows = checked(tmp_path, made.files | keys())
    assert problems(rows) == sorted(
        [("missing_digest", name(gone)), ("unverified", name(made.logs[2][0])), ("unverified", name(made.logs[2][1]))]
    )


def test_two_digests_deleted_in_a_row_are_said_to_be_two(tmp_path: Path) -> None:
    made = chain_of(7)
    for gone in made.chain.made[2:4]:
        made.remove(gone.key)
    rows = checked(tmp_path, made.files | keys())
    (row,) = (row for row in rows if row.status == "missing_digests")
    assert (str(row.period_start), str(row.period_end)) == ("2026-11-05 02:00:00", "2026-11-05 04:00:00")
    assert row.uri.endswith(name(made.chain.made[3].key))
    assert row.detail.startswith("2 digests in a row") and "validate-logs" in row.detail
    assert "4 log files of that time are in evidence" in row.detail


def test_days_that_nobody_acquired_are_not_called_deleted(tmp_path: Path) -> None:
    made = chain_of(40)
    for gone, logs in zip(made.chain.made[5:35], made.logs[5:35], strict=True):
        for key in (gone.key, *logs):
            made.remove(key)
    rows = checked(tmp_path, made.files | keys())
    (row,) = (row for row in rows if row.status != "valid")
    assert row.status == "unverified" and row.detail.startswith("30 digests are not in evidence, nor log files")


def test_a_chain_of_which_the_beginning_is_not_in_evidence_goes_on_before_it(tmp_path: Path) -> None:
    made = chain_of()
    for key in (made.chain.made[0].key, *made.logs[0]):
        made.remove(key)
    rows = checked(tmp_path, made.files | keys())
    (row,) = (row for row in rows if row.status != "valid")
    assert row.status == "unverified" and "goes on before" in row.detail


@pytest.mark.parametrize(
    ("asked_for", "missing"),
    [({}, 3), ({"regions": ["us-east-1"], "accounts": ["111122223333"]}, 3), ({"regions": ["eu-west-1"]}, 0),
     ({"sources": ["cloudtrail"]}, 2), ({"start": "2026-11-05T02:00:00Z"}, 0), ({"prefix": "elsewhere/"}, 0)],
)  # fmt: skip
def test_an_acquisition_speaks_for_what_it_asked_for(tmp_path: Path, asked_for: dict[str, Any], missing: int) -> None:
    made = chain_of()
    for key in (made.chain.made[0].key, *made.logs[0], *made.logs[1]):
        made.remove(key)
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", made.files | keys(), resolve=False)
        acquired(case, {"bucket": BUCKET, "prefix": "AWSLogs/"} | asked_for)
        found = problems(list(validate(case).rows))
    assert sum(status.startswith("missing") for status, _ in found) == missing


def test_the_newest_digests_deleted_leave_a_chain_that_ends_too_early(tmp_path: Path) -> None:
    made = chain_of()
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", made.files | keys(), resolve=False)
        assert validate(case).ok
        acquired(case, {"bucket": BUCKET, "prefix": "", "end": "2026-11-05T09:30:00Z"})
        (row,) = validate(case).problems
    assert (row.status, str(row.period_start), str(row.period_end)) == (
        "gap",
        "2026-11-05 06:00:00",
        "2026-11-05 09:00:00",
    )
    assert "the newest digests were deleted. No call in evidence explains it" in row.detail


def test_what_cannot_be_read_in_the_case_is_not_called_altered(tmp_path: Path) -> None:
    made = chain_of()
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", made.files | keys(), resolve=False)
        for key in (made.logs[0][0], made.chain.made[2].key):
            ((stored_at,),) = case.sql("SELECT stored_at FROM evidence WHERE ends_with(uri, ?)", [key]).rows()
            (case.path / stored_at).unlink()
        rows = validate(case).rows
    lost = {name(row.uri): row.status for row in rows if row.uri and "cannot be read in this case" in row.detail}
    assert lost == {name(made.logs[0][0]): "unverified", name(made.chain.made[2].key): "unverified"}
    assert "altered" not in {row.status for row in rows}


def test_log_files_of_another_trail_do_not_show_that_those_of_this_one_were_deleted(tmp_path: Path) -> None:
    made, other = chain_of(), Trail(DigestChain("other-logs", trail="other"), folder="other-logs", first=500_000)
    for number in range(6):
        other.hour(number, anew=number == 0)
    for hour in made.logs:
        for key in hour:
            made.remove(key)
    rows = checked(tmp_path, together(made, other, more=[keys()]))
    assert Counter(row.status for row in rows) == {"valid": 6 + 18, "unverified": 12}


def acquired(case: Case, parameters: dict[str, Any]) -> None:
    case.connection.execute(
        "INSERT INTO acquisition (acquisition_id, kind, command, parameters, started_at, outcome) VALUES"
        " ('a', 's3', 'add', ?, TIMESTAMP '2026-11-06', 'complete')",
        [json.dumps(parameters)],
    )


@pytest.mark.parametrize(
    ("reason", "digest", "log"),
    [
        ("deleted: a delete marker of 2026-11-05 09:00:00 UTC", "missing_digest", "missing_log_file"),
        ("archived: restore it first", "unverified", "unverified"),
    ],
)
def test_what_is_listed_without_its_bytes_is_deleted_or_could_not_be_read(
    tmp_path: Path, reason: str, digest: str, log: str
) -> None:
    made = chain_of()
    gone = made.chain.made[2].key, made.logs[4][1]
    for key in gone:
        made.remove(key)
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", made.files | keys(), resolve=False)
        for key in gone:
            case.connection.execute(
                "INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, status, reason)"
                " VALUES (?, ?, '', 0, TIMESTAMP '2026-11-06', 'rejected', ?)",
                [key, f"s3://{BUCKET}/{key}", reason],
            )
        rows = validate(case).rows
    found = {name(row.uri): (row.status, row.detail) for row in rows if row.uri}
    assert [found[name(key)][0] for key in gone] == [digest, log]
    assert all(reason in found[name(key)][1] for key in gone)
