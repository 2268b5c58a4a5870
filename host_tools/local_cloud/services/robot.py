"""The app's RobotService: a machine's config, certificate, log lines and restart wish."""

import asyncio

from google.protobuf.duration_pb2 import Duration
from viam.gen.app.v1.robot_pb2 import (
    DESCRIPTOR,
    CertificateRequest,
    CertificateResponse,
    CloudConfig,
    ConfigRequest,
    ConfigResponse,
    LogRequest,
    LogResponse,
    NeedsRestartRequest,
    NeedsRestartResponse,
)

from host_tools.local_cloud.access import Access
from host_tools.local_cloud.certificate import make_certificate
from host_tools.local_cloud.http_date import http_date
from host_tools.local_cloud.log_store import LogStore
from host_tools.local_cloud.registry import Machine, Registry
from host_tools.local_cloud.robot_config import to_message
from host_tools.local_cloud.rpc import Call

SERVICE = DESCRIPTOR.services_by_name["RobotService"]
_RESTART_CHECK_S = 10


class RobotService:
    """What a machine asks of its cloud about itself."""

    def __init__(self, access: Access, registry: Registry, logs: LogStore) -> None:
        self._access = access
        self._registry = registry
        self._logs = logs

    async def Config(self, request: ConfigRequest, call: Call) -> ConfigResponse:  # noqa: N802
        """The machine's config; its `revision` changes with its content only."""
        machine = self._access.own_part_or_owner(call, request.id)
        if call.identity is not None and call.identity.kind == "part":
            self._registry.note_seen(machine)
        config = to_message(machine.document)
        config.cloud.CopyFrom(self._cloud_config(machine))
        call.initial_metadata.append(("date", http_date()))
        return ConfigResponse(config=config)

    async def Certificate(  # noqa: N802
        self, request: CertificateRequest, call: Call
    ) -> CertificateResponse:
        """A self-signed certificate of the machine's own, the same at every call."""
        machine = self._access.own_part(call, request.id)
        pair = self._registry.certificate(machine.part_id)
        if pair is None:
            pair = make_certificate(machine.name)
            self._registry.keep_certificate(machine.part_id, *pair)
        return CertificateResponse(
            id=machine.part_id, tls_certificate=pair[0], tls_private_key=pair[1]
        )

    async def Log(self, request: LogRequest, call: Call) -> LogResponse:  # noqa: N802
        """Keep the machine's log lines."""
        machine = self._access.own_part(call, request.id)
        await asyncio.to_thread(self._logs.append, machine.part_id, request.logs)
        return LogResponse()

    async def NeedsRestart(  # noqa: N802
        self, request: NeedsRestartRequest, call: Call
    ) -> NeedsRestartResponse:
        """Whether a person asked for a restart since the machine last logged in."""
        machine = self._access.own_part(call, request.id)
        if machine.restart == "asked":
            self._registry.note_restart_told(machine.part_id)
        return NeedsRestartResponse(
            id=machine.part_id,
            must_restart=machine.restart != "none",
            restart_check_interval=Duration(seconds=_RESTART_CHECK_S),
        )

    def _cloud_config(self, machine: Machine) -> CloudConfig:
        return CloudConfig(
            id=machine.part_id,
            machine_id=machine.robot_id,
            location_id=self._registry.location_id,
            primary_org_id=self._registry.organization_id,
        )
