"""`api token` and `api openapi`: what a system needs that works with the connector."""

import sys
from pathlib import Path

from connectors.api.openapi import make_openapi
from connectors.api.routes import ROUTES
from connectors.api.token import make_token
from connectors.settings import load_settings
from schemas.randomness import SystemRandomness


def token(home: Path, *, renew: bool) -> None:
    """Make the token where there is none, or another; the token itself is not printed, for output is kept in places."""
    settings = load_settings(home)
    path = make_token(settings.keys, randomness=SystemRandomness(), renew=renew)
    print(f"Het token staat in {path}; geef het aan het systeem dat de API gebruikt, en aan niemand anders.")
    print(f"The token lies in {path}; give it to the system that uses the API, and to nobody else.")
    if settings.api is None:
        print('De API staat uit: zet in connector.toml onder [api] `listen = "127.0.0.1:8490"` en start opnieuw.')
        print('The API is off: put `listen = "127.0.0.1:8490"` under [api] into connector.toml and start again.')


def openapi() -> None:
    """Print the description."""
    sys.stdout.buffer.write(make_openapi(ROUTES) + b"\n")
    sys.stdout.flush()
