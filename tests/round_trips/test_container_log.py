"""Records of containers come back equal: Docker's json-file driver, and Fluent Bit with Kubernetes metadata."""

import json
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from tests.round_trips.fields import (
    ADDRESS,
    AT,
    NAME,
    QUICK,
    UUID,
    Record,
    assert_back,
    client,
    file_of,
    hexes,
    several,
)

TEXT = client(without="")
STREAM = st.sampled_from(("stdout", "stderr"))
POD = {
    "pod_name": NAME,
    "namespace_name": NAME,
    "pod_id": UUID,
    "host": NAME,
    "pod_ip": ADDRESS,
    "container_name": NAME,
    "docker_id": hexes(64),
    "container_hash": NAME.map(lambda name: f"repo@sha256:{name}"),
    "container_image": NAME.map(lambda name: f"repo:{name}"),
}
COLUMN = {
    "pod_name": "podName",
    "namespace_name": "namespaceName",
    "pod_id": "podId",
    "host": "nodeName",
    "pod_ip": "podIp",
    "container_name": "containerName",
    "docker_id": "containerId",
    "container_hash": "containerImageDigest",
    "container_image": "containerImage",
}


def docker(at: datetime, stream: str, text: str) -> tuple[Record, Record]:
    """A record as written, in nanoseconds, and as its row, in microseconds."""
    written = {"log": text, "stream": stream, "time": f"{at.isoformat(timespec='microseconds')}789Z"}
    return written, {"message": text, "stream": stream, "time": at}


def pod(plain: tuple[Record, Record], partial: str, metadata: Record) -> tuple[Record, Record]:
    written, row = plain
    named = {COLUMN[name]: held for name, held in metadata.items()}
    labels = {"labels": {"app": written["log"]}, "annotations": {}}
    return written | {"_p": partial, "kubernetes": metadata | labels}, row | named | {"partial": partial}


DOCKER = st.builds(docker, AT, STREAM, TEXT)
KUBERNETES = st.builds(pod, DOCKER, st.sampled_from("PF"), st.fixed_dictionaries({}, optional=POD))


@QUICK
@given(several(DOCKER | KUBERNETES), st.booleans())
def test_records_come_back(found: list[tuple[Record, Record]], ascii_only: bool) -> None:
    """Holds for text of any characters: JSON escapes what has to be."""
    lines = (json.dumps(written, ensure_ascii=ascii_only) for written, _ in found)
    assert_back("container_log", [row for _, row in found], file_of(lines))
