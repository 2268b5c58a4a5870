"""The simulator's files and servers: sources of packages, flash image, world, SNTP, ROM image."""

import socket
import struct
from pathlib import Path

import pytest

from host_tools.errors import UserError
from host_tools.simulator import flash_file, recorded, rom_image, world
from host_tools.simulator.debian_packages import PackageError, Source, system_source
from host_tools.simulator.sntp_responder import SntpResponder

_HEADER = 8


def _etc(folder: Path, system: str = "debian") -> Path:
    (folder / "os-release").write_text(f'ID={system}\nVERSION_CODENAME="bookworm"\n')
    (folder / "apt/sources.list.d").mkdir(parents=True)
    return folder


def test_the_mirror_is_read_from_deb822_sources(tmp_path: Path) -> None:
    keyring = tmp_path / "ring.gpg"
    keyring.touch()
    (_etc(tmp_path) / "apt/sources.list.d/debian.sources").write_text(
        "Types: deb\nURIs: https://x.test/security\nSuites: bookworm-security\nComponents: main\n"
        "\n# a comment\nTypes: deb deb-src\nURIs: https://x.test/debian\n"
        f"Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: {keyring}\n"
    )
    assert system_source(tmp_path) == Source("https://x.test/debian", keyring)


def test_the_mirror_is_read_from_one_line_sources(tmp_path: Path) -> None:
    keyring = tmp_path / "ring.gpg"
    keyring.touch()
    (_etc(tmp_path) / "apt/sources.list").write_text(
        "# deb https://x.test/old bookworm main\n"
        "deb-src https://x.test/source bookworm main\n"
        f"deb [arch=amd64 signed-by={keyring}] https://x.test/debian bookworm main  # ours\n"
    )
    assert system_source(tmp_path) == Source("https://x.test/debian", keyring)


def test_another_system_or_no_source_is_explained(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no source"):
        system_source(_etc(tmp_path))
    (tmp_path / "os-release").write_text("ID=fedora\n")
    with pytest.raises(PackageError, match="fedora, not Debian"):
        system_source(tmp_path)


def test_the_flash_image_is_erased_but_for_its_table(tmp_path: Path) -> None:
    flash_file.create(tmp_path / "flash.img")
    image = (tmp_path / "flash.img").read_bytes()
    assert len(image) == 4 * 1024 * 1024
    assert image[0x8000:0x8002] == b"\xaa\x50"
    assert set(image[:0x8000]) == {0xFF} and set(image[0x9000:]) == {0xFF}


def test_a_world_without_a_file_is_1_g_on_average_and_a_tmp36_at_25_degrees() -> None:
    content, addresses = world.build(None)
    period_ms, count = struct.unpack_from("<II", content)
    frames = list(struct.iter_unpack("<18h", content[_HEADER:]))
    assert len(frames) == count and period_ms == 20 and addresses == [0x53, 0x68]
    assert abs(sum(frame[2] for frame in frames) / count - 10000) < 100
    assert all(700 < frame[10] < 800 for frame in frames)


def test_a_world_file_sets_levels_and_loses_the_network(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text('{"seconds": 4, "period_ms": 1000, "levels": {"4": 2}, "no_wifi_s": [[1, 3]]}')
    frames = list(struct.iter_unpack("<18h", world.build(path)[0][_HEADER:]))
    assert [frame[7] for frame in frames] == [-55, 0, 0, -55]
    assert [frame[16] for frame in frames] == [16, 0, 16, 0]


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"motoin": "still"}', '{"motion": "flying"}', '{"seconds": "x"}'],
)
def test_a_wrong_world_file_is_a_user_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "world.json"
    path.write_text(text)
    with pytest.raises(UserError):
        world.build(path)


def test_a_recording_in_csv_keeps_its_period_and_values(tmp_path: Path) -> None:
    path = tmp_path / "recording.csv"
    path.write_text("time_s,ax_g,gz_dps,pin34_mv\n0.00,0.5,-12.5,800\n0.05,0.25,1,810\n")
    content, _ = world.build(path)
    assert struct.unpack_from("<II", content) == (50, 2)
    first = struct.unpack_from("<18h", content, _HEADER)
    assert (first[0], first[5], first[10]) == (5000, -1250, 800)


@pytest.mark.parametrize("text", ["", "time_s,ax_g\n0,1\n", "time_s,speed\n0,1\n1,2\n", "a\nb\n"])
def test_a_wrong_recording_is_a_user_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recording.csv"
    path.write_text(text)
    with pytest.raises(UserError):
        world.build(path)


def test_the_recorded_series_is_read_from_its_arff_file() -> None:
    dimensions = [f"{9.80665 * index:.5f},0" for index in range(3)] + ["0,3.14159265"] * 3
    arff = "@attribute x\n@data\n'" + "\\n".join(dimensions) + "',Walking\n"
    first, second = recorded.parse(arff)
    assert first == pytest.approx((0, 1, 3, 0, 0, 0))
    assert second == pytest.approx((0, 0, 1, 180, 180, 180))


def test_sntp_answers_with_the_fraction_and_the_clients_own_stamp() -> None:
    request = bytes([0x23]) + bytes(39) + b"12345678"
    with (
        SntpResponder(lambda: 1_700_000_000_250_000_000) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        client.settimeout(10)
        client.sendto(b"too short", ("127.0.0.1", server.port))
        client.sendto(request, ("127.0.0.1", server.port))
        answer = client.recv(100)
    assert len(answer) == 48 and answer[0] & 7 == 4 and answer[1] == 1
    assert answer[24:32] == b"12345678"
    assert struct.unpack(">II", answer[40:48]) == (1_700_000_000 + 2208988800, 1 << 30)


def test_the_rom_image_holds_its_files_from_an_even_address_on(tmp_path: Path) -> None:
    for size in (0, 1, 100, 200, 20000):
        (tmp_path / "a.mpy").write_bytes(b"x" * size)
        image = rom_image.build({"a.mpy": tmp_path / "a.mpy"})
        assert image.startswith(b"\xd2\xcd\x31") and image.endswith(b"a.mpy\x02" + _counted(size))
        length, start = 0, 3
        while image[start] & 0x80:
            length, start = (length + (image[start] & 0x7F)) << 7, start + 1
        assert length + image[start] == len(image) - start - 1
        assert (start + 1) % 2 == 0


def _counted(size: int) -> bytes:
    groups = bytes([0x80 | size >> 14, 0x80 | size >> 7 & 0x7F, size & 0x7F])
    return groups[2 - (size > 0x7F) - (size > 0x3FFF) :] + b"x" * size
