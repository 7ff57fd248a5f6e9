"""The one exception that users see as a message rather than as a traceback."""

from __future__ import annotations


class SparkleError(Exception):
    """A fault in what the user gave (config, files, command line) or in what surrounds the run.

    ``message`` names the cause with the key, path or value at fault; ``hint`` says what to do.
    The command line prints both as one paragraph and exits with status 2.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)  # both, so that it passes between processes
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message


class Stopped(SparkleError):
    """A step was asked to end (SIGTERM) and did, keeping what it has.

    ``progressed`` says whether it came further than where it began, so that going on makes sense.
    """

    def __init__(self, message: str, *, progressed: bool) -> None:
        super().__init__(message, "Run the same command again: it goes on from there.")
        self.progressed = progressed
