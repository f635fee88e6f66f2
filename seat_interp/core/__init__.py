"""What every folder stands on: errors, files, settings, progress, processes, environment, and the ledger of work."""
