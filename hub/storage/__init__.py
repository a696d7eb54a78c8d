"""Drivers: what stands behind the ports of `hub.ports`. `hub.bootstrap` alone chooses among them."""
