"""The connector's API for the organisation's own systems: HTTP on this machine, a thin layer over the agent."""
