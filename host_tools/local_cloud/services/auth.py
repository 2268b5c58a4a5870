"""AuthService: an API key or a machine's secret for an access token."""

from viam.gen.proto.rpc.v1.auth_pb2 import (
    DESCRIPTOR,
    AuthenticateRequest,
    AuthenticateResponse,
)

from host_tools.local_cloud.access import Access
from host_tools.local_cloud.http_date import http_date
from host_tools.local_cloud.registry import Registry
from host_tools.local_cloud.rpc import Call

SERVICE = DESCRIPTOR.services_by_name["AuthService"]


class AuthService:
    """The only service that takes no token."""

    def __init__(self, access: Access, registry: Registry) -> None:
        self._access = access
        self._registry = registry

    async def Authenticate(  # noqa: N802
        self, request: AuthenticateRequest, call: Call
    ) -> AuthenticateResponse:
        """An access token for `request.entity`; the date helps a machine without a clock."""
        given = request.credentials
        identity, token = self._access.log_in(request.entity, given.type, given.payload)
        if identity.kind == "part":
            self._registry.note_login(identity.id)
        call.initial_metadata.append(("date", http_date()))
        return AuthenticateResponse(access_token=token)
