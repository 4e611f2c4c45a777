"""The tables of a case besides the source tables: what others rely on, one statement each."""

from forensics.tables.joined import (
    COVERAGE,
    CREDENTIAL_USE,
    CREDENTIAL_USE_REASON,
    FINDING,
    FINDING_EVIDENCE,
    REQUEST_LINK,
)
from forensics.tables.kept import CASE_INFO, EVIDENCE, NAMED_STREAM, REJECTED_RECORD
from forensics.tables.places import (
    ADDRESS_PLACE,
    CALL_PLACE,
    CONTAINER_ADDRESS,
    FLOW_CROSSING,
    FLOW_PLACE,
    GATEWAY_MINUTE,
    HOST_CONTAINER,
    HOST_COUNT,
    POD_KEY,
    RECORD_NETWORK,
    REQUEST_FUNCTION,
    S3_CALL,
    SESSION_PLACE,
    STREAM_WORKLOAD,
    TASK_KEY,
)
from forensics.tables.what import (
    ADDRESS_NETWORK,
    CREDENTIAL_WORKLOAD,
    INSTANCE_KEY,
    INTERFACE,
    INVOCATION,
    LIFETIME,
    WORKLOAD,
    WORKLOAD_CONTAINER,
    WORKLOAD_DETAIL,
)
from forensics.tables.who import CREDENTIAL, IDENTITY, LINEAGE, LINEAGE_GAP, ON_BEHALF, PRINCIPAL, SESSION, SUPERSEDED

TABLES = {
    "case_info": CASE_INFO,
    "evidence": EVIDENCE,
    "rejected_record": REJECTED_RECORD,
    "named_stream": NAMED_STREAM,
    "identity": IDENTITY,
    "superseded": SUPERSEDED,
    "principal": PRINCIPAL,
    "session": SESSION,
    "credential": CREDENTIAL,
    "lineage": LINEAGE,
    "workload": WORKLOAD,
    "lifetime": LIFETIME,
    "workload_detail": WORKLOAD_DETAIL,
    "workload_container": WORKLOAD_CONTAINER,
    "interface": INTERFACE,
    "on_behalf": ON_BEHALF,
    "lineage_gap": LINEAGE_GAP,
    "request_link": REQUEST_LINK,
    "credential_use": CREDENTIAL_USE,
    "credential_use_reason": CREDENTIAL_USE_REASON,
    "finding": FINDING,
    "finding_evidence": FINDING_EVIDENCE,
    "invocation": INVOCATION,
    "coverage": COVERAGE,
    "credential_workload": CREDENTIAL_WORKLOAD,
    "instance_key": INSTANCE_KEY,
    "address_network": ADDRESS_NETWORK,
    "call_place": CALL_PLACE,
    "flow_place": FLOW_PLACE,
    "flow_crossing": FLOW_CROSSING,
    "address_place": ADDRESS_PLACE,
    "session_place": SESSION_PLACE,
    "task_key": TASK_KEY,
    "host_container": HOST_CONTAINER,
    "host_count": HOST_COUNT,
    "container_address": CONTAINER_ADDRESS,
    "record_network": RECORD_NETWORK,
    "s3_call": S3_CALL,
    "stream_workload": STREAM_WORKLOAD,
    "gateway_minute": GATEWAY_MINUTE,
    "pod_key": POD_KEY,
    "request_function": REQUEST_FUNCTION,
}
"""Name and CREATE statement of each; the views `event` and `attribution` are made by the modules of those names."""

KEPT = ("case_info", "evidence", "rejected_record", "named_stream")
"""Tables that are not made from the source tables: an upgrade of the case leaves them as they are."""
