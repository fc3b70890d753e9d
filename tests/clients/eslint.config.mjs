// The schema by the recommended rules and those of Relay; the operations that clients are shown by theirs.
import { readFileSync } from "node:fs";
import graphqlPlugin from "@graphql-eslint/eslint-plugin";
import { buildSchema, isObjectType } from "graphql";

const schemaPath = new URL("../../schema.graphql", import.meta.url).pathname;
const documents = new URL("../../examples/graphql/*.graphql", import.meta.url).pathname;
const types = Object.values(buildSchema(readFileSync(schemaPath, "utf8")).getTypeMap());

// A value, such as an amount of money or a step of a price, is what it says and has no identity; a thing is a Node.
const values = types.filter((type) => isObjectType(type) && !type.getInterfaces().some(({ name }) => name === "Node"));

const languageOptions = {
  parser: graphqlPlugin.parser,
  parserOptions: { graphQLConfig: { schema: schemaPath, documents: [documents] } },
};
const plugins = { "@graphql-eslint": graphqlPlugin };

export default [
  {
    files: ["**/schema.graphql"],
    languageOptions,
    plugins,
    rules: {
      ...graphqlPlugin.configs["flat/schema-recommended"].rules,
      ...graphqlPlugin.configs["flat/schema-relay"].rules,
      "@graphql-eslint/strict-id-in-types": ["error", { exceptions: { types: values.map(({ name }) => name) } }],
      // Connections offer `nodes` beside `edges`, and a short list that is never paged is a plain list.
      "@graphql-eslint/relay-edge-types": [
        "error", { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
    },
  },
  {
    files: ["**/examples/graphql/**/*.graphql"],
    languageOptions,
    plugins,
    rules: graphqlPlugin.configs["flat/operations-recommended"].rules,
  },
];
