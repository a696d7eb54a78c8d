"""`make demo`: what happens between organisations, played with real commands and folders, each step shown."""
