"""A throw-away RSA key, made up for these incidents: it signs their digests as CloudTrail's keys sign real ones.

It is no secret and of no use elsewhere; it stands here so that the same seed gives the same bytes.
"""

import base64
import hashlib
from functools import cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_EXPONENT = 65537
_P = (
    "e6209057d1ea933c6530a4804515d56039cb3f2039a48c00d4c95e80eb9d1239"
    "59d951b85f3bf70d2b0b8beeab64aee73afe9f2f3c779cd32ac577a6fac914ee"
    "00ca4a98c822a55d19398a361985abb48c74b859dcd97738a2399c8c9959d142"
    "63750aadd55d978d8f3b84aa7bbc23f1d99dfeee64bc47a027302b40c8e39039"
)
_Q = (
    "dc6cb31b31f199ff3412ae1c3d77eeee70f56d8afde9e568cfe535e438159882"
    "282734e704b2651b8c7d4379009a7ec7b85fa04db8565c33a37b0e5135e21ad6"
    "85cd862c973beffcd7ea19507c4b33fa76a8517a8d0d5d747a65daeca7423880"
    "600254f420af9d66fb7c5499157a19c9e1e7245fb7ce10318ba8905f8089d79f"
)


@cache
def made_up_key() -> RSAPrivateKey:
    """The key, of 2048 bits."""
    p, q = int(_P, 16), int(_Q, 16)
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    parts = {"dmp1": rsa_crt_dmp1(d, p), "dmq1": rsa_crt_dmq1(d, q), "iqmp": rsa_crt_iqmp(p, q)}
    numbers = RSAPrivateNumbers(p=p, q=q, d=d, **parts, public_numbers=RSAPublicNumbers(_EXPONENT, p * q))
    return numbers.private_key()


def public_value(key: RSAPrivateKey, form: PublicFormat = PublicFormat.PKCS1) -> str:
    """The public key as ListPublicKeys gives it: DER in base64, of PKCS #1 unless said otherwise."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, form)).decode()


def fingerprint(key: RSAPrivateKey) -> str:
    """A name of the key in the form of CloudTrail's: 32 hex digits."""
    return hashlib.sha256(public_value(key).encode()).hexdigest()[:32]


def sign(key: RSAPrivateKey, signed: str) -> str:
    """The signature in hex, as the metadata of a digest has it."""
    return key.sign(signed.encode(), PKCS1v15(), SHA256()).hex()
