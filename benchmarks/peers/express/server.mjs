// Express with the seed's packages, doing what the measured service does for `GET /users/:id`:
// both rate-limit windows, LRU, one access line, metrics. Its settings favour it: no ETag, no
// `X-Powered-By`, one log file where the measured service writes a file and standard output.
import path from "node:path";
import express from "express";
import { rateLimit } from "express-rate-limit";
import { LRUCache } from "lru-cache";
import prometheus from "prom-client";
import winston from "winston";
import { WINDOWS, endWithParent, environment, makeMetrics, makeUsers } from "../work.mjs";

// Rotated as the seed does; none is deleted, so that the lines can be counted afterwards.
const LOG_FILE_BYTES = 5 * 1024 * 1024;

const metrics = makeMetrics(prometheus);
const users = makeUsers(LRUCache);
const log = winston.createLogger({
  level: "info",
  format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
  defaultMeta: { service: "express" },
  transports: [
    new winston.transports.File({
      filename: path.join(environment.logDir, "express.log"),
      maxsize: LOG_FILE_BYTES,
    }),
  ],
});

const app = express();
app.disable("x-powered-by");
app.disable("etag");

app.use((request, response, next) => {
  const started = performance.now();
  response.on("finish", () => {
    const milliseconds = performance.now() - started;
    const route = request.route?.path ?? "none";
    log.info("request", {
      method: request.method,
      route,
      status: response.statusCode,
      durationMs: Math.round(milliseconds * 1000) / 1000,
      cache: response.locals.cache,
    });
    metrics.observe(request.method, route, response.statusCode, milliseconds, response.locals.cache);
  });
  next();
});

app.get("/health", (_request, response) => response.json({ status: "OK" }));
app.get("/metrics", async (_request, response) => response.type("text").send(await metrics.page()));

for (const { milliseconds, limit } of WINDOWS) {
  app.use(
    rateLimit({ windowMs: milliseconds, limit, standardHeaders: "draft-8", legacyHeaders: false }),
  );
}

app.get("/users/:id", async (request, response) => {
  const read = users(request.params.id);
  const [user, outcome] = read instanceof Promise ? await read : read;
  response.locals.cache = outcome;
  response.json(user);
});

app.listen(environment.port, environment.host);
endWithParent();
