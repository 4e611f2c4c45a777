"""Network Activity (4001): flows, connections of load balancers and CloudFront, Network Firewall."""

from forensics.export.ocsf.connections import DETAILS, ENDS, HAS_AN_END, PROFILES
from forensics.export.ocsf.schema import OcsfClass, Records

_INWARD = "lower(s.flow_direction) = 'ingress'"


def _end(column: str) -> tuple[str, str]:
    """A column of the interface that logged, at the end that it is where the direction is recorded: source, destination."""
    return f"CASE WHEN lower(s.flow_direction) = 'egress' THEN {column} END", f"CASE WHEN {_INWARD} THEN {column} END"


_INTERFACE, _INSTANCE, _VPC = _end("s.interface_id"), _end("s.instance_id"), _end("s.vpc_id")

VPC_FLOW = {
    "src_port": "s.srcport",
    "dst_port": "s.dstport",
    "protocol": "s.protocol",
    "direction": "s.flow_direction",
    "tcp_flags": "s.tcp_flags",
    "packets": "s.packets",
    "src_interface": _INTERFACE[0],
    "dst_interface": _INTERFACE[1],
    "src_instance": _INSTANCE[0],
    "dst_instance": _INSTANCE[1],
    "src_vpc": _VPC[0],
    "dst_vpc": _VPC[1],
    "code": "s.log_status",
}
GATEWAY = {
    "src_port": "s.srcport",
    "dst_port": "s.dstport",
    "protocol": "s.protocol",
    "direction": "s.flow_direction",
    "tcp_flags": "s.tcp_flags",
    "packets": "s.packets",
    "src_interface": "s.tgw_src_eni",
    "dst_interface": "s.tgw_dst_eni",
    "src_vpc": "s.tgw_src_vpc_id",
    "dst_vpc": "s.tgw_dst_vpc_id",
    "code": "s.log_status",
}
NLB = {
    "src_port": "s.client_port_number",
    "dst_port": "s.destination_port_number",
    "protocol": "6",
    "bytes_in": "s.received_bytes",
    "bytes_out": "s.sent_bytes",
    "dst_name": "s.domain_name",
    "code": "s.incoming_tls_alert",
    "fields": "s.unmapped",
}
FIREWALL = {
    "src_port": "s.src_port",
    "dst_port": "s.dest_port",
    "protocol_name": "s.proto",
    "packets": "s.netflow_pkts",
    "dst_name": "coalesce(s.tls_sni, s.http_hostname)",
    "code": "coalesce(s.verdict_action, s.alert_action)",
    "rule": "s.alert_signature",
    "fields": "s.unmapped",
}
ALB = {
    "src_port": "s.client_port_number",
    "dst_port": "s.listener_port",
    "protocol": "6",
    "dst_name": "s.elb",
    "code": "s.tls_verify_status",
    "fields": "s.unmapped",
}
CLOUDFRONT = {
    "src_port": "s.client_port_number",
    "protocol": "6",
    "dst_name": "s.tls_sni",
    "code": "s.connection_status",
    "fields": "s.unmapped",
}
OCSF = {
    "src_port": "s.src_port",
    "dst_port": "s.dest_port",
    "protocol": "TRY_CAST(s.connection_info->>'$.protocol_num' AS BIGINT)",
    "packets": "s.packets",
    "src_interface": "s.src_interface_uid",
    "dst_interface": "s.dst_interface_uid",
    "src_instance": "s.instance_id",
    "src_vpc": "s.vpc_id",
    "code": "s.status_code",
    "product": "coalesce(s.product_name, 'OCSF')",
    "vendor": "coalesce(s.metadata->>'$.product.vendor_name', 'not recorded')",
    "fields": "s.source_unmapped",
}

CLASS = OcsfClass(
    uid=4001,
    name="network_activity",
    caption="Network Activity",
    category="Network Activity",
    activity="""CASE
    WHEN e.source IN ('nlb', 'alb_connection', 'cloudfront_connection') THEN CASE WHEN e.outcome = 'error' THEN 4 ELSE 1 END
    WHEN e.outcome = 'reject' THEN 5 ELSE 6 END""",
    activities={0: "Unknown", 1: "Open", 4: "Fail", 5: "Refuse", 6: "Traffic"},
    details=DETAILS,
    sources={
        "vpc_flow": Records("Amazon VPC", VPC_FLOW, "Flowlogs"),
        "transit_gateway_flow": Records("AWS Transit Gateway", GATEWAY, "Flowlogs"),
        "nlb": Records("Elastic Load Balancing", NLB, "Network Load Balancer"),
        "network_firewall": Records("AWS Network Firewall", FIREWALL),
        "alb_connection": Records("Elastic Load Balancing", ALB, "Application Load Balancer"),
        "cloudfront_connection": Records("Amazon CloudFront", CLOUDFRONT, "Connection Logs"),
        "ocsf": Records("OCSF", OCSF, where="s.class_uid = 4001"),
    },
    members=ENDS | {"status_code": "d.code"},
    profiles=PROFILES,
    where=HAS_AN_END,
)
