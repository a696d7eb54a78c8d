"""`make run`: the stack, to stay. State is in `var/` beside the software, or in `KETENHUB_HOME`.

It prints addresses and folders, works on what is dropped in an `out/`, starts again what stops by itself, and ends with
Ctrl-C.
"""

import signal
import sys
import threading
from typing import Final

from deploy.local.children import LocalServerError
from deploy.local.processes import StackError
from deploy.local.stack import CANARY, HUB_NAME, ORGANISATIONS, Stack, default_home, running_stack

LOOK_SECONDS: Final = 1.0


def main() -> int:
    """Start the stack and stay until a signal comes."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    home = default_home()
    print(f"Ketenhub: starting in {home} …", flush=True)
    try:
        with running_stack(home, health_rule=True, canary=True) as stack:
            stack.start_canary()
            _print_where(stack)
            while not stop.wait(LOOK_SECONDS):
                _start_what_stopped(stack)
            print("\nStopping …", flush=True)
    except (StackError, LocalServerError) as error:
        print(f"Ketenhub could not start: {error}", file=sys.stderr)
        return 1
    return 0


def _print_where(stack: Stack) -> None:
    print(f"  hub        {stack.url}   ({HUB_NAME}; description: {stack.url}/openapi.json)")
    for organisation in (*ORGANISATIONS, CANARY):
        print(
            f"  {organisation.name:10} {stack.organisation(organisation)}   ({organisation.title}, {organisation.oin})"
        )
    for name, port in stack.apis.items():
        print(f"  API        http://127.0.0.1:{port}   (for systems of {name}; token in its keys/api.token)")
    print(f"  logs       {stack.home / 'logs'}")
    print("Drop a StUF file in a connector's `out/`. Ctrl-C stops everything; the state stays.", flush=True)


def _start_what_stopped(stack: Stack) -> None:
    for process in stack.processes.values():
        if process.pid is None:
            print(f"  {process.name} had stopped and is started again; see {process.log}", flush=True)
            process.start()


if __name__ == "__main__":
    sys.exit(main())
