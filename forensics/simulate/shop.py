"""The account of a small web shop where incidents are set: people, functions, instances, addresses."""

from dataclasses import dataclass

from forensics.simulate.lambda_log import Environment
from forensics.simulate.stage import BEGINS, Stage
from forensics.simulate.world import (
    PARTNER_ACCOUNT,
    Caller,
    Credential,
    Function,
    Ids,
    Instance,
    Interface,
    Role,
    User,
    at,
    caller,
    function_session,
    instance_session,
    role_session,
    user_credential,
)

VPC = "vpc-0123456789abcdef0"
PRIVATE_SUBNET = "subnet-0aaaaaaaaaaaaaaa1"
PUBLIC_SUBNET = "subnet-0bbbbbbbbbbbbbbb2"
WEB_GROUP = "sg-0aaaaaaaaaaaaaaa3"

OFFICE = "198.51.100.50"
HOME = "198.51.100.77"
NAT_ADDRESS = "198.51.100.10"
PARTNER_ADDRESS = "198.51.100.20"
S3_ADDRESS = "192.0.2.10"
SES_ADDRESS = "192.0.2.25"
AWS_LAMBDA_ADDRESSES = ("192.0.2.200", "192.0.2.201")

FUNCTION_AGENT = "Boto3/1.35.0 md/Botocore#1.35.0 ua/2.0 os/linux#5.10 lang/python#3.12 exec-env/AWS_Lambda_python3.12"
WORKER_AGENT = "awslambda-worker/1.0 rusoto/0.47.0 rust/1.56.1 linux"
INSTANCE_AGENT = "Boto3/1.34.0 md/Botocore#1.34.0 ua/2.0 os/linux#6.1 lang/python#3.11"
DEV_AGENT = "aws-cli/2.17.0 md/awscrt#0.20.11 ua/2.0 os/macos#14.5 lang/python#3.11.8 cfg/retry-mode#standard"
CI_AGENT = "Terraform/1.9.5 aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"

_STARTS = (
    ("orders-fn", "06:11:04", "11:58"),
    ("orders-fn", "08:55:02", "10:31"),
    ("billing-fn", "06:12:21", "11:55"),
    ("billing-fn", "07:40:11", "11:50"),
    ("mailer-fn", "06:14:32", "11:57"),
    ("thumbs-fn", "06:21:02", "08:40"),
    ("thumbs-fn", "08:51:33", "11:20"),
    ("thumbs-fn", "09:31:44", "11:56"),
)


@dataclass(frozen=True)
class Shop:
    """Everything the made-up company runs, and who works there."""

    roles: dict[str, Role]
    functions: dict[str, Function]
    environments: tuple[Environment, ...]
    nat: Interface
    web_a: Instance
    web_b: Instance
    web_keys: tuple[Credential, Credential, Credential]
    dev: Caller
    jane: User
    admin: Caller

    def environment(self, name: str, number: int = 0) -> Environment:
        """The function's environments in order of start."""
        return [each for each in self.environments if each.function.name == name][number]

    def caller_of(self, environment: Environment) -> Caller:
        """Code in the environment: from the NAT address, or from AWS's own when not in the VPC."""
        inside = environment.function.interface is not None
        place = NAT_ADDRESS if inside else AWS_LAMBDA_ADDRESSES[environment.started % 2]
        return caller(environment.credential, place, FUNCTION_AGENT)


