"""Where readings are kept: the interface, and the databases behind it."""
