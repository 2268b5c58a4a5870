"""Who may do what: log-in, tokens, and the two rules (own part; owner)."""

import hmac
from collections.abc import Mapping

from host_tools.local_cloud.data_folder import OwnerKey
from host_tools.local_cloud.identity import Identity, Tokens, hash_of
from host_tools.local_cloud.registry import Machine, Registry
from host_tools.local_cloud.rpc import Call, RpcError, Status


class Access:
    """Checks credentials against the registry and the owner's key."""

    def __init__(self, registry: Registry, owner: OwnerKey, tokens: Tokens) -> None:
        self._registry = registry
        self._owner = owner
        self._tokens = tokens

    def log_in(self, entity: str, kind: str, payload: str) -> tuple[Identity, str]:
        """The identity and its access token; UNAUTHENTICATED for wrong credentials."""
        if kind not in ("api-key", "robot-secret"):
            raise RpcError(
                Status.UNAUTHENTICATED,
                f"credentials of type {kind[:40]!r} are not known here,"
                ' use "api-key" or "robot-secret"',
            )
        identity = Identity("owner" if kind == "api-key" else "part", entity)
        secret_hash = self._secret_hash(identity)
        if not hmac.compare_digest(secret_hash.encode(), hash_of(payload).encode()):
            raise RpcError(Status.UNAUTHENTICATED, f"wrong id or secret ({kind})")
        return identity, self._tokens.issue(identity, secret_hash)

    def identify(self, metadata: Mapping[str, str]) -> Identity:
        """Whose token a call carries; UNAUTHENTICATED without a valid one."""
        scheme, _, token = metadata.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise RpcError(Status.UNAUTHENTICATED, "no access token: call Authenticate first")
        identity = self._tokens.claimed(token)
        if identity is None:
            raise RpcError(Status.UNAUTHENTICATED, "the access token is expired or malformed")
        secret_hash = self._secret_hash(identity)
        if not secret_hash or not self._tokens.is_genuine(token, secret_hash):
            raise RpcError(Status.UNAUTHENTICATED, "the access token is not valid (any more)")
        return identity

    def own_part(self, call: Call, part_id: str) -> Machine:
        """The machine that calls, if it asks about itself."""
        if call.identity != Identity("part", part_id):
            raise RpcError(
                Status.PERMISSION_DENIED, f"this access token is not for part {part_id[:40]!r}"
            )
        return self.known_part(part_id)

    def own_part_or_owner(self, call: Call, part_id: str) -> Machine:
        """The machine asked about, if the caller is that machine or the owner."""
        if call.identity is not None and call.identity.kind == "owner":
            return self.known_part(part_id)
        return self.own_part(call, part_id)

    def require_owner(self, call: Call) -> None:
        """PERMISSION_DENIED for everyone but the owner."""
        if call.identity is None or call.identity.kind != "owner":
            raise RpcError(Status.PERMISSION_DENIED, "reading data takes the owner's API key")

    def known_part(self, part_id: str) -> Machine:
        """The machine with this part id; NOT_FOUND when there is none."""
        machine = self._registry.by_part(part_id)
        if machine is None:
            raise RpcError(Status.NOT_FOUND, f"no part with id {part_id[:40]!r} is registered")
        return machine

    def _secret_hash(self, identity: Identity) -> str:
        """The hash of this identity's secret, "" when there is no such identity."""
        if identity.kind == "owner":
            return hash_of(self._owner.key) if identity.id == self._owner.id else ""
        machine = self._registry.by_part(identity.id)
        return machine.secret_hash if machine else ""
