"""DNS Activity (4003): queries to Route 53 Resolver and to public hosted zones."""

from forensics.export.ocsf.connections import CONTROL, DETAILS, HAS_AN_END, PROFILES, SOURCE
from forensics.export.ocsf.schema import OcsfClass, Records
from forensics.export.ocsf.sqls import endpoint, some, struct, text

_RCODES = (
    "NoError FormError ServError NXDomain NotImp Refused YXDomain YXRRSet NXRRSet NotAuth NotZone".split()
)  # fmt: skip
_AWS = {"FORMERR": 1, "SERVFAIL": 2}
"""Codes that AWS, as the DNS standard, writes otherwise than OCSF."""
_KNOWN = {word.upper(): uid for uid, word in enumerate(_RCODES)} | _AWS

NAMED = {
    "hostname": "VARCHAR",
    "record_type": "VARCHAR",
    "record_class": "VARCHAR",
    "rcode": "VARCHAR",
    "answers": "VARCHAR",
}

RESOLVER = {
    "hostname": "s.query_name",
    "record_type": "s.query_type",
    "record_class": "s.query_class",
    "rcode": "s.rcode",
    "answers": "s.answers",
    "src_port": "s.srcport",
    "protocol_name": "s.transport",
    "src_instance": "s.instance_id",
    "src_interface": "s.resolver_network_interface",
    "src_vpc": "s.vpc_id",
    "blocked": "CASE s.firewall_rule_action WHEN 'BLOCK' THEN TRUE WHEN 'ALERT' THEN FALSE END",
    "rule": "s.firewall_rule_group_id",
    "code": "s.rcode",
    "fields": "s.unmapped",
}
PUBLIC = {
    "hostname": "s.query_name",
    "record_type": "s.query_type",
    "rcode": "s.rcode",
    "protocol_name": "s.transport",
    "code": "s.rcode",
    "fields": "s.unmapped",
}
OCSF = {
    "hostname": "s.query_hostname",
    "record_type": "s.query_type",
    "rcode": "s.rcode",
    "src_port": "s.src_port",
    "src_instance": "s.instance_id",
    "src_interface": "s.src_interface_uid",
    "src_vpc": "s.vpc_id",
    "code": "s.status_code",
    "product": "coalesce(s.product_name, 'OCSF')",
    "vendor": "coalesce(s.metadata->>'$.product.vendor_name', 'not recorded')",
    "fields": "s.source_unmapped",
}

_ANSWER = struct(rdata="coalesce(x->>'$.Rdata', x->>'$.rdata', '')", type="x->>'$.Type'", **{"class": "x->>'$.Class'"})
_LIST = "json_extract(CASE WHEN json_valid(d.answers) THEN CAST(d.answers AS JSON) END, '$[*]')"
_ANSWERS = f"CASE WHEN len({_LIST}) > 0 THEN list_transform({_LIST}, lambda x: {_ANSWER}) END"
_ID = (
    "CASE upper(d.rcode) " + " ".join(f"WHEN {text(word)} THEN {uid}" for word, uid in _KNOWN.items()) + " ELSE 99 END"
)
_CAPTION = "CASE upper(d.rcode) " + " ".join(
    f"WHEN {text(word)} THEN {text(_RCODES[uid])}" for word, uid in _KNOWN.items()
)

CLASS = OcsfClass(
    uid=4003,
    name="dns_activity",
    caption="DNS Activity",
    category="Network Activity",
    activity="CASE WHEN d.rcode IS NULL THEN 1 ELSE 2 END",
    activities={1: "Query", 2: "Response"},
    details=DETAILS | NAMED,
    sources={
        "route53_resolver": Records("Route 53", RESOLVER, "Resolver Query Logs"),
        "route53_public": Records("Route 53", PUBLIC, "Public DNS Query Logs"),
        "ocsf": Records("OCSF", OCSF, where="s.class_uid = 4003"),
    },
    members={
        "query": some(("hostname",), hostname="d.hostname", type="d.record_type", **{"class": "d.record_class"}),
        "rcode": f"{_CAPTION} ELSE d.rcode END",
        "rcode_id": f"CASE WHEN d.rcode IS NOT NULL THEN {_ID} END",
        "answers": _ANSWERS,
        "src_endpoint": SOURCE,
        "dst_endpoint": endpoint("e.destination_ip"),
        "status_code": "d.code",
    }
    | CONTROL,
    profiles=PROFILES,
    where=HAS_AN_END,
)
