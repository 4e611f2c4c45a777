"""Lines of the ECS agent's audit log come back equal, with whatever a container's client calls itself."""

from hypothesis import given
from hypothesis import strategies as st

from tests.round_trips.fields import (
    AT_SECOND,
    ENDPOINT,
    HOSTILE,
    NAME,
    QUICK,
    STATUS,
    Record,
    assert_back,
    client,
    file_of,
    iso,
    maybe,
    plain,
    quoted,
    several,
)

TASK = NAME.map(lambda name: f"arn:aws:ecs:us-east-1:111122223333:task/prod/{name}")
FORGED = (*HOSTILE, '" arn:aws:ecs:::task/x GetCredentials 2 c i', '" - GetCredentials 2 - -')
FIELDS = {
    "time": AT_SECOND,
    "status": STATUS,
    "remote_address": maybe(ENDPOINT),
    "url_path": maybe(st.sampled_from(("/v2/credentials", "/v4/metadata"))),
    "user_agent": maybe(client(pieces=FORGED)),
    "task_arn": maybe(TASK),
    "event_type": st.sampled_from(("GetCredentials", "GetCredentialsExecutionRole")),
    "version": st.just("2"),
    "cluster": maybe(NAME),
    "container_instance_arn": maybe(NAME.map(lambda name: f"arn:aws:ecs:::container-instance/{name}")),
}


def line(record: Record) -> str:
    texts = {field: plain(record[field]) for field in FIELDS}
    texts |= {"time": iso(record["time"], "seconds")}
    return " ".join((texts | {field: quoted(record[field]) for field in ("url_path", "user_agent")}).values())


@QUICK
@given(several(st.fixed_dictionaries(FIELDS)))
def test_lines_come_back_whatever_the_user_agent_says(found: list[Record]) -> None:
    """Holds for agents of any text on one line: the fields after it have neither blanks nor quotes."""
    assert_back("ecs_agent_log", found, file_of(map(line, found)))
