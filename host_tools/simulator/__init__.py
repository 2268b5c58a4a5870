"""Runs the unchanged firmware on the real MicroPython, with simulated hardware around it."""
