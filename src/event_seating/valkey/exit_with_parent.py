"""Replaces this process with a program that ends when its parent does.

Run as a script by the parent's main thread, with the parent's process id and the program as
arguments. However the parent dies, the program is killed with it: on Linux by the kernel, elsewhere
by a watcher, a process that waits for the end of the pipe on standard input, whose other end the
parent holds.

This needs a process of our own, because between fork and exec only C code may run safely in a
parent that has threads. Imports nothing from the package.
"""

import ctypes
import os
import select
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1

LOOK_FOR_EXIT_EVERY_S: Final = 1.0
"""How often the watcher checks whether the program has ended by itself."""


def main(parent: int, way: str, program: str, *arguments: str) -> None:
    """Become the program; `way` is `kernel` or `watcher`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if way == "kernel":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    elif os.fork() == 0:
        _watch()
        return
    if os.getppid() != parent:
        return  # the parent died before it could be watched
    os.execv(program, [program, *arguments])  # noqa: S606 (the point of it)


def _watch() -> None:
    """Kill the program, which this process was forked from, when the pipe closes."""
    program = os.getppid()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    while os.getppid() == program:
        readable, _, _ = select.select([0], [], [], LOOK_FOR_EXIT_EVERY_S)
        if readable and not os.read(0, 1) and os.getppid() == program:
            os.kill(program, signal.SIGKILL)
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
