"""Accounts: who may book."""
