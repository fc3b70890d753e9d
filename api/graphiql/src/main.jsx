import "./workers.js";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import "graphiql/style.css";
import "./page.css";
import { tabs } from "./tabs.js";

const page = new URL(window.location.href);
const socket = new URL(page.pathname, page);
socket.protocol = page.protocol === "https:" ? "wss:" : "ws:";

const fetcher = createGraphiQLFetcher({
  url: page.pathname,
  subscriptionUrl: socket.href,
  enableIncrementalDelivery: false,
});

const root = createRoot(document.getElementById("graphiql"));
tabs(page.pathname).then((examples) =>
  root.render(
    <GraphiQL fetcher={fetcher} defaultTabs={examples} defaultEditorToolsVisibility shouldPersistHeaders={false} />,
  ),
);
