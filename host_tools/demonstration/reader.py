"""Reads everything back with the unmodified official SDK, as a user's own program would."""

from collections import defaultdict
from typing import Any

from viam.app.viam_client import ViamClient
from viam.proto.app.data import Filter, Order
from viam.rpc.dial import Credentials, DialOptions

Row = tuple[int, dict[str, Any]]  # time_requested in microseconds since 1970, the payload
Series = dict[tuple[str, str], list[Row]]  # by (component name, method)
_PAGE = 1000


async def read_series(address: str, api_key: dict[str, str], part_id: str) -> Series:
    """All tabular data of one part, by `DataClient.tabular_data_by_filter`, oldest first."""
    options = DialOptions(
        insecure=True,
        credentials=Credentials(type="api-key", payload=api_key["key"]),
        auth_entity=api_key["id"],
    )
    client = await ViamClient.create_from_dial_options(options, app_url=f"http://{address}")
    try:
        return await _pages(client, part_id)
    finally:
        client.close()


async def _pages(client: ViamClient, part_id: str) -> Series:
    series: Series = defaultdict(list)
    last = ""
    while True:
        rows, _, last = await client.data_client.tabular_data_by_filter(
            Filter(part_id=part_id), limit=_PAGE, sort_order=Order.ORDER_ASCENDING, last=last
        )
        if not rows:
            return series
        for row in rows:
            requested = round(row.time_requested.timestamp() * 1_000_000)
            key = (row.metadata.component_name, row.metadata.method_name)
            series[key].append((requested, dict(row.data)))
