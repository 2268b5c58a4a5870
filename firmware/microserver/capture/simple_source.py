"""A capture source that is called from a task, where a driver may allocate and take its time."""


class SimpleSource:
    """`getter` is the component's method, or a coroutine function; `payload_of` makes the payload
    of what it gives."""

    fast = False

    def __init__(self, getter, payload_of):
        self._getter = getter
        self._payload_of = payload_of

    def read(self):
        """The payload, or a coroutine of it; a driver's errors come through."""
        result = self._getter()
        return self._when_ready(result) if hasattr(result, "send") else self._payload_of(result)

    async def _when_ready(self, coroutine):
        return self._payload_of(await coroutine)


def readings_payload(result):
    """Readings that are no dict go on as they are to the collector, which counts them."""
    return {"readings": result} if isinstance(result, dict) else result
