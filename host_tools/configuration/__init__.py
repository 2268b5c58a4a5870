"""Robot configs on the host: the device's own validator, with positions in the user's text."""
