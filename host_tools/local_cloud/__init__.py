"""The local cloud: Viam's app and data services on your own machine."""
