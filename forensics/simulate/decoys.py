"""Harmless things that look like something else, to be put into any scenario; each is stated in the truth's `decoys`.

What an answer must not say is given as one that must not be as strong as a certainty; `None`: not said at all.
"""

from forensics.simulate.ecs import Ecs
from forensics.simulate.stage import Stage, assumed, role_resource
from forensics.simulate.world import (
    PARTNER_ACCOUNT,
    Caller,
    Credential,
    Json,
    Role,
    caller,
    role_session,
    us_text,
)

TOOL = "Boto3/1.34.0 md/Botocore#1.34.0 lang/python#3.11"


def barred(event_id: str, question: str, workload: str, certainty: str | None = None) -> Json:
    """An answer that must not be given as strongly as that; without a certainty, not at all."""
    return {"event_id": event_id, "question": question, "workload": workload, "certainty": certainty}


def spoofed_session(stage: Stage, who: Caller, role: Role, workload: str, *, when: int) -> Credential:
    """A person assumes a role under the name that a workload's session would have: the id or name in its key."""
    name = workload.rpartition("/")[2].rpartition(":")[2]
    made, mint = stage.assume(who, role, name, when)
    there = caller(made, who.address, who.agent)
    calls = ("sts:GetCallerIdentity", "s3:ListBuckets", "ec2:DescribeInstances")
    events = [stage.trail.call(there, action, when + 20 + 9 * place) for place, action in enumerate(calls)]
    statement = (
        f"A user assumed {role.name} with the session name {name}; it is a person's session, not that workload's."
    )
    stage.truth.decoy(
        "spoofed_session_name",
        statement,
        [mint, *events],
        [barred(event, "issued_to", workload) for event in events],
    )
    return made


def same_name_elsewhere(stage: Stage, role_name: str, session: str, workload: str, *, when: int) -> Credential:
    """A role and session of the same names in another account, whose trail delivers here too."""
    role = Role(role_name, stage.trail.ids.unique("AROA", 10), "/", PARTNER_ACCOUNT)
    key = stage.trail.ids.unique("ASIA")
    made = role_session(role, session, key, created=when - 900, kind="assumed_role", hours=1)
    stage.truth.credential(made)
    there = caller(made, "198.51.100.91", TOOL)
    calls = ("sts:GetCallerIdentity", "s3:ListBuckets")
    events = [
        stage.trail.call(there, action, when + 7 * place, account=PARTNER_ACCOUNT) for place, action in enumerate(calls)
    ]
    statement = f"Session {session} of a role {role_name} in account {PARTNER_ACCOUNT}: the names only are the same."
    must_not = [barred(event, "issued_to", workload) for event in events]
    stage.truth.decoy("same_session_name_in_two_accounts", statement, events, must_not)
    return made


def recreated_role(stage: Stage, who: Caller, old: Role, *, when: int) -> tuple[Role, Credential]:
    """A role is deleted and made again under its name, and assumed: another principal than the one before."""
    new = Role(old.name, stage.trail.ids.unique("AROA", 10), old.path, old.account)
    call = stage.trail.call
    gone = call(who, "iam:DeleteRole", when, ask={"roleName": old.name})
    card = {"roleName": new.name, "roleId": new.unique_id, "arn": new.arn, "path": new.path}
    card |= {"createDate": us_text(when + 40)}
    ask = {"roleName": new.name, "path": new.path, "assumeRolePolicyDocument": "{}"}
    born = call(who, "iam:CreateRole", when + 40, ask=ask, answer={"role": card})
    name = "deploy"
    made = role_session(new, name, stage.trail.ids.unique("ASIA"), created=when + 90, kind="assumed_role", hours=1)
    asked = {"roleArn": new.arn, "roleSessionName": name, "durationSeconds": 3600}
    extra = {"resources": [role_resource(new)]}
    mint = call(who, "sts:AssumeRole", when + 90, ask=asked, answer=assumed(made, new, name), extra=extra)
    parent = who.credential.access_key_id if who.credential else None
    stage.truth.credential(made, mint=mint, parent=parent)
    events = [
        call(caller(made, who.address, who.agent), "s3:ListBuckets", when + 100 + 5 * place) for place in range(3)
    ]
    statement = f"{old.arn} is {old.unique_id} before and {new.unique_id} after: two roles, one name."
    stage.truth.decoy("recreated_role", statement, [gone, born, mint, *events], [])
    return new, made


def late_and_twice(stage: Stage, ecs: Ecs, event: Json, moment: int, *, call: str | None = None) -> None:
    """An ECS event delivered again an hour later, and a call, still queued, ten minutes later."""
    ecs.tell(event, moment, late=12)
    again = [str(event["id"])]
    if call:
        stage.trail.again(call, late=2)
        again.append(call)
    statement = "Delivered twice, the second time late: one event each, and no state that comes later."
    stage.truth.decoy("delivered_twice", statement, again, [])
