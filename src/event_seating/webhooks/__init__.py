"""Webhooks: subscriptions to what happens to seats, and the deliveries of messages."""
