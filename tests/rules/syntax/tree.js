// A rule for `deno lint` that reports each module's syntax tree as JSON, and how many comments are in it.
// Places in the text are left out, so that two texts that mean the same have the same tree.

const LEFT_OUT = new Set(["comments", "constructor", "length", "loc", "parent", "range"]);

function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "bigint" || value instanceof RegExp) return String(value);
  if (value === null || typeof value !== "object") return value;
  const fields = value.type ? Object.getOwnPropertyNames(Object.getPrototypeOf(value)) : Object.keys(value);
  return Object.fromEntries(
    fields.filter((name) => !LEFT_OUT.has(name)).map((name) => [name, plain(value[name])]),
  );
}

const tree = {
  create: (context) => ({
    Program(node) {
      context.report({ node, message: JSON.stringify({ comments: node.comments.length, tree: plain(node) }) });
    },
  }),
};

export default { name: "syntax", rules: { tree } };
