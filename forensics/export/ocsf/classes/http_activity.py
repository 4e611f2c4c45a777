"""HTTP Activity (4002): requests to load balancers, CloudFront, API Gateway, and those that AWS WAF judged."""

from forensics.export.ocsf.connections import DETAILS, ENDS, PROFILES
from forensics.export.ocsf.schema import OcsfClass, Records
from forensics.export.ocsf.sqls import method, port, some

_METHODS = {1: "CONNECT", 2: "DELETE", 3: "GET", 4: "HEAD", 5: "OPTIONS", 6: "POST", 7: "PUT", 8: "TRACE"}

WEB = {
    "http_method": "VARCHAR",
    "scheme": "VARCHAR",
    "host": "VARCHAR",
    "host_port": "BIGINT",
    "path": "VARCHAR",
    "query": "VARCHAR",
    "http_version": "VARCHAR",
    "referrer": "VARCHAR",
    "request_uid": "VARCHAR",
    "http_code": "BIGINT",
    "latency": "DOUBLE",
}

_URL = "regexp_extract(s.request, '^[^ ]+ (.*?)(?: [^ ]*)?$', 1)"


def _of_url(pattern: str) -> str:
    return f"nullif(regexp_extract({_URL}, '{pattern}', 1), '')"


REQUEST_LINE = {
    "http_method": "nullif(regexp_extract(s.request, '^([^ ]+) ', 1), '')",
    "scheme": _of_url("^([a-zA-Z]+)://"),
    "host": _of_url(r"^[a-zA-Z]+://(\[[^\]]*\]|[^/:?]*)"),
    "host_port": f"TRY_CAST({_of_url(r'^[a-zA-Z]+://(?:[[][^]]*[]]|[^/:?]*):([0-9]+)')} AS BIGINT)",
    "path": _of_url(r"^(?:[a-zA-Z]+://[^/?]*)?([^?]*)"),
    "query": _of_url(r"[?](.*)$"),
    "http_version": r"nullif(regexp_extract(s.request, ' HTTP/([0-9.]+)$', 1), '')",
}
BALANCED = REQUEST_LINE | {
    "src_port": "s.client_port_number",
    "bytes_in": "s.received_bytes",
    "bytes_out": "s.sent_bytes",
    "http_code": "s.elb_status_code",
    "code": "CAST(s.elb_status_code AS VARCHAR)",
    "fields": "s.unmapped",
}
ALB = BALANCED | {
    "dst_port": "s.target_port_number",
    "dst_name": "s.domain_name",
    "request_uid": "s.trace_id",
    "latency": "s.target_processing_time * 1000",
}
CLB = BALANCED | {"dst_port": "s.backend_port_number", "latency": "s.backend_processing_time * 1000"}
CLOUDFRONT = {
    "http_method": "s.cs_method",
    "scheme": "s.cs_protocol",
    "host": "coalesce(s.x_host_header, s.cs_host)",
    "path": "s.cs_uri_stem",
    "query": "s.cs_uri_query",
    "http_version": "regexp_replace(s.cs_protocol_version, '^HTTP/', '')",
    "referrer": "s.cs_referer",
    "request_uid": "s.x_edge_request_id",
    "http_code": "s.sc_status",
    "code": "CAST(s.sc_status AS VARCHAR)",
    "latency": "s.time_taken * 1000",
    "src_port": "s.c_port",
    "bytes_in": "s.cs_bytes",
    "bytes_out": "s.sc_bytes",
    "fields": "s.unmapped",
}
WAF = {
    "http_method": "s.http_method",
    "scheme": "s.scheme",
    "host": "s.host",
    "path": "s.uri",
    "query": "s.args",
    "http_version": "regexp_replace(s.http_version, '^HTTP/', '')",
    "request_uid": "s.request_id",
    "http_code": "s.response_code_sent",
    "code": "s.action",
    "blocked": "CASE WHEN s.action = 'ALLOW' THEN FALSE WHEN s.action IN ('BLOCK', 'CAPTCHA', 'CHALLENGE') THEN TRUE END",
    "rule": "s.terminating_rule_id",
    "fields": "s.unmapped",
}
API_GATEWAY = {
    "http_method": "s.http_method",
    "host": "s.domain_name",
    "path": "coalesce(s.path, s.resource_path)",
    "http_version": "regexp_replace(s.http_version, '^HTTP/', '')",
    "request_uid": "s.request_id",
    "http_code": "s.http_status",
    "code": "CAST(s.http_status AS VARCHAR)",
    "latency": "s.response_latency",
    "bytes_out": "s.response_length",
    "fields": "s.unmapped",
}
OCSF = {
    "http_method": "s.http_method",
    "host": "s.http_request_url->>'$.hostname'",
    "path": "s.http_request_url->>'$.path'",
    "query": "s.http_request_url->>'$.query_string'",
    "scheme": "s.http_request_url->>'$.scheme'",
    "http_code": "s.http_status",
    "code": "s.status_code",
    "src_port": "s.src_port",
    "dst_port": "s.dest_port",
    "product": "coalesce(s.product_name, 'OCSF')",
    "vendor": "coalesce(s.metadata->>'$.product.vendor_name', 'not recorded')",
    "fields": "s.source_unmapped",
}

URL = some(
    ("path", "hostname"),
    scheme="d.scheme",
    hostname="d.host",
    port=port("d.host_port"),
    path="coalesce(nullif(d.path, ''), CASE WHEN d.host IS NOT NULL THEN '/' END)",
    query_string="d.query",
)
REQUEST = some(
    ("http_method", "url", "user_agent", "uid", "version"),
    http_method=method("d.http_method"),
    url=URL,
    user_agent="e.user_agent",
    version="d.http_version",
    referrer="d.referrer",
    uid="d.request_uid",
)
RESPONSE = some(
    ("code",),
    code="CAST(d.http_code AS INTEGER)",
    body_length="TRY_CAST(d.bytes_out AS INTEGER)",
    latency="CASE WHEN isfinite(d.latency) AND d.latency BETWEEN 0 AND 2e9 THEN CAST(round(d.latency) AS INTEGER) END",
)
_ACTIVITY = " ".join(f"WHEN '{word}' THEN {uid}" for uid, word in _METHODS.items())

CLASS = OcsfClass(
    uid=4002,
    name="http_activity",
    caption="HTTP Activity",
    category="Network Activity",
    activity=f"CASE d.http_method {_ACTIVITY} ELSE CASE WHEN d.http_method IS NULL THEN 0 ELSE 99 END END",
    activities={0: "Unknown"} | {uid: word.title() for uid, word in _METHODS.items()},
    other_activity="d.http_method",
    details=DETAILS | WEB,
    sources={
        "alb": Records("Elastic Load Balancing", ALB, "Application Load Balancer"),
        "clb": Records("Elastic Load Balancing", CLB, "Classic Load Balancer"),
        "cloudfront": Records("Amazon CloudFront", CLOUDFRONT, "Access Logs"),
        "waf": Records("AWS WAF", WAF),
        "api_gateway": Records("Amazon API Gateway", API_GATEWAY, where="s.log_kind = 'access'"),
        "ocsf": Records("OCSF", OCSF, where="s.class_uid = 4002"),
    },
    members=ENDS | {"http_request": REQUEST, "http_response": RESPONSE, "status_code": "d.code"},
    profiles=PROFILES,
    where=f"{REQUEST} IS NOT NULL OR {RESPONSE} IS NOT NULL",
)
