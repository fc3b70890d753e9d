// The tabs that the page opens with: operations of the cookbook, filled in for whoever is signed in.
import alerts from "../../../examples/graphql/limit-alerts.graphql";
import alertsAbout from "../../../examples/graphql/limit-alerts.variables.json";
import blocked from "../../../examples/graphql/why-am-i-blocked.graphql";
import blockedAbout from "../../../examples/graphql/why-am-i-blocked.variables.json";
import explained from "../../../examples/graphql/invoice-explained.graphql";
import explainedAbout from "../../../examples/graphql/invoice-explained.variables.json";
import follow from "../../../examples/graphql/follow-everything.graphql";
import followAbout from "../../../examples/graphql/follow-everything.variables.json";
import limit from "../../../examples/graphql/set-spend-limit.graphql";
import limitAbout from "../../../examples/graphql/set-spend-limit.variables.json";
import people from "../../../examples/graphql/members.graphql";
import peopleAbout from "../../../examples/graphql/members.variables.json";
import usage from "../../../examples/graphql/record-usage.graphql";
import usageAbout from "../../../examples/graphql/record-usage.variables.json";
import welcome from "../../../examples/graphql/welcome.graphql";
import welcomeAbout from "../../../examples/graphql/welcome.variables.json";

const GREETING = `# Everything your organization pays for, as one graph.
# Press the round arrow, or Ctrl-Enter, to run this.
#
# Signed in with the browser, you are who you are.
# Otherwise open Headers below and write
#   { "authorization": "Bearer <token>" }
# They open the WebSocket of a subscription, too.

`;
const EXAMPLES = [
  [GREETING + welcome, welcomeAbout], [people, peopleAbout], [explained, explainedAbout], [blocked, blockedAbout],
  [limit, limitAbout], [usage, usageAbout], [follow, followAbout], [alerts, alertsAbout],
];
const WHO = `query PageOpened {
  viewer { memberships { member { id } organization { id slug eventCursor } } }
}`;

/** Return what stands for the placeholders of the cookbook; whoever is not signed in fills them in by hand. */
async function known(address) {
  const fixed = { now: new Date().toISOString() };
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
      body: JSON.stringify({ query: WHO }),
    });
    const own = (await response.json()).data?.viewer?.memberships?.[0];
    if (!own?.organization) return fixed;
    const { id, slug, eventCursor } = own.organization;
    return { ...fixed, slug, organization: id, cursor: eventCursor, member: own.member?.id };
  } catch {
    return fixed; // the page is of use without it
  }
}

function filled(value, name, values) {
  if (Array.isArray(value)) return value.map((each) => filled(each, name, values));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each, key, values)]));
  }
  if (name === "slug") return values.slug ?? value;
  if (value === "$key") return crypto.randomUUID();
  return typeof value === "string" && value.startsWith("$") ? (values[value.slice(1)] ?? value) : value;
}

export async function tabs(address) {
  const values = await known(address);
  return EXAMPLES.map(([text, about]) => ({
    query: text.replace(/^# as: .*\n/m, ""),
    variables: JSON.stringify(filled(about, "", values), null, 2),
  }));
}
