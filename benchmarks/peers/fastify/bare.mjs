// Fastify with nothing on: a constant answer. What the framework itself costs.
import Fastify from "fastify";
import { endWithParent, environment } from "../work.mjs";
import { userSchema } from "./user-schema.mjs";

const app = Fastify({ logger: false });
app.get("/health", async () => ({ status: "OK" }));
app.get("/users/:id", { schema: userSchema }, (_request, reply) => {
  reply.send(environment.user);
});
await app.listen({ port: environment.port, host: environment.host });
endWithParent();
