// Monaco checks JSON and GraphQL off the main thread; its workers are files of ours beside this one.
const FILES = { json: "json.worker.js", graphql: "graphql.worker.js" };

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(`/static/graphiql/${FILES[label] ?? "editor.worker.js"}`),
};
