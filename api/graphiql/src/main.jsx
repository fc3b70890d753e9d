import "./workers.js";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import "graphiql/style.css";
import "./page.css";

const WELCOME = `# Everything your organization pays for, as one graph.
#
# Signed in with the browser? The session cookie is used. Otherwise open the
# Headers tab below and add:  { "authorization": "Bearer <token>" }
# The same headers open the WebSocket when you run a subscription.

query Welcome {
  __typename
}
`;

const page = new URL(window.location.href);
const socket = new URL(page.pathname, page);
socket.protocol = page.protocol === "https:" ? "wss:" : "ws:";

const fetcher = createGraphiQLFetcher({
  url: page.pathname,
  subscriptionUrl: socket.href,
  enableIncrementalDelivery: false,
});

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL fetcher={fetcher} defaultQuery={WELCOME} defaultEditorToolsVisibility shouldPersistHeaders={false} />,
);
