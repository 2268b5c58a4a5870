"""The host side of the micro server: cloud, simulator, checks and deployment."""
