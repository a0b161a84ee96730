// Fastify doing what the measured service does for `GET /users/:id`: both rate-limit windows, LRU,
// one access line, metrics. Its settings favour it: a compiled serializer, pino's buffered writer
// without rotation, no child logger per request.
import path from "node:path";
import rateLimit from "@fastify/rate-limit";
import Fastify from "fastify";
import { LRUCache } from "lru-cache";
import pino from "pino";
import prometheus from "prom-client";
import { WINDOWS, endWithParent, environment, makeMetrics, makeUsers } from "../work.mjs";
import { userSchema } from "./user-schema.mjs";

const LOG_BUFFER_BYTES = 4096;
const LOG_FLUSH_MS = 1000;

const metrics = makeMetrics(prometheus);
const users = makeUsers(LRUCache);
const log = pino(
  { base: { service: "fastify" }, timestamp: pino.stdTimeFunctions.isoTime },
  pino.destination({
    dest: path.join(environment.logDir, "fastify.log"),
    sync: false,
    minLength: LOG_BUFFER_BYTES,
    periodicFlush: LOG_FLUSH_MS,
  }),
);

const app = Fastify({ logger: false });
app.decorateRequest("cacheOutcome", "");
app.addHook("onResponse", async (request, reply) => {
  const route = request.routeOptions.url ?? "none";
  log.info(
    {
      method: request.method,
      route,
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 1000) / 1000,
      cache: request.cacheOutcome,
    },
    "request",
  );
  const outcome = request.cacheOutcome;
  metrics.observe(request.method, route, reply.statusCode, reply.elapsedTime, outcome);
});

app.get("/health", async () => ({ status: "OK" }));
app.get("/metrics", async (_request, reply) => reply.type("text/plain").send(await metrics.page()));

await app.register(async (limited) => {
  // Registered once a window: within one registration only the first limiter of a request counts.
  for (const { milliseconds, limit } of WINDOWS) {
    await limited.register(rateLimit, {
      max: limit,
      timeWindow: milliseconds,
      enableDraftSpec: true,
    });
  }
  limited.get("/users/:id", { schema: userSchema }, (request, reply) => {
    const read = users(request.params.id);
    if (read instanceof Promise) {
      read.then(([user, outcome]) => {
        request.cacheOutcome = outcome;
        reply.send(user);
      }, (error) => reply.send(error));
      return;
    }
    request.cacheOutcome = read[1];
    reply.send(read[0]);
  });
});

await app.listen({ port: environment.port, host: environment.host });
endWithParent();
