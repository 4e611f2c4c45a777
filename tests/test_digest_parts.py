"""Digests that say anything at all: they are read without failing, and what they say does nothing to a terminal."""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics import cli, resolution
from forensics.case import Case
from forensics.digest import read_digest
from forensics.digest_chain import Verdict, chains, judged, stretches
from forensics.digest_report import DigestReport
from forensics.digest_signature import Keys, Proof
from forensics.digests import validate
from forensics.errors import CaseError
from forensics.evidence import add
from forensics.simulate.digest_chain import DigestChain, Made, signed
from forensics.simulate.digest_key import fingerprint, made_up_key, public_value
from tests.digest_chain import BUCKET, HOUR, START, chain_of, document, keys
from tests.loading import loaded, put, records, trail

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS = tuple(document(DigestChain(BUCKET).deliver(START, START + HOUR, [])))
TIMES = st.sampled_from(
    ["2026-11-05T01:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-11-05", "x"]
)
HOSTILE = "\x1b[2J<script>alert(1)</script>'; DROP TABLE digest_check; --\u202e\n=1+1"


def made(**changed: Any) -> Made:
    """A signed digest that says something else."""
    whole = document(DigestChain(BUCKET).deliver(START, START + HOUR, []))
    return signed(whole | changed, made_up_key(), START + HOUR)


def read(one: Made, *, name: str | None = None, signature: str | None = None) -> Any:
    """It as it is read from evidence."""
    metadata = {"signature": one.signature if signature is None else signature}
    return read_digest(one.content, uri=f"/x/{name or one.key}", object_id=one.key, metadata=metadata)


def known(*held: rsa.RSAPrivateKey) -> Keys:
    return Keys.of((fingerprint(key), public_value(key)) for key in held or (made_up_key(),))


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON | TIMES, max_size=6), JSON)
def test_whatever_a_digest_says_it_is_judged_without_failing(changed: dict[str, Any], metadata: Any) -> None:
    content = json.dumps(document(DigestChain(BUCKET).deliver(START, START + HOUR, [])) | changed).encode()
    found = [
        read_digest(content, uri=uri, object_id=uri, metadata={"signature": metadata})
        for uri in ("/x/a.json", "s3://b/c?versionId=1")
    ]
    items = judged(found, known())
    for chain in chains(items):
        list(stretches(chain))
    assert len(items) == 2
    assert str(DigestReport(tuple(item.verdict for item in items)))


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_digest_says_so(data: bytes) -> None:
    found = read_digest(data, uri="/x/a.json", object_id="o", metadata={})
    assert found.problem
    assert judged([found], known())[0].status == "altered"


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300).map(lambda data: base64.b64encode(data).decode()) | st.text(max_size=40))
def test_what_is_no_key_is_left_out(value: str) -> None:
    assert Keys.of([("f", value)]).known == {}


@pytest.mark.parametrize("form", [PublicFormat.PKCS1, PublicFormat.SubjectPublicKeyInfo])
def test_keys_are_read_in_both_forms(form: PublicFormat) -> None:
    one = read(made())
    held = Keys.of([(fingerprint(made_up_key()), public_value(made_up_key(), form))])
    assert held.prove(one, one.signature) is Proof.HOLDS


