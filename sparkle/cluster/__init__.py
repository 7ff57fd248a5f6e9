"""Running the workflow so that it survives: frozen code, one driver, jobs found again, status."""
