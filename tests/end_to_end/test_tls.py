"""The firmware over gRPC-Web and verified TLS: what a stock image speaks to an https:// cloud."""

import datetime
import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloud_process import CloudProcess, running_cloud
from tests.bench.machine import demo_config, simulate


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed P-256 certificate for localhost and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


def run_over_tls(folder: Path, cloud: CloudProcess, authority: Path) -> dict[str, Any] | None:
    """The report of a machine that reaches `cloud` by https and trusts `authority` only."""
    credentials = cloud.add_machine("tls", demo_config(0.01))
    port = cloud.web.split(":")[1]
    credentials["app_address"] = f"https://localhost:{port}"
    (folder / "viam.json").write_text(json.dumps({"cloud": credentials}))
    (folder / "ca.pem").write_bytes(authority.read_bytes())
    return simulate(folder, "128k", 8)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return make_certificate(tmp_path, "cloud")


def test_readings_arrive_by_grpc_web_over_verified_tls(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    options = ("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    with running_cloud(tmp_path / "cloud", *options) as cloud:
        report = run_over_tls(tmp_path, cloud, certificate[0])
    assert report is not None, (tmp_path / "log").read_text()
    for collector in report["collectors"]:
        assert collector["sync"]["uploaded"] == collector["captured"] > 0, collector


def test_a_certificate_of_another_authority_is_refused_and_nothing_is_lost(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    options = ("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    with running_cloud(tmp_path / "cloud", *options) as cloud:
        other, _ = make_certificate(tmp_path, "other")
        report = run_over_tls(tmp_path, cloud, other)
    log = (tmp_path / "log").read_text()
    assert "not correctly signed by the trusted CA" in log
    assert report is not None
    assert not report["sync"]["connections"] or not report["collectors"]
