"""What classes of the network have in common: details of both ends, and the members made of them."""

from forensics.export.ocsf.sqls import endpoint, port, some, text

DETAILS = {
    "src_port": "BIGINT",
    "dst_port": "BIGINT",
    "protocol": "BIGINT",
    "protocol_name": "VARCHAR",
    "direction": "VARCHAR",
    "tcp_flags": "BIGINT",
    "packets": "BIGINT",
    "bytes_in": "BIGINT",
    "bytes_out": "BIGINT",
    "src_interface": "VARCHAR",
    "dst_interface": "VARCHAR",
    "src_instance": "VARCHAR",
    "dst_instance": "VARCHAR",
    "src_vpc": "VARCHAR",
    "dst_vpc": "VARCHAR",
    "dst_name": "VARCHAR",
    "code": "VARCHAR",
    "blocked": "BOOLEAN",
    "rule": "VARCHAR",
}
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 47: "gre", 50: "esp"}

_NUMBER = "CASE WHEN d.protocol BETWEEN 0 AND 255 THEN CAST(d.protocol AS INTEGER) END"
_NAMED = (
    "CASE d.protocol " + " ".join(f"WHEN {number} THEN {text(name)}" for number, name in PROTOCOLS.items()) + " END"
)
_ID = "CASE lower(d.direction) WHEN 'ingress' THEN 1 WHEN 'egress' THEN 2 ELSE 0 END"
_BLOCKED = "coalesce(d.blocked, e.outcome IN ('reject', 'denied'))"
_DECIDED = "(d.blocked IS NOT NULL OR e.outcome IN ('accept', 'reject'))"

SOURCE = endpoint(
    "e.source_ip",
    port=port("d.src_port"),
    interface_uid="d.src_interface",
    instance_uid="d.src_instance",
    vpc_uid="d.src_vpc",
)
DESTINATION = endpoint(
    "e.destination_ip",
    port=port("d.dst_port"),
    interface_uid="d.dst_interface",
    instance_uid="d.dst_instance",
    vpc_uid="d.dst_vpc",
    hostname="d.dst_name",
)
CONNECTION = some(
    ("protocol_num", "protocol_name", "tcp_flags"),
    protocol_num=_NUMBER,
    protocol_name=f"coalesce(lower(d.protocol_name), {_NAMED})",
    tcp_flags="CAST(d.tcp_flags AS INTEGER)",
    direction_id=_ID,
    direction=f"CASE {_ID} WHEN 1 THEN 'Inbound' WHEN 2 THEN 'Outbound' ELSE 'Unknown' END",
)
TRAFFIC = some((), bytes="e.bytes", packets="d.packets", bytes_in="d.bytes_in", bytes_out="d.bytes_out")
CONTROL = {
    "disposition_id": f"CASE WHEN {_DECIDED} THEN CASE WHEN {_BLOCKED} THEN 2 ELSE 1 END ELSE 0 END",
    "disposition": f"CASE WHEN {_DECIDED} THEN CASE WHEN {_BLOCKED} THEN 'Blocked' ELSE 'Allowed' END ELSE 'Unknown' END",
    "action_id": f"CASE WHEN {_DECIDED} THEN CASE WHEN {_BLOCKED} THEN 2 ELSE 1 END ELSE 0 END",
    "action": f"CASE WHEN {_DECIDED} THEN CASE WHEN {_BLOCKED} THEN 'Denied' ELSE 'Allowed' END ELSE 'Unknown' END",
    "firewall_rule": some((), name="d.rule"),
}
"""What the profile "Security Control" adds: whether it was let through."""
PROFILES = ("cloud", "datetime", "security_control")
ENDS = {
    "src_endpoint": SOURCE,
    "dst_endpoint": DESTINATION,
    "connection_info": CONNECTION,
    "traffic": TRAFFIC,
} | CONTROL
HAS_AN_END = f"({SOURCE} IS NOT NULL OR {DESTINATION} IS NOT NULL)"
