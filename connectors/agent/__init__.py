"""The agent: folders, journal and schedule around the SDK; it runs as a service at one organisation."""
