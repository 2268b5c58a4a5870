"""Builds a collector for each capture method of the config; not needed when they stand."""

from micropython import const

from microserver.capture.collector import FastCollector, SimpleCollector
from microserver.capture.methods import source_for
from microserver.capture.ring import Ring
from microserver.robot.resource import ConfigError

_RAM_FOR_RINGS = const(4096)  # heads of all rings together; the rest of each cache is in flash
_SMALLEST_HEAD = const(512)


def build(service, components, resources, pool):
    """Give `service` one collector per capture method; a bad one is reported and left out.

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
        try:
            service.add(_collector(service, component, capture, resources, pool, head))
        except ConfigError as error:
            service.report("%s:%s" % (component.name, capture.method), error)


def _collector(service, component, capture, resources, pool, head):
    source = source_for(resources[component.name], capture.method, capture.params)
    cap = capture.cache_bytes
    ring = Ring(cap, min(cap, head), pool)
    kind = FastCollector if source.fast else SimpleCollector
    return kind(component, capture, source, ring, service.clock, service.report)
