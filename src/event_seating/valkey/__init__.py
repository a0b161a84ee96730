"""Redis or Valkey: jobs, signals between processes, shared limits. Seats sell without it."""
