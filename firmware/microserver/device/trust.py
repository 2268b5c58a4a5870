"""Which certificates a TLS connection of this board believes."""

import tls


def verifying_context(certificate_authority):
    """A client context that trusts only `certificate_authority` (DER or PEM bytes)."""
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]
    context.load_verify_locations(certificate_authority)
    return context
