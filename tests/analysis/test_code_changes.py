"""Changes of functions: which they concern, what they set, and for how long what was changed ran."""

from pathlib import Path
from typing import Any

from forensics.analysis.changed_environments import environments, spans
from forensics.analysis.code_changes import Change, changes
from forensics.analysis.function_isolation import undoing
from tests.analysis.theft_worlds import case_of
from tests.workload_worlds import DEV, ORDERS, configured, line
from tests.worlds import Record, call

LAYER = "arn:aws:lambda:us-east-1:111122223333:layer:utils:7"
CODE, SETTINGS = "UpdateFunctionCode20150331v2", "UpdateFunctionConfiguration20150331v2"


def made(tmp_path: Path, *records: Record) -> list[Change]:
    with case_of(tmp_path, cloudtrail=list(records)) as case:
        return changes(case)


def asked(name: str, ask: Record, *, at: str = "09:00:00", **more: Any) -> Record:
    return call(DEV, name, at=at, requestParameters=ask, **more)


def test_a_layer_concerns_the_functions_it_was_laid_under(tmp_path: Path) -> None:
    published = asked(
        "lambda:PublishLayerVersion20181031", {"layerName": "utils"}, responseElements={"layerVersionArn": LAYER}
    )
    laid = configured(at="09:01:00", event=SETTINGS) | {
        "requestParameters": {"functionName": "orders-fn", "layers": [LAYER]}
    }
    other = configured("billing-fn", at="09:02:00", event=SETTINGS)
    found = made(tmp_path, published, laid, other)
    assert [(item.aspect, item.function, item.layers) for item in found[:2]] == [
        ("layer", ORDERS, (LAYER,)),
        ("configuration", ORDERS, (LAYER,)),
    ]
    assert found[2].layers == ()


def test_a_policy_of_a_role_concerns_the_functions_that_have_it(tmp_path: Path) -> None:
    given = asked("iam:AttachRolePolicy", {"roleName": "orders-fn-role", "policyArn": "arn:aws:iam::aws:policy/X"})
    others = asked("iam:AttachRolePolicy", {"roleName": "people"}, at="09:05:00")
    found = made(tmp_path, configured(at="08:00:00"), given, others)
    assert [(item.aspect, item.function) for item in found] == [("created", ORDERS), ("role", ORDERS)]
    assert found[1].details == "policy arn:aws:iam::aws:policy/X"


def test_a_dry_run_and_a_read_change_nothing(tmp_path: Path) -> None:
    dry = configured(at="09:00:00", event=CODE) | {"requestParameters": {"functionName": "orders-fn", "dryRun": True}}
    read = asked("lambda:GetFunction20150331v2", {"functionName": "orders-fn"})
    assert made(tmp_path, dry, read) == []


def test_a_rule_is_a_trigger_of_the_functions_that_it_targets(tmp_path: Path) -> None:
    wired = asked("events:PutTargets", {"rule": "nightly", "targets": [{"id": "1", "arn": f"{ORDERS}:live"}]})
    assert [(item.aspect, item.function, item.caller) for item in made(tmp_path, wired)] == [
        ("event source", ORDERS, "nightly")
    ]


def test_what_was_changed_ran_in_environments_that_began_after_it_and_before_the_next_change(tmp_path: Path) -> None:
    bad, good = configured(at="09:00:00", event=CODE), configured(at="10:00:00", event=CODE)
    log = [
        line(kind, f"{hour}:30:0{second}", request=f"r-{hour}", stream=f"s-{hour}")
        for hour in ("08", "09", "10")
        for second, kind in enumerate(("platform.start", "platform.report"))
    ]
    log += [line("platform.start", "09:40:00", request="r-late", stream="s-08")]
    with case_of(tmp_path, cloudtrail=[configured(at="08:00:00"), bad, good], lambda_log=log) as case:
        every = changes(case)
        found = spans(every, [item for item in every if item.event_id == bad["eventID"]])
        ran = [(item.name, item.ran) for item in environments(case, found)]
    assert [(str(item.since), str(item.until)) for item in found] == [("2026-11-05 09:00:00", "2026-11-05 10:00:00")]
    assert ran == [("s-08", "before the change"), ("s-09", "changed code"), ("s-10", "after the next change")]


def test_a_name_that_is_a_command_stays_a_word_of_the_command(tmp_path: Path) -> None:
    hostile = f"{LAYER[:-1]}7; rm -rf /"
    laid = configured(at="09:01:00", event=SETTINGS) | {
        "requestParameters": {"functionName": "orders-fn", "layers": [hostile], "handler": "<script>$(id)"}
    }
    found = made(tmp_path, laid)
    text = " ".join(item.command for item in undoing(found))
    assert "rm -rf" not in text
    assert "<script>" in found[0].details
