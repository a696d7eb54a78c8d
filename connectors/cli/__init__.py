"""The command `ketenhub-connector`."""