def test_a_key_of_another_kind_is_left_out() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    value = base64.b64encode(other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    assert Keys.of([("f", value)]).known == {}


def test_two_keys_under_one_fingerprint_are_both_tried() -> None:
    one = read(made())
    name = fingerprint(made_up_key())
    other = public_value(rsa.generate_private_key(65537, 2048))
    held = Keys.of([(name, other), (name, public_value(made_up_key()))])
    assert held.prove(one, one.signature) is Proof.HOLDS


@pytest.mark.parametrize("signature", ["", "00", "zz", "ab" * 256, "é"])
def test_a_signature_that_is_none_does_not_hold(signature: str) -> None:
    assert known().prove(read(made()), signature) is Proof.FAILS


def test_an_algorithm_that_cloudtrail_does_not_use_is_not_checked() -> None:
    (item,) = judged([read(made(digestSignatureAlgorithm="none"))], known())
    assert (item.status, "of an algorithm" in item.detail) == ("unverified", True)


def test_what_is_signed_is_what_aws_documents() -> None:
    one = made(digestEndTime="2026-11-05T01:00:00Z", digestS3Bucket="b", digestS3Object="k")
    found = read(one)
    assert found.signed.decode() == f"2026-11-05T01:00:00Z\nb/k\n{found.sha256}\nnull"


def test_digests_that_name_each_other_as_the_one_before_are_judged() -> None:
    first, second = (
        made(digestS3Object="a", previousDigestS3Object="b"),
        made(digestS3Object="b", previousDigestS3Object="a"),
    )
    assert len(judged([read(first), read(second)], Keys())) == 2


def test_a_digest_that_forges_another_digests_hash_is_at_fault_itself() -> None:
    held = chain_of(2)
    first, second = held.chain.made
    forged = signed(
        document(second) | {"previousDigestHashValue": "00"}, rsa.generate_private_key(65537, 2048), second.end
    )
    found = {item.digest.key: item.status for item in judged([read(first), read(forged, signature="")], known())}
    assert found == {first.key: "valid", second.key: "altered"}


# What a reader sees


def test_hostile_text_does_nothing_to_a_terminal_or_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = DigestChain(f"b{HOSTILE}", trail=f"t{HOSTILE}")
    files = {}
    for number in (0, 1, 4):
        one = chain.deliver(START + number * HOUR, START + (number + 1) * HOUR, [])
        files[f"digests/{number}.json"] = one.content
    files |= {f"digests/{number}.json.head.json": one.head for number, one in enumerate(chain.made)}
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", files)
        assert case.sql("SELECT count(*) FROM digest_check").rows()[0][0] >= 3
    assert cli.main(["verify", str(tmp_path / "case"), "--digests"]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\u202e" not in out
    assert "\\x1b[2J" in out
    assert cli.main(["verify", str(tmp_path / "case"), "--digests", "--format", "csv"]) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_half_a_character_in_a_digest_loads(tmp_path: Path) -> None:
    log = b'{"s3Bucket":"\\udfff","s3Object":"x\\ud800"}'
    content = made().content.replace(b'"AWSLogs/', b'"\\ud800AWSLogs/').replace(b'"logFiles":[', b'"logFiles":[' + log)
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {"digests/x.json": content})
        assert {row[0] for row in case.sql("SELECT status FROM digest_check").rows()} == {"unverified"}


def test_commands_quote_what_digests_say() -> None:
    row = Verdict("1", "us-east-1; id", None, datetime(2026, 11, 5), datetime(2026, 11, 6), "unverified", "s3://b/k$(id)", "o",
        "its signature is not in evidence")  # fmt: skip
    assert "--bucket b --key 'k$(id)' > 'k$(id).head.json'" in str(DigestReport((row,)))


# The command


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("untouched")
    with Case.create(folder / "case") as case:
        loaded(case, folder / "logs", chain_of(3).files | keys())
    return folder / "case"


def test_the_command_says_that_an_untouched_chain_holds(untouched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in untouched.rglob("*") if path.is_file()}
    assert cli.main(["verify", str(untouched), "--digests"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "CloudTrail digests, checked from files alone: everything that could be checked is as CloudTrail delivered it",
        "  valid                     9 (3 of digests, 6 of log files)",
        "",
        "111122223333, us-east-1 (hours of delivery, UTC; of each the worst)",
        "  2026-11-05 00:00 to 2026-11-05 03:00  valid",
    ]
    assert before == {path: path.stat().st_mtime_ns for path in untouched.rglob("*") if path.is_file()}


def test_the_rows_come_in_other_formats(untouched: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["verify", str(untouched), "--digests", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 9 and rows[0]["status"] == "valid"
    assert cli.main(["verify", str(untouched), "--digests", "--format", "csv", "--out", str(tmp_path / "x.csv")]) == 0
    assert (tmp_path / "x.csv").read_text("utf-8").startswith("account_id,region,trail,period_start")


@pytest.mark.parametrize("options", [["--format", "csv"], ["--digests", "--out", "x.csv"]])
def test_options_without_what_they_need_are_wrong_usage(untouched: Path, options: list[str]) -> None:
    assert cli.main(["verify", str(untouched), *options]) == 2


def test_a_case_that_is_not_loaded_yet_says_so(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        add(case, put(tmp_path / "logs", chain_of(2).files | keys()))
        report = validate(case)
    assert report.counts == {"unverified": 6}
    assert "9 objects of the case are not loaded yet" in str(report)


def test_a_case_of_an_older_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        add(case, put(tmp_path / "logs", chain_of(2).files))
        case.connection.execute("DROP VIEW IF EXISTS s3_object_head")
        with pytest.raises(CaseError, match="an older version made it; `forensics load"):
            validate(case)


def test_a_frame_has_the_columns_of_the_table(untouched: Path) -> None:
    with Case.open(untouched) as case:
        frame = validate(case).df()
        assert list(frame.columns) == case.sql("SELECT * FROM digest_check").columns
        assert len(frame) == 9


@pytest.mark.parametrize("listed", ["2026-11-05T09:15:00Z", {"s3Bucket": "b"}, 0, [None, 1, "x", {"s3Object": 2}]])
def test_a_list_of_log_files_that_is_none_stops_no_resolution(tmp_path: Path, listed: Any) -> None:
    made = DigestChain(BUCKET).deliver(START, START + HOUR, [])
    digest = document(made) | {"logFiles": listed}
    with Case.create(tmp_path / "case") as case:
        logs = {made.key.removesuffix(".gz"): json.dumps(digest).encode(), "trail.json": records(trail())}
        loaded(case, tmp_path / "logs", logs)
        assert case.sql("SELECT count(*) FROM cloudtrail_digest").rows() == [(1,)]
        assert not resolution.is_stale(case.connection)
