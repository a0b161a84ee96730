// Express with nothing on: a constant answer. What the framework itself costs.
import express from "express";
import { endWithParent, environment } from "../work.mjs";

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.get("/health", (_request, response) => response.json({ status: "OK" }));
app.get("/users/:id", (_request, response) => response.json(environment.user));
app.listen(environment.port, environment.host);
endWithParent();
