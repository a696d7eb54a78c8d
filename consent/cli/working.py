"""Work in pieces on every core, with a bar on a terminal: what `prove` and `diff` share."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeVar

_WIDTH: Final = 30

_P = TypeVar("_P")
_R = TypeVar("_R")


def run_pieces(
    pieces: Sequence[_P],
    work: Callable[[_P], _R],
    *,
    start: Callable[..., None],
    start_with: tuple[object, ...],
    processes: int | None = None,
) -> tuple[list[_R], float]:
    """Do every piece, in as many processes as there are cores.

    Args:
        pieces: What there is to do, the longest first.
        work: Does one piece; a function of a module, so that a process finds it.
        start: Called in each process before its first piece.
        start_with: Its arguments.
        processes: How many at once; None is one for each core. With one, no process is started.

    Returns:
        The results in the order of the pieces, and the seconds it took.
    """
    began = monotonic()
    count = min(processes or os.cpu_count() or 1, len(pieces)) or 1
    results: dict[int, _R] = {}
    with _bar(len(pieces)) as bar:
        if count == 1:
            start(*start_with)
            for number, piece in enumerate(pieces):
                results[number] = work(piece)
                bar.step()
        else:
            # A process of its own, not a copy of this one: a copy would hold whatever this one holds open.
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(count, mp_context=context, initializer=start, initargs=start_with) as pool:
                waiting = {pool.submit(work, piece): number for number, piece in enumerate(pieces)}
                for done in as_completed(waiting):
                    results[waiting[done]] = done.result()
                    bar.step()
    return [results[number] for number in range(len(pieces))], monotonic() - began


@dataclass(slots=True)
class _Bar:
    """How far the work is, drawn over itself on a terminal; nothing where there is none."""

    pieces: int
    shown: bool
    done: int = 0

    def step(self) -> None:
        """One more piece is done."""
        self.done += 1
        self.draw()

    def draw(self) -> None:
        if self.shown:
            full = _WIDTH * self.done // max(1, self.pieces)
            line = f"\r[{'#' * full}{'.' * (_WIDTH - full)}] {self.done}/{self.pieces}"
            print(line, end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.shown:
            print("\r" + " " * (_WIDTH + 20) + "\r", end="", file=sys.stderr, flush=True)


@contextmanager
def _bar(pieces: int) -> Iterator[_Bar]:
    bar = _Bar(pieces, shown=sys.stderr.isatty())
    bar.draw()
    try:
        yield bar
    finally:
        bar.clear()