def open_shop(stage: Stage) -> Shop:
    """The same seed gives the same shop."""
    ids = stage.ids
    roles = _roles(ids)
    functions = _functions(ids, roles)
    eni = ids.resource("eni")
    nat = Interface(eni, "10.0.0.5", PUBLIC_SUBNET, VPC, public_ip=NAT_ADDRESS, born=BEGINS)
    web_a = _web(ids, roles, "web-a", ("10.0.1.21", "198.51.100.31", at("06:00") - 3 * 86400))
    web_b = _web(ids, roles, "web-b", ("10.0.1.22", "198.51.100.32", at("07:31:05")))
    keys = (
        instance_session(web_a, ids.unique("ASIA"), created=at("04:41:10")),
        instance_session(web_a, ids.unique("ASIA"), created=at("10:21:37")),
        instance_session(web_b, ids.unique("ASIA"), created=at("07:31:44")),
    )
    dev = user_credential(User("dev", ids.unique("AIDA", 10)), ids.unique("AKIA"))
    login = role_session(
        roles["sso"],
        "jane@example.com",
        ids.unique("ASIA"),
        created=at("09:01:20"),
        kind="identity_center",
        hours=4,
    )
    return Shop(
        roles=roles,
        functions=functions,
        environments=tuple(_environment(ids, functions[name], start, stop) for name, start, stop in _STARTS),
        nat=nat,
        web_a=web_a,
        web_b=web_b,
        web_keys=keys,
        dev=caller(dev, OFFICE, DEV_AGENT),
        jane=User("jane", ids.unique("AIDA", 10)),
        admin=caller(login, HOME, DEV_AGENT.replace("macos#14.5", "linux#6.8")),
    )


def _roles(ids: Ids) -> dict[str, Role]:
    paths = {
        "orders-exec": "/service-role/",
        "billing-exec": "/service-role/",
        "mailer-exec": "/service-role/",
        "thumbs-exec": "/",
        "web-instance": "/",
        "ci-deploy": "/ci/",
        "reporting-admin": "/",
        "dev-readonly": "/",
        "partner-readonly": "/",
        "AWSServiceRoleForConfig": "/aws-service-role/config.amazonaws.com/",
    }
    roles = {name: Role(name, ids.unique("AROA", 10), path) for name, path in paths.items()}
    sso = "AWSReservedSSO_Admin_0123456789abcdef"
    roles["sso"] = Role(sso, ids.unique("AROA", 10), "/aws-reserved/sso.amazonaws.com/")
    roles["partner"] = Role("integration-runner", ids.unique("AROA", 10), "/", PARTNER_ACCOUNT)
    return roles


def _functions(ids: Ids, roles: dict[str, Role]) -> dict[str, Function]:
    def interface(address: str, group: str, born: str) -> Interface:
        eni = ids.resource("eni")
        return Interface(eni, address, PRIVATE_SUBNET, VPC, security_group=group, born=at(born))

    shared = interface("10.0.10.9", "sg-0aaaaaaaaaaaaaaa1", "06:05:41")
    mailer = interface("10.0.10.14", "sg-0aaaaaaaaaaaaaaa2", "06:07:12")

    def function(name: str, memory: int, timeout: int, where: Interface | None) -> Function:
        digest = f"{ids.text(40)}EXA="
        role = roles[name.replace("-fn", "-exec")]
        return Function(name, role, "python:3.12", memory, timeout, where, digest, json_logs=name == "mailer-fn")

    made = (
        function("orders-fn", 512, 10, shared),
        function("billing-fn", 512, 15, shared),
        function("mailer-fn", 256, 6, mailer),
        function("thumbs-fn", 1024, 3, None),
    )
    return {each.name: each for each in made}


def _environment(ids: Ids, function: Function, started: str, stopped: str) -> Environment:
    stream = f"2026/11/05/[$LATEST]{ids.hex(32)}"
    key = function_session(function, ids.unique("ASIA"), created=at(started))
    return Environment(function, stream, key, at(started), at(stopped))


def _web(ids: Ids, roles: dict[str, Role], name: str, facts: tuple[str, str, int]) -> Instance:
    address, public, launched = facts
    instance = ids.resource("i")
    eni = Interface(ids.resource("eni"), address, PUBLIC_SUBNET, VPC, instance, public, WEB_GROUP, launched)
    return Instance(instance, name, roles["web-instance"], eni, launched)
