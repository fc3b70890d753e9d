// TypeScript for the operations that clients are shown: exact numbers and instants stay strings.
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: ["../../examples/graphql/**/*.graphql"],
  generates: {
    [process.env.GENERATED ?? "generated/graph.ts"]: {
      plugins: ["typescript", "typescript-operations"],
      config: {
        strictScalars: true,
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: {
          Date: "string", DateTime: "string", Decimal: "string", ExactNumber: "string", JSON: "unknown", Long: "string",
        },
      },
    },
  },
};

export default config;
