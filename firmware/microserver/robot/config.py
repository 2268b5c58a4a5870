"""Turns a robot config document into what to build, capture and sync, and a list of problems.

One bad item is left out with a problem that names its path; the rest stands.  `parse` never
raises.  Nothing here is needed afterwards: the results hold no functions of this module, so it can
be dropped from `sys.modules`.  The form of the document is the one of the Viam app.
"""

from collections import namedtuple

from micropython import const

from microserver.robot.attributes import Problems, read_attributes, shown
from microserver.robot.methods import METHODS

RobotConfig = namedtuple("RobotConfig", ("components", "data_manager", "problems"))
"""components: in build order, the board first; data_manager: or None; problems: (path, message,
severity)."""

ComponentConfig = namedtuple(
    "ComponentConfig",
    ("name", "api", "model", "attributes", "depends_on", "captures", "path"),
)
"""api: "rdk:component:sensor"; model: last element of the triplet; path: "components[0]"."""

CaptureConfig = namedtuple(
    "CaptureConfig",
    ("method", "frequency_uhz", "cache_bytes", "disabled", "params", "tags", "path"),
)
"""frequency_uhz: integer micro-hertz; cache_bytes: the exact bound of the ring."""

DataManagerConfig = namedtuple(
    "DataManagerConfig", ("capture_disabled", "sync_disabled", "sync_interval_ms", "tags")
)

_BOARD = const("rdk:component:board")
_DOCUMENT = const(
    "components:list services:list remotes:- modules:- processes:- jobs:- fragments:- packages:-"
    " cloud:~ network:~ auth:~ debug:~ log:~ revision:~ agent:~ fragment_mods:~ maintenance:~"
    " tracing:~ disable_partial_start:~ overwrite_fragment_status:~ enable_web_profile:~"
    " disable_log_deduplication:~"
)
# Components and services alike; what only components need is asked for below.
_RESOURCE = const(
    "name:str(1..60) api:str type:str namespace:str model:str attributes:object depends_on:str[]"
    " service_configs:list frame:~ log_configuration:~ notes:~ ui_folder:~"
)
_DATA_MANAGER = const(
    "capture_disabled:bool sync_disabled:bool sync_interval_mins:float(0.01..10080)"
    " sync_interval_minutes:float(0.01..10080) cache_size_kb:float=1(1..16000) tags:str[]"
    " capture_dir:- additional_sync_paths:- delete_every_nth_when_disk_full:-"
    " maximum_num_sync_threads:- selective_syncer_name:- file_last_modified_millis:-"
    " maximum_capture_file_size_bytes:- mongo_capture_config:-"
)
_SERVICE_CONFIG = const("type:str! attributes:object")
_CAPTURES = const("capture_methods:list!")
_CAPTURE = const(
    "method:str! capture_frequency_hz:float!(0.0001..1000) cache_size_kb:float(1..16000)"
    " disabled:bool additional_params:object tags:str[] name:~ capture_queue_size:-"
    " capture_buffer_size:- retention_policy:-"
)


def parse(document, problems=None):
    """The RobotConfig of a decoded JSON (or protobuf) `document`; see attributes.Problems.

    One that the heap has no room for gives an empty robot and a problem that says so.
    """
    problems = problems or Problems()
    try:
        return _parse(document, problems)
    except MemoryError:
        problems.items[:] = [("", "too large for this heap: nothing is built", "error")]
        return RobotConfig([], None, problems.items)


def _parse(document, problems):
    top, _ = read_attributes(_DOCUMENT, document, "", problems)
    manager, cache_kb = _read_services(top["services"] or (), problems)
    components = []
    captures = 0
    for index, entry in enumerate(top["components"] or ()):
        component = _read_component(entry, "components[%d]" % index, cache_kb, problems)
        if component and not _is_double(component, components, problems):
            components.append(component)
            captures += len(component.captures)
    if captures and manager is None:
        problems.add("services", "no data_manager service: nothing is captured", "note")
    return RobotConfig(_in_build_order(components, problems), manager, problems.items)


def _read_services(entries, problems):
    """`(DataManagerConfig or None, default cache_size_kb)`."""
    manager = None
    cache_kb = 1
    for index, entry in enumerate(entries):
        path = "services[%d]" % index
        service, usable = read_attributes(_RESOURCE, entry, path, problems)
        kind = _last(service["api"] or service["type"] or "")
        if not usable or not _is_data_manager(kind, path, problems):
            continue
        if manager:
            problems.add(path, "a second data_manager service, left out")
        else:
            manager, cache_kb = _read_manager(service["attributes"], path, problems)
    return manager, cache_kb


def _is_data_manager(kind, path, problems):
    if kind == "data_manager":
        return True
    problems.add(path, "service %s is not of this device, ignored" % shown(kind), "warning")
    return False


