"""SIGTERM ends Snakemake at any moment, where Snakemake's own answer to it may hang forever."""

from __future__ import annotations

import threading
from typing import Any


def end_on_sigterm() -> None:
    """Let Snakemake's answer to SIGTERM not wait for what it interrupts.

    Its handler takes a lock that the interrupted code may hold itself (as of 9.27, ``_lock`` of
    ``JobScheduler``, held while the end of a job is dealt with): then the process waits for itself.
    In a job that is put back into the queue the signal comes just then, as its step ends. In a
    thread of its own the handler waits until the lock is free. To be called before Snakemake makes
    its scheduler; a second call changes nothing.
    """
    from snakemake.scheduling.job_scheduler import JobScheduler

    answer = JobScheduler.exit_gracefully
    if getattr(answer, "in_thread", False):
        return

    def exit_gracefully(scheduler: Any, *signal: Any) -> None:
        threading.Thread(target=answer, args=(scheduler, *signal), daemon=True).start()

    exit_gracefully.in_thread = True  # type: ignore[attr-defined]
    JobScheduler.exit_gracefully = exit_gracefully
