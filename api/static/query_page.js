"use strict";

const form = document.getElementById("request");
const answer = document.getElementById("answer");
const status = document.getElementById("status");

function show(text, note, isFault) {
  answer.textContent = text;
  status.textContent = note;
  status.className = isFault ? "fault" : "";
}

function variables() {
  const text = form.elements.variables.value.trim();
  const value = text === "" ? {} : JSON.parse(text);
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new SyntaxError("variables are one JSON object");
  }
  return value;
}

async function ask() {
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
  const token = form.elements.token.value.trim();
  if (token !== "") {
    headers.authorization = `Bearer ${token}`;
  }
  const body = JSON.stringify({ query: form.elements.query.value, variables: variables() });
  const started = performance.now();
  const response = await fetch("/graphql", { method: "POST", headers, body });
  const content = await response.json();
  const note = `${response.status} in ${Math.round(performance.now() - started)} ms`;
  show(JSON.stringify(content, null, 2), note, !response.ok || "errors" in content);
}

async function run() {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await ask();
  } catch (error) {
    show(String(error.message), "not sent", true);
  } finally {
    button.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});
