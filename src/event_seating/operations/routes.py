"""The operator's routes: health, the cache, metrics."""

from collections.abc import Callable

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from event_seating.cache.lru import LruCache
from event_seating.clock import Clock
from event_seating.operations.health import Health, Readiness
from event_seating.telemetry.stats import CacheStats
from event_seating.values import rfc3339
from event_seating.web.endpoints import Budget
from event_seating.web.roles import Role
from event_seating.web.routes import Routes
from event_seating.web.schemas import DATE_TIME, TEXT


class HealthBody(BaseModel):
    """The answer of `/health`."""

    status: str
    timestamp: str = Field(json_schema_extra=DATE_TIME)


class DependencyBody(BaseModel):
    """One dependency of `/health/ready`."""

    status: str
    latencyMs: float | None  # noqa: N815 (the API's names are camelCase)


class ReadinessBody(BaseModel):
    """The answer of `/health/ready`."""

    status: str
    timestamp: str = Field(json_schema_extra=DATE_TIME)
    dependencies: dict[str, DependencyBody]


class CacheStatusBody(BaseModel):
    """The answer of `/cache-status`."""

    hits: int
    misses: int
    size: int
    averageResponseTime: float = Field(  # noqa: N815
        description="Mean time of the last 100 lookups in the cache, in milliseconds."
    )
    hitRatio: str = Field(examples=["87.41%"])  # noqa: N815
    totalRequests: int  # noqa: N815
    timestamp: str = Field(json_schema_extra=DATE_TIME)
    evictions: int
    expirations: int
    coalesced: int = Field(description="Misses that joined a read that was under way.")
    capacity: int
    ttl: float = Field(description="Seconds.")


class CacheClearedBody(BaseModel):
    """The answer of `DELETE /cache`."""

    message: str
    entriesRemoved: int  # noqa: N815
    currentSize: int  # noqa: N815


def health_router(health: Health, clock: Clock) -> Routes:
    """Whether the process serves, and whether it is ready."""
    routes = Routes(tags=["operations"])

    @routes.get(
        "/health",
        access=Role.anyone,
        budget=Budget.unlimited,
        operation_id="health",
        summary="Whether the process serves",
    )
    async def read_health() -> HealthBody:
        """`OK` as long as the process answers; asks nothing of its dependencies."""
        return HealthBody(status="OK", timestamp=rfc3339.to_text(clock.now_ms()))

    @routes.get(
        "/health/ready",
        access=Role.anyone,
        budget=Budget.unlimited,
        operation_id="ready",
        summary="Whether to send requests here",
        response_model=ReadinessBody,
        responses={503: {"model": ReadinessBody, "description": "Draining, or no database."}},
    )
    async def read_readiness() -> JSONResponse:
        """Each dependency with its status and latency; `degraded` while jobs wait for Redis."""
        readiness = await health.readiness()
        body = _readiness(readiness, clock.now_ms())
        return JSONResponse(body.model_dump(), 200 if readiness.ready else 503)

    return routes


def cache_router(
    cache: LruCache,
    coalesced: Callable[[], int],
    clear: Callable[[], int],
    clock: Clock,
) -> Routes:
    """The cache of users: its numbers, and emptying it."""
    routes = Routes(tags=["cache"])

    @routes.get(
        "/cache-status",
        access=Role.box_office,
        operation_id="cacheStatus",
        summary="How the cache performs",
    )
    async def read_cache_status() -> CacheStatusBody:
        """Counted since the start; clearing the cache keeps the counts."""
        return _cache_status(cache.stats, coalesced(), clock.now_ms())

    @routes.delete(
        "/cache",
        access=Role.admin,
        operation_id="clearCache",
        summary="Empty the cache",
    )
    async def clear_cache() -> CacheClearedBody:
        """Forget every cached user, in all processes; the number is this one's."""
        removed = clear()
        return CacheClearedBody(
            message="Cache cleared successfully",
            entriesRemoved=removed,
            currentSize=cache.stats.size,
        )

    return routes


def metrics_router(render: Callable[[str], tuple[bytes, str]]) -> Routes:
    """The metrics, for Prometheus."""
    routes = Routes(tags=["operations"])

    @routes.get(
        "/metrics",
        access=Role.admin,
        budget=Budget.unlimited,
        operation_id="metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": TEXT, "application/openmetrics-text": TEXT}}},
    )
    async def read_metrics(request: Request) -> Response:
        """In the text format, or in OpenMetrics when it is asked for."""
        body, content_type = render(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    return routes


def _readiness(readiness: Readiness, now_ms: int) -> ReadinessBody:
    dependencies = {
        name: DependencyBody(
            status="ok" if found.ok else "unavailable",
            latencyMs=None if found.latency_s is None else round(found.latency_s * 1000, 3),
        )
        for name, found in readiness.dependencies.items()
    }
    return ReadinessBody(
        status=readiness.status, timestamp=rfc3339.to_text(now_ms), dependencies=dependencies
    )


def _cache_status(stats: CacheStats, coalesced: int, now_ms: int) -> CacheStatusBody:
    total = stats.hits + stats.misses
    return CacheStatusBody(
        hits=stats.hits,
        misses=stats.misses,
        size=stats.size,
        averageResponseTime=round(stats.average_lookup_ms, 6),
        hitRatio=f"{stats.hits / total if total else 0:.2%}",
        totalRequests=total,
        timestamp=rfc3339.to_text(now_ms),
        evictions=stats.evictions,
        expirations=stats.expirations,
        coalesced=coalesced,
        capacity=stats.capacity,
        ttl=stats.ttl_s,
    )
