"""The demo: the whole main job with an outage in the middle, and the account of it."""
