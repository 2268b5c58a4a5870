"""Who is calling, and the tokens that say so."""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Literal

Kind = Literal["owner", "part"]
TOKEN_LIFETIME_S = 30 * 86_400  # viam-sdk asks for one token per client and never renews it
_SIGNATURE_CHARACTERS = 32  # 192 bits of the HMAC: short on the wire of a small device


@dataclass(frozen=True)
class Identity:
    """The owner of this cloud (an API key's id), or one machine part (its part id)."""

    kind: Kind
    id: str


def new_secret() -> str:
    """A secret of 256 bits, safe in URLs and JSON."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is kept instead of a secret (which is random, so no salt is needed)."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Tokens:
    """Signed access tokens: they outlive a restart of the server and end with their secret."""

    def __init__(self, key: bytes, lifetime_s: int = TOKEN_LIFETIME_S) -> None:
        self._key = key
        self._lifetime_s = lifetime_s

    def issue(self, identity: Identity, secret_hash: str) -> str:
        """A token for `identity`, valid as long as its secret is the one with this hash."""
        body = f"{identity.kind}.{identity.id}.{int(time.time()) + self._lifetime_s}"
        return f"{body}.{self._signature(body, secret_hash)}"

    def claimed(self, token: str) -> Identity | None:
        """Whom an unexpired token names; worth nothing before `is_genuine`."""
        match token.split("."):
            case ["owner" | "part" as kind, identifier, expiry, _] if expiry.isascii():
                fresh = expiry.isdigit() and len(expiry) < 16 and int(expiry) > time.time()
                return Identity(kind, identifier) if fresh else None
        return None

    def is_genuine(self, token: str, secret_hash: str) -> bool:
        """Whether we signed `token` while that secret was valid."""
        body, _, signature = token.rpartition(".")
        good = self._signature(body, secret_hash)
        return hmac.compare_digest(signature.encode(), good.encode())

    def _signature(self, body: str, secret_hash: str) -> str:
        mac = hmac.digest(self._key, f"{body}.{secret_hash}".encode(), "sha256")
        return urlsafe_b64encode(mac).decode()[:_SIGNATURE_CHARACTERS]
