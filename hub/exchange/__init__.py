"""The use cases of the hub: accept, release, receipt, join; no network or database but through the ports."""
