"""Background jobs: an outbox that is the truth, and BullMQ that runs what is in it."""
