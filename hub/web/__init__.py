"""The hub's HTTP service: routes, tokens, limits, problems. What a request means is in `hub.exchange`."""
