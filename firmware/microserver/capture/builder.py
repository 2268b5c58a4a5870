"""Builds a collector for each capture method of the config; not needed when they stand."""

from micropython import const

from microserver.capture import ring, schema_maker, service
from microserver.capture.collector import Collector, FastCollector, SimpleCollector
from microserver.capture.flash_pool import FlashPool
from microserver.capture.methods import source_for
from microserver.capture.record import Schemas
from microserver.health.heap import drop
from microserver.robot.resource import ConfigError

_RAM_FOR_RINGS = const(4096)  # heads of all rings together; the rest of each cache is in flash
_SMALLEST_HEAD = const(512)


def build(captures, components, resources, pool):
    """Give the CaptureService `captures` one collector per capture method; a bad one is reported
    and left out.

    `components`: those of a RobotConfig; `resources`: resource by name; `pool`: FlashPool.
    """
    wanted = [
        (component, capture)
        for component in components
        for capture in component.captures
        if component.name in resources and not capture.disabled
    ]
    head = max(_SMALLEST_HEAD, _RAM_FOR_RINGS // max(1, len(wanted)))
    for component, capture in wanted:
        name = "%s:%s" % (component.name, capture.method)
        try:
            source = source_for(resources[component.name], capture.method, capture.params)
        except ConfigError as error:
            captures.report(name, error)
            continue
        cap = capture.cache_bytes
        fifo = ring.Ring(cap, min(cap, head), pool)
        built = collector(name, capture.frequency_uhz, source, fifo, captures)
        built.origin = component.api, component.name, capture.method, capture.params, capture.tags
        captures.add(built)


def collector(name, frequency_uhz, source, fifo, captures):
    """The collector of a source, fast or simple, that stores in the Ring `fifo`."""
    kind = SimpleCollector
    if source.fast:
        kind = FastCollector
        schema = schema_maker.raw_schema(source)
        schema_maker.put(fifo.schemas, schema)
    return kind(name, service.grid_of(frequency_uhz), source, fifo, captures)


def release():
    """Give back what only building needs, when capture has started; nothing can be built then."""
    Collector.__init__ = FastCollector.__init__ = SimpleCollector.__init__ = None
    Schemas.__init__ = ring.Ring.__init__ = None
    FlashPool.__init__ = FlashPool.reserve = FlashPool.rotation = None
    captures = service.CaptureService
    captures.__init__ = captures.add = captures.start = captures.tick_period_us = None
    service.grid_of = None
    drop(schema_maker.__name__)
