"""Who is measured and how each is started. Fairness is decided here and in `peers/`.

One process each, the same answer byte for byte, keep-alive, lines written to files in sibling
directories, limits counted and never met. The service runs twice, since no one mode has everything
on: in development a caller without a key is limited and each line goes to standard output; in
production the caller's key is verified and each line goes to standard output and a rotating file,
but its operator's key has no limits.
"""

import secrets
import sys
from pathlib import Path

from benchmarks import node
from benchmarks.servers import HOST, Contender

OURS_LIMITED = "ours, limited"
OURS_KEYED = "ours, production"
BARE = "granian bare"
EXPRESS = "Express"
FASTIFY = "Fastify"
EXPRESS_BARE = "Express bare"
FASTIFY_BARE = "Fastify bare"

LIMITS_NEVER_MET = "1000000/10s,1000000/60s"
"""The highest that may be set; at the load's share of each minute it is not reached."""


def limited(**settings: str) -> Contender:
    """The service as a first try finds it: no keys, limits by address."""
    environment = {
        "HOST": HOST,
        "APP_ENV": "development",
        "RATE_LIMITS": LIMITS_NEVER_MET,
        **settings,
    }
    return Contender(OURS_LIMITED, (_script(), "serve"), environment, ready_path="/health/ready")


def keyed(**settings: str) -> Contender:
    """The service in production, asked with the operator's key."""
    key = secrets.token_urlsafe(24)
    environment = {
        "HOST": HOST,
        "APP_ENV": "production",
        "ADMIN_API_KEY": key,
        "DRAIN_DELAY_S": "0",
        "RATE_LIMITS": LIMITS_NEVER_MET,
        **settings,
    }
    headers = {"Authorization": f"Bearer {key}"}
    return Contender(
        OURS_KEYED,
        (_script(), "serve"),
        environment,
        headers,
        ready_path="/health/ready",
        prepare=(_script(), "migrate"),
    )


def bare(user: str) -> Contender:
    """A constant answer from the server that the service runs on."""
    command = (sys.executable, str(node.PEERS / "bare.py"))
    return Contender(BARE, command, {"BENCH_USER": user})


def express(user: str, *, constant: bool = False) -> Contender:
    """Express with the seed's packages, or its constant answer."""
    return _peer(EXPRESS_BARE if constant else EXPRESS, "express", user, constant)


def fastify(user: str, *, constant: bool = False) -> Contender:
    """Fastify doing the same work, or its constant answer."""
    return _peer(FASTIFY_BARE if constant else FASTIFY, "fastify", user, constant)


def _peer(name: str, directory: str, user: str, constant: bool) -> Contender:
    found = node.find()
    home = node.install(found, directory)
    command = (found.path, str(home / ("bare.mjs" if constant else "server.mjs")))
    return Contender(name, command, {"BENCH_USER": user, "NODE_ENV": "production"})


def _script() -> str:
    return str(Path(sys.executable).parent / "event-seating")
