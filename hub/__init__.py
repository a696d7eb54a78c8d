"""The service between participants: it accepts, decides, logs and releases what it cannot read."""
