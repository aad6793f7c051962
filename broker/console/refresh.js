/**
 * Reads a live page again, every 10 seconds while somebody may look, and puts what changed in the place of what was
 * there. Without it the page is as it was when it was opened.
 */
const INTERVAL_MS = 10_000;
const main = document.querySelector("main");
const state = makeState();

/** Says when the page was read, and lets it be left alone. */
function makeState() {
  const bar = document.createElement("footer");
  bar.className = "refresh";
  const text = document.createElement("span");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Pause";
  button.addEventListener("click", () => {
    button.textContent = button.textContent === "Pause" ? "Go on" : "Pause";
  });
  bar.append(text, button);
  main.after(bar);
  return { text, isPaused: () => button.textContent !== "Pause" };
}

function say(text) {
  state.text.textContent = text;
}

/** Whoever types, or has marked a text, is not disturbed. */
function isBusy() {
  const { activeElement } = document;
  const isTyping = activeElement?.matches("input, select, textarea") === true;
  const selection = document.getSelection();
  return isTyping || (selection !== null && !selection.isCollapsed);
}

async function refresh() {
  if (document.hidden || state.isPaused() || isBusy()) return;
  try {
    const answer = await fetch(location.href, { headers: { "brokkr-refresh": "1" } });
    if (answer.redirected) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) return say(`This is of before: ${page.querySelector("main p")?.textContent ?? answer.status}`);
    show(page);
  } catch {
    say("This is of before: the broker can't be reached. Clusters keep what they have until it is back.");
  }
}

/** Keyboard and scrolled tables stay where they are. */
function show(page) {
  const fresh = page.querySelector("main");
  if (fresh === null || isBusy()) return;
  const focused = placeOf(document.activeElement);
  const scrolled = [...main.querySelectorAll(".scroll")].map(({ scrollLeft, scrollTop }) => ({
    scrollLeft,
    scrollTop,
  }));
  main.replaceChildren(...fresh.childNodes);
  main.querySelectorAll(".scroll").forEach((region, index) => Object.assign(region, scrolled[index]));
  elementAt(focused)?.focus({ preventScroll: true });
  say(`Read at ${new Date().toLocaleTimeString()}`);
}

const FOCUSABLE = "a, button, [tabindex]";

/** A link is found again by where it leads, anything else by its place. */
function placeOf(element) {
  if (element === null || !main.contains(element)) return undefined;
  return { href: element.getAttribute("href"), index: [...main.querySelectorAll(FOCUSABLE)].indexOf(element) };
}

function elementAt(place) {
  if (place === undefined) return undefined;
  const all = [...main.querySelectorAll(FOCUSABLE)];
  return all.find((one) => place.href !== null && one.getAttribute("href") === place.href) ?? all[place.index];
}

say("Read again every 10 seconds");
setInterval(refresh, INTERVAL_MS);
