"""Calls and the ATT&CK techniques they are known for."""

import re

import pytest

from forensics.analysis.technique import EXPOSURE, TECHNIQUES, TRANSFER, USE, technique
from forensics.attack import current


@pytest.mark.parametrize(
    ("action", "known"),
    [
        ("sts:AssumeRoleWithWebIdentity", "T1078.004"),
        ("iam:CreateUser", "T1136.003"),
        ("iam:CreateAccessKey", "T1098.001"),
        ("iam:AttachUserPolicy", "T1098.003"),
        ("s3:GetObject", "T1530"),
        ("s3:GetBucketAcl", "T1619"),
        ("lambda:ListFunctions20150331", "T1526"),
        ("cloudtrail:StopLogging", "T1685.002"),
        ("s3:PutObject", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_first_pattern_that_matches_counts(action: str | None, known: str) -> None:
    assert technique(action) == known


def test_letters_are_compared_exactly_and_patterns_in_a_name_mean_nothing() -> None:
    assert technique("IAM:createuser") == ""
    assert technique("iam:*") == ""


def test_every_technique_is_an_id_of_the_stated_version_and_every_pattern_stands_once() -> None:
    ids = [*(found for _, found in TECHNIQUES), EXPOSURE, TRANSFER, USE]
    assert [found for found in ids if not re.fullmatch(r"T\d{4}(\.\d{3})?", found)] == []
    assert [found for found in ids if found != current(found)] == []
    assert len({pattern for pattern, _ in TECHNIQUES}) == len(TECHNIQUES)


def test_no_pattern_is_hidden_by_an_earlier_one() -> None:
    samples = [(pattern.replace("*", "x"), found) for pattern, found in TECHNIQUES]
    assert [sample for sample, found in samples if technique(sample) != found] == []
