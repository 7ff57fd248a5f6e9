"""A Snakemake that is asked to end does end."""

from __future__ import annotations

import subprocess
import sys


def test_snakemake_does_not_wait_for_itself_on_sigterm() -> None:
    script = """if True:
        import faulthandler, os, signal, threading
        from snakemake.scheduling.job_scheduler import JobScheduler
        from sparkle.cluster.ending import end_on_sigterm
        faulthandler.dump_traceback_later(60, exit=True)
        end_on_sigterm(), end_on_sigterm()
        scheduler = object.__new__(JobScheduler)
        scheduler._lock, scheduler._open_jobs = threading.Lock(), threading.Semaphore(0)
        signal.signal(signal.SIGTERM, scheduler.exit_gracefully)
        with scheduler._lock:
            os.kill(os.getpid(), signal.SIGTERM)
        scheduler._open_jobs.acquire()  # the scheduler is woken
        print(scheduler._user_kill)
    """
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.stdout == "graceful\n", run.stderr
