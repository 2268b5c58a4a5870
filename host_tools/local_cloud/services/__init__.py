"""One gRPC service per file, independent of the transport that carries it."""
