"""From the firmware's sources to what is put on a board."""
