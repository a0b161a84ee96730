"""Webhooks: who is told what happened to seats, and the telling of it."""
