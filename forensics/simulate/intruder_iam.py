"""What is done with IAM, by intruders and by those who may: users, keys, policies and trust, as CloudTrail has them.

Source: CloudTrail record contents; IAM API Reference.
"""

import json
from dataclasses import replace

from forensics.simulate.intruder import Intruder
from forensics.simulate.world import (
    ACCOUNT,
    Caller,
    Credential,
    Ids,
    Json,
    Role,
    User,
    iso,
    us_text,
    user_credential,
)

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(*statements: Json) -> str:
    """A policy as the text that CloudTrail has of it."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))


def trust(principal: Json) -> str:
    """A trust policy that lets a principal assume the role."""
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def user_made(user: User, when: int) -> Json:
    """Keyword arguments of `Trail.call` for `CreateUser`."""
    card = {"path": "/", "userName": user.name, "userId": user.unique_id, "arn": user.arn, "createDate": us_text(when)}
    return {"ask": {"userName": user.name}, "answer": {"user": card}}


def key_made(user: User, key: Credential, when: int) -> Json:
    """Keyword arguments of `Trail.call` for `CreateAccessKey`."""
    card = {"accessKeyId": key.access_key_id, "status": "Active", "userName": user.name, "createDate": us_text(when)}
    return {"ask": {"userName": user.name}, "answer": {"accessKey": card}}


def role_made(role: Role, trusted: Json, when: int) -> Json:
    """Keyword arguments of `Trail.call` for `CreateRole`."""
    policy = trust(trusted)
    ask = {"roleName": role.name, "path": role.path, "assumeRolePolicyDocument": policy}
    card = {"path": role.path, "roleName": role.name, "roleId": role.unique_id, "arn": role.arn}
    card |= {"createDate": us_text(when), "assumeRolePolicyDocument": policy}
    return {"ask": ask, "answer": {"role": card}}


def give_key(intruder: Intruder, who: Caller, user: User, when: int, *, ids: Ids) -> Credential:
    """The intruder makes itself a key of a user; returns it, stated with its mint and parent."""
    key = replace(user_credential(user, ids.unique("AKIA")), created=when)
    mint = intruder.act(who, "iam:CreateAccessKey", when, "persistence", **key_made(user, key, when))
    parent = who.credential.access_key_id if who.credential else None
    intruder.stage.truth.credential(key, mint=mint, parent=parent, malicious=True)
    return key


def new_user(intruder: Intruder, who: Caller, name: str, when: int, *, ids: Ids) -> tuple[User, Credential]:
    """The intruder makes a user with a key half a minute later, and an administrator of it."""
    user = User(name, ids.unique("AIDA", 10))
    intruder.act(who, "iam:CreateUser", when, "persistence", **user_made(user, when))
    key = give_key(intruder, who, user, when + 27, ids=ids)
    policy = {"userName": name, "policyArn": ADMINISTRATOR}
    intruder.act(who, "iam:AttachUserPolicy", when + 55, "persistence", ask=policy)
    return user, key


def federated(user: User, name: str, key: str, *, created: int, hours: int) -> Credential:
    """A key of `GetFederationToken`: it outlives the deactivation of the key that asked for it."""
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/{name}"
    issuer = {"type": "IAMUser", "principalId": user.unique_id, "arn": user.arn, "accountId": ACCOUNT}
    base = user_credential(user, key)
    identity: Json = {
        "type": "FederatedUser",
        "principalId": f"{ACCOUNT}:{name}",
        "arn": arn,
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": issuer | {"userName": user.name},
            "webIdFederationData": {},
            "attributes": {"creationDate": iso(created), "mfaAuthenticated": "false"},
        },
    }
    ends = created + hours * 3600
    return replace(
        base, kind="federation", identity=identity, principal=arn, session=arn, created=created, expires=ends
    )
