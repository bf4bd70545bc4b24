// What happens on a page without being asked for: it is brought up to date, charts are drawn, the theme is switched.
"use strict";

// --- the page is brought up to date ---------------------------------------------------------------------------------

const SOON_MS = 400;       // between two renewals after a booking
const STATUS_MS = 2000;    // between two renewals because the worker showed itself
const IDLE_MS = 10000;     // without any event: whatever tells of events may be gone, and so may the worker
const REFUSED_MS = 5000;   // until events are asked for again after they were refused

const PARTS = ["strip", "pages", "content"];

// What a person or a script set on the page and the server does not know of.
function isKept(name, node) {
  return (name === "open" && node.localName === "details") || (name === "aria-current" && node.closest("#pages") !== null);
}

const MORPH = {
  callbacks: {
    beforeNodeMorphed: (old) => !(old.nodeType === 1 && old.matches("[data-chart], .spans")),
    beforeAttributeUpdated: (name, node) => !isKept(name, node),
  },
};

const renewal = { timer: null, idle: null, due: undefined, last: 0, shown: Date.now(), isRunning: false };

// Renews the page, but not twice within *spacing*; a booking does not wait behind a mere sign of life.
function renewSoon(spacing) {
  if (document.hidden || events.isPaused) return;
  clearTimeout(renewal.timer);
  const due = Math.min(renewal.due ?? Infinity, Math.max(Date.now(), renewal.last + spacing));
  renewal.due = due;
  renewal.timer = setTimeout(renew, Math.max(0, due - Date.now()));
}

async function renew() {
  if (renewal.isRunning) return;  // it asks again at its end, since it is due
  renewal.due = undefined;
  renewal.isRunning = true;
  try {
    const answer = await fetch(document.body.dataset.renew, { headers: { accept: "text/html" } });
    // Sent elsewhere: the session is over, and somebody has to log in.
    if (answer.redirected) { location.reload(); return; }
    if (answer.ok) take(await answer.text());
  } catch { /* the desk is away, which the events say */ }
  renewal.isRunning = false;
  renewal.last = Date.now();
  if (renewal.due) renewSoon(SOON_MS);
  expect();
}

// Without any event for a while the page is renewed all the same.
function expect() {
  clearTimeout(renewal.idle);
  renewal.idle = setTimeout(() => renewSoon(0), IDLE_MS);
}

function take(text) {
  if (events.isPaused) return;
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const id of PARTS) {
    const [here, there] = [document.getElementById(id), fresh.getElementById(id)];
    if (here && there) Idiomorph.morph(here, there, MORPH);
  }
  if (document.getElementById("content")) document.title = fresh.title;
  renewal.shown = Date.now();
  if (live.dataset.tone === "down") say("down", `reconnecting, ${asOf()}`);
  document.body.dataset.renewed = String(Number(document.body.dataset.renewed || 0) + 1);
  drawAll();
}

// --- events tell when -----------------------------------------------------------------------------------------------

const events = { source: null, retry: null, isPaused: false };

const live = document.getElementById("live");
const liveWords = document.getElementById("live-words");

// *words* are read out only when the *tone* changes.
function say(tone, words) {
  if (live.dataset.tone !== tone) liveWords.textContent = words;
  live.dataset.tone = tone;
  live.setAttribute("aria-pressed", String(tone === "paused"));
  live.textContent = words;
}

function asOf() {
  return `as of ${new Date(renewal.shown).toISOString().slice(11, 19)}`;
}

function listen() {
  const address = document.body.dataset.events;
  if (!address || events.source || document.hidden || events.isPaused) return;
  clearTimeout(events.retry);
  const source = new EventSource(address);
  events.source = source;
  // What happened between the page and its first event, or while the desk was away, was told to nobody.
  source.onopen = () => { say("up", "live"); renewSoon(0); };
  source.onerror = () => {
    say("down", `reconnecting, ${asOf()}`);
    if (source.readyState !== EventSource.CLOSED) return;  // the browser tries again by itself
    events.source = null;
    events.retry = setTimeout(listen, REFUSED_MS);
  };
  for (const name of ["booked", "control", "request"]) source.addEventListener(name, () => renewSoon(SOON_MS));
  source.addEventListener("status", () => renewSoon(STATUS_MS));
  expect();
}

function deafen() {
  clearTimeout(events.retry);
  clearTimeout(renewal.timer);
  clearTimeout(renewal.idle);
  renewal.due = undefined;
  if (events.source) { events.source.close(); events.source = null; }
}

function switchLive() {
  events.isPaused = !events.isPaused;
  if (events.isPaused) { deafen(); say("paused", `paused, ${asOf()}`); } else { say("off", "connecting"); listen(); }
}

// A browser allows few connections to one host: a page that nobody sees holds none.
document.addEventListener("visibilitychange", () => { if (document.hidden) { deafen(); } else { listen(); } });
window.addEventListener("pagehide", deafen);
window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });

// --- charts ---------------------------------------------------------------------------------------------------------

const CHART_MS = 5000;  // between two renewals of a chart
const LEGEND_PX = 34;

