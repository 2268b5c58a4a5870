"""The cloud's address as it stands in the credentials: grpc://host:port, https://host[:port]."""

_DEFAULT_PORTS = {"grpc": 80, "http": 80, "https": 443}


def parse(address):
    """(secure, host, port).  `grpc` and `http` mean cleartext HTTP/2, `https` gRPC-Web over TLS.

    Raises ValueError with what to write instead.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "https", address  # as Viam's own credentials without a scheme
    rest = rest.split("/")[0]
    host, _, port = rest.partition(":")
    if scheme not in _DEFAULT_PORTS or not host or (port and not port.isdigit()):
        raise ValueError(
            'app_address "%s": write grpc://HOST:PORT or https://HOST[:PORT]' % address
        )
    return scheme == "https", host, int(port) if port else _DEFAULT_PORTS[scheme]
