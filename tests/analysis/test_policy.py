"""Policy documents in words."""

from typing import Any

import pytest

from forensics.analysis.policy import allows, trusts

EVERYTHING = '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (EVERYTHING, "every action on every resource"),
        (
            "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22*%22%7D%7D",
            "every action on every resource",
        ),
        (
            {
                "Statement": {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:ListBucket"],
                    "Resource": "arn:aws:s3:::a",
                }
            },
            "s3:GetObject and s3:ListBucket on arn:aws:s3:::a",
        ),
        (
            {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*", "Condition": {"Bool": {}}}},
            "every action but iam:* on every resource under conditions",
        ),
        ({"Statement": [{"Effect": "Deny", "Action": "*"}]}, "nothing"),
        ("{cut off", "a document that cannot be read"),
        (None, "a document that cannot be read"),
    ],
)
def test_what_a_policy_allows_is_said_in_words(document: Any, said: str) -> None:
    assert allows(document) == said


@pytest.mark.parametrize(
    ("principal", "said"),
    [
        ("*", "anybody"),
        ({"AWS": ["arn:aws:iam::444455556666:root", "*"]}, "arn:aws:iam::444455556666:root and anybody"),
        ({"Service": "lambda.amazonaws.com"}, "the service lambda.amazonaws.com"),
        ({"Federated": "arn:aws:iam::111122223333:saml-provider/a"}, "arn:aws:iam::111122223333:saml-provider/a"),
        (None, "nobody that can be read from the document"),
    ],
)
def test_whom_a_trust_policy_lets_in_is_said_in_words(principal: Any, said: str) -> None:
    assert trusts({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}) == said


def test_a_trust_under_conditions_says_so() -> None:
    item = {"Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}
    assert trusts({"Statement": item}) == "anybody (under conditions)"