def _read_manager(attributes, path, problems):
    # Not `usable` is no reason to stop capturing: what is bad has its default.
    values, _ = read_attributes(_DATA_MANAGER, attributes, path + ".attributes", problems)
    minutes = values["sync_interval_mins"] or values["sync_interval_minutes"] or 0.1
    return DataManagerConfig(
        values["capture_disabled"],
        values["sync_disabled"],
        int(minutes * 60000 + 0.5),
        tuple(values["tags"]),
    ), values["cache_size_kb"]


def _read_component(entry, path, cache_kb, problems):
    values, usable = read_attributes(_RESOURCE, entry, path, problems)
    api = values["api"] or values["type"]
    for key, value in (("name", values["name"]), ("model", values["model"]), ("type", api)):
        if usable and not value:
            problems.add(path + "." + key, "required, but missing")
            usable = False
    if not usable:
        return None
    parts = api.split(":")
    if len(parts) > 1 and parts[1:2] != ["component"]:
        problems.add(path + ".api", "expected rdk:component:..., got " + shown(api))
        return None
    captures = []
    for index, item in enumerate(values["service_configs"] or ()):
        here = "%s.service_configs[%d]" % (path, index)
        service, usable = read_attributes(_SERVICE_CONFIG, item, here, problems)
        if usable and _is_data_manager(_last(service["type"]), here, problems):
            here += ".attributes"
            _read_captures(service["attributes"], here, parts[-1], cache_kb, captures, problems)
    return ComponentConfig(
        values["name"],
        "rdk:component:" + parts[-1],
        _last(values["model"]),
        values["attributes"] or {},
        [name.split("/")[-1] for name in values["depends_on"]],  # rdk:component:board/x is x
        captures,
        path,
    )


def _read_captures(attributes, path, subtype, cache_kb, captures, problems):
    """Append the good captures of one service config to `captures`."""
    methods, _ = read_attributes(_CAPTURES, attributes, path, problems)
    for index, item in enumerate(methods["capture_methods"] or ()):
        here = "%s.capture_methods[%d]" % (path, index)
        capture = _read_capture(item, here, subtype, cache_kb, problems)
        for other in captures if capture else ():
            if other.method == capture.method and other.params == capture.params:
                problems.add(here, capture.method + " is captured twice, left out")
                capture = None
                break
        if capture:
            captures.append(capture)


def _read_capture(entry, path, subtype, cache_kb, problems):
    values, usable = read_attributes(_CAPTURE, entry, path, problems)
    method = values["method"]
    possible = METHODS.get(subtype, "")
    if method and method not in possible.split():
        message = "%s of a %s cannot be captured" % (shown(method), subtype[:40])
        problems.add(path + ".method", message + (", only " + possible if possible else ""))
        return None
    params = values["additional_params"] or {}
    needed = {"Analogs": "reader_name", "Gpios": "pin_name"}.get(method)
    if needed and not params.get(needed):
        problems.add(path + ".additional_params." + needed, "required, but missing")
        return None
    if not usable:
        return None
    return CaptureConfig(
        method,
        _micro_hertz(values["capture_frequency_hz"]),
        int((values["cache_size_kb"] or cache_kb) * 1000 + 0.5),
        values["disabled"],
        params,
        tuple(values["tags"]),
        path,
    )


def _micro_hertz(hertz):
    """Integer micro-hertz to seven digits, which single precision has: both builds agree."""
    whole = int(hertz)
    micro = whole * 1000000 + int((hertz - whole) * 1000000 + 0.5)
    step = 1
    while micro // step >= 10000000:
        step *= 10
    return (micro + step // 2) // step * step


def _last(triplet):
    return triplet.split(":")[-1]


def _is_double(component, others, problems):
    for other in others:
        if other.name == component.name:
            problems.add(component.path + ".name", shown(other.name) + " exists already, left out")
            return True
        if other.api == component.api == _BOARD:
            problems.add(component.path, "a second board, left out")
            return True
    return False


def _in_build_order(pending, problems):
    """Dependencies first, the board before all; what can never be built is left out."""
    ordered = []
    names = []
    boards_only = True
    while pending:
        left = []
        for component in pending:
            if _missing(component, names) or (boards_only and component.api != _BOARD):
                left.append(component)
            else:
                ordered.append(component)
                names.append(component.name)
        if len(left) == len(pending) and not boards_only:
            for component in left:
                name = shown(_missing(component, names))
                message = "depends on %s, which is missing, left out or depends on it" % name
                problems.add(component.path + ".depends_on", message)
            break
        boards_only = False
        pending = left
    return ordered


def _missing(component, names):
    """The first dependency that is not among `names`, or None."""
    for name in component.depends_on:
        if name not in names:
            return name
    return None
