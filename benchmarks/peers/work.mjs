// The work that both Node services do for `GET /users/:id`, apart from what their frameworks do:
// an LRU with the seed's capacity and TTL over a simulated store, with concurrent misses of one
// id sharing one read, and the two metrics that a request touches. The packages are passed in,
// since each service has its own.

const CACHE_CAPACITY = 1000;
const CACHE_TTL_MS = 60_000;

// The limits are counted and never met: the load must be answered, not refused.
export const WINDOWS = [
  { milliseconds: 10_000, limit: 1_000_000_000 },
  { milliseconds: 60_000, limit: 1_000_000_000 },
];

export const environment = {
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  logDir: process.env.LOG_DIR,
  user: JSON.parse(process.env.BENCH_USER ?? "null"),
  storeLatencyMs: Number(process.env.DB_LATENCY_MS ?? 0),
};

// The one user that the load reads, as the measured service answered it, so that every answer has
// the same bytes; any other id gets a user of the same size.
async function readFromStore(id) {
  await new Promise((resolve) => setTimeout(resolve, environment.storeLatencyMs));
  return { ...environment.user, id };
}

export function makeUsers(LRUCache) {
  const cache = new LRUCache({ max: CACHE_CAPACITY, ttl: CACHE_TTL_MS });
  const underWay = new Map();

  // `[user, "hit"]` at once, or a promise of `[user, "miss"]`.
  return function read(id) {
    const cached = cache.get(id);
    if (cached !== undefined) return [cached, "hit"];
    let flight = underWay.get(id);
    if (flight === undefined) {
      flight = readFromStore(id)
        .then((user) => {
          cache.set(id, user);
          return [user, "miss"];
        })
        .finally(() => underWay.delete(id));
      underWay.set(id, flight);
    }
    return flight;
  };
}

export function makeMetrics(prometheus) {
  prometheus.collectDefaultMetrics();
  const durations = new prometheus.Histogram({
    name: "http_request_duration_seconds",
    help: "Time from request to answer.",
    labelNames: ["method", "route", "status"],
  });
  const lookups = new prometheus.Counter({
    name: "cache_lookups_total",
    help: "Cache lookups by outcome.",
    labelNames: ["outcome"],
  });
  return {
    observe(method, route, status, milliseconds, outcome) {
      durations.observe({ method, route, status }, milliseconds / 1000);
      if (outcome) lookups.inc({ outcome });
    },
    page: () => prometheus.register.metrics(),
  };
}

// The pipe from the benchmark closes when it ends, however it ends; nothing is left behind.
export function endWithParent() {
  process.stdin.on("end", () => process.exit(0)).resume();
  process.on("SIGTERM", () => process.exit(0));
}
