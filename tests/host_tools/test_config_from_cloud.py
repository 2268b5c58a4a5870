"""A config that comes from the cloud as protobuf means the same as the JSON a person wrote."""

import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from viam.gen.app.v1 import robot_pb2

from document_examples import ALL

import host_tools.firmware_path  # noqa: F401  # isort: skip
from microserver.robot.config import parse
from microserver.wire import protobuf
from microserver.wire.messages import app_robot

DEMO = (Path(__file__).resolve().parents[2] / "boards" / "esp32" / "demo.json").read_text()


@pytest.mark.parametrize("text", [*ALL, DEMO])
def test_the_cloud_form_is_read_as_the_json_form(text: str) -> None:
    document = json.loads(text)
    response = robot_pb2.ConfigResponse()
    json_format.ParseDict(document, response.config)
    received = protobuf.decode(app_robot.CONFIG_RESPONSE, response.SerializeToString())["config"]
    assert parse(received) == parse(document)