const plots = new Map();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const TONES = { main: "--accent", second: "--dim", up: "--good", down: "--bad" };

// Ticks of time in UTC, as fine as they are apart.
function times(_, ticks, __, ___, apart) {
  return ticks.map((tick) => {
    const text = new Date(tick * 1e3).toISOString();
    const clock = text.slice(11, 16);
    if (apart < 60) return text.slice(11, 19);
    if (apart >= 86400) return text.slice(0, 10);
    return clock === "00:00" ? `${clock}\n${text.slice(0, 10)}` : clock;
  });
}

// At least a minute; a point alone stands in the middle of it.
function span(chart, low, high) {
  const [first] = chart.data[0];
  if (chart.data[0].length === 1) return [first - 30, first + 30];
  const room = Math.max((60 - (high - low)) / 2, 0);
  return [low - room, high + room];
}

// Some room above and below; at least a fifth of a unit in all.
function height(_, low, high) {
  if (low == null) return [0, 1];
  const room = Math.max((0.2 - (high - low)) / 2, (high - low) * 0.08);
  return [low - room, high + room];
}

function line(series) {
  return { stroke: colour(TONES[series.tone]), width: series.tone === "main" ? 2 : 1.5, dash: series.tone === "second" ? [5, 4] : undefined };
}

function dots(series) {
  const tone = colour(TONES[series.tone]);
  return { stroke: tone, width: 0, paths: () => null, points: { show: true, size: 6, fill: tone } };
}

function options(plot, data) {
  const axis = { stroke: colour("--dim"), font: "12px " + getComputedStyle(document.body).fontFamily, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const unit = plot.dataset.unit;
  const amount = (value) => unit === "$" ? value.toLocaleString("en", { maximumFractionDigits: 2 }) : value + unit;
  const said = (value) => value == null ? "–" : unit === "$" ? value.toFixed(2) : value + unit;
  const moment = (at) => at == null ? "–" : new Date(at * 1e3).toISOString().slice(0, 19).replace("T", " ");
  return {
    ...room(plot),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
    cursor: { points: { size: 6 } },
    scales: { x: { range: span }, y: { range: height } },
    axes: [{ ...axis, values: times, space: 80, size: 36 }, { ...axis, size: 60, values: (_, ticks) => ticks.map(amount) }],
    series: [{ label: "time (UTC)", value: (_, at) => moment(at) }].concat(data.series.map((series) => ({
      label: series.label,
      value: (_, value) => said(value),
      ...(series.points ? dots(series) : { points: { show: data.x.length < 3 }, ...line(series) }),
    }))),
  };
}

// Beneath the chart itself is its legend.
function room(plot) {
  return { width: plot.clientWidth, height: plot.clientHeight - LEGEND_PX };
}

const sizes = new ResizeObserver((changed) => {
  for (const { target } of changed) plots.get(target)?.chart?.setSize(room(target));
});

async function draw(plot) {
  const state = plots.get(plot) || {};
  plots.set(plot, state);
  sizes.observe(plot);
  state.at = Date.now();
  let data;
  try {
    const answer = await fetch(plot.dataset.chart, { headers: { accept: "application/json" } });
    if (!answer.ok) return;
    data = await answer.json();
  } catch { return; }
  const columns = [data.x, ...data.series.map((series) => series.values)];
  if (state.chart && data.x.length) {
    state.chart.setData(columns);
  } else {
    if (state.chart) state.chart.destroy();
    state.chart = null;
    plot.replaceChildren();
    if (data.x.length) { state.chart = new uPlot(options(plot, data), columns, plot); } else { plot.textContent = "nothing to draw yet"; }
  }
  plot.dataset.drawn = String(data.x.length);
}

// Those of the page that were not drawn for a while; those that left it are forgotten.
function drawAll() {
  for (const plot of plots.keys()) if (!plot.isConnected) plots.delete(plot);
  for (const plot of document.querySelectorAll("[data-chart]")) {
    const state = plots.get(plot);
    if (!state || Date.now() - state.at > CHART_MS) draw(plot);
  }
}

function redrawAll() {
  for (const [plot, state] of plots) {
    if (state.chart) { state.chart.destroy(); state.chart = null; }
    draw(plot);
  }
}

function chooseSpan(button) {
  const plot = button.closest(".chart").querySelector("[data-chart]");
  for (const each of button.parentElement.children) each.setAttribute("aria-pressed", String(each === button));
  plot.dataset.chart = plot.dataset.chart.replace(/span=\w+/, "span=" + button.dataset.span);
  draw(plot);
}

// --- theme ----------------------------------------------------------------------------------------------------------

const system = matchMedia("(prefers-color-scheme: dark)");

function switchTheme() {
  const chosen = document.documentElement.dataset.theme;
  const next = (chosen ? chosen === "dark" : system.matches) ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem("tieout-theme", next); } catch { /* it holds for this page then */ }
  redrawAll();
}

system.addEventListener("change", redrawAll);

// --- start ----------------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "theme") switchTheme();
  if (button.id === "live") switchLive();
  if (button.dataset.span) chooseSpan(button);
});
drawAll();
listen();
