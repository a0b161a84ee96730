"""Simulated buyers that fill an event of a running server, over HTTP like everybody else."""
