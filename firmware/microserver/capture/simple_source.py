"""A capture source that is called from a task, where a driver may allocate and take its time."""


class SimpleSource:
    """`getter` is the component's method, or a coroutine function; `payload_of` makes the payload
    of what it gives, and is None for readings: their payload is {"readings": result}.

    Only for building: a collector takes the two out of it.
    """

    fast = False

    def __init__(self, getter, payload_of):
        self.getter = getter
        self.payload_of = payload_of
