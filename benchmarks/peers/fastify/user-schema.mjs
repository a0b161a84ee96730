// With the shape of the answer known, Fastify compiles its own serializer: its fast way.
const text = { type: "string" };

export const userSchema = {
  response: {
    200: { type: "object", properties: { id: text, name: text, email: text, createdAt: text } },
  },
};
