// What happens on a page without being asked for: events that bring it up to date, charts, the theme.
"use strict";

const SOON_MS = 250;      // between two renewals after a booking
const STATUS_MS = 2000;   // between two renewals because the worker showed itself
const CHART_MS = 5000;    // between two renewals of a chart

// --- events ---------------------------------------------------------------------------------------------------------

const events = { source: null, timer: null, last: 0 };

function say(words, tone) {
  const live = document.getElementById("live");
  if (live) { live.textContent = words; live.dataset.tone = tone; }
}

function renew(spacing) {
  if (events.timer) return;
  const wait = Math.max(0, events.last + spacing - Date.now());
  events.timer = setTimeout(() => {
    events.timer = null;
    events.last = Date.now();
    document.body.dispatchEvent(new CustomEvent("desk:changed"));
    for (const plot of document.querySelectorAll("[data-chart]")) drawSoon(plot);
  }, wait);
}

function listen() {
  const address = document.body.dataset.events;
  if (!address || events.source || document.hidden) return;
  const source = new EventSource(address);
  events.source = source;
  source.onopen = () => say("● live", "up");
  source.onerror = () => say("○ reconnecting", "down");
  for (const name of ["booked", "control", "request"]) {
    source.addEventListener(name, () => {
      if (events.timer) { clearTimeout(events.timer); events.timer = null; }
      renew(SOON_MS);
    });
  }
  source.addEventListener("status", () => renew(STATUS_MS));
}

function deafen() {
  if (events.source) { events.source.close(); events.source = null; }
  say("○ paused while hidden", "off");
}

// A browser allows few connections to one host: a page that nobody sees holds none.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { deafen(); } else { listen(); renew(0); }
});
window.addEventListener("pagehide", deafen);

// --- charts ---------------------------------------------------------------------------------------------------------

const plots = new Map();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const TONES = { main: "--accent", second: "--dim", up: "--good", down: "--bad" };

// Ticks of time in UTC, as fine as they are apart.
function times(_, ticks, __, ___, apart) {
  return ticks.map((tick) => {
    const text = new Date(tick * 1e3).toISOString();
    return apart < 60 ? text.slice(11, 19) : apart < 86400 ? text.slice(11, 16) + (text.slice(11, 16) === "00:00" ? "\n" + text.slice(0, 10) : "") : text.slice(0, 10);
  });
}

function options(plot, data) {
  const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const unit = plot.dataset.unit;
  return {
    width: plot.clientWidth,
    height: 240,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
    cursor: { points: { size: 6 } },
    axes: [{ ...axis, values: times, space: 70 }, { ...axis, size: 70, values: (_, ticks) => ticks.map((tick) => unit === "$" ? tick.toLocaleString("en", { maximumFractionDigits: 2 }) : tick + unit) }],
    series: [{ label: "time (UTC)", value: (_, at) => at == null ? "–" : new Date(at * 1e3).toISOString().slice(0, 19).replace("T", " ") }].concat(data.series.map((series) => ({
      label: series.label,
      stroke: colour(TONES[series.tone]),
      fill: series.points ? colour(TONES[series.tone]) : undefined,
      width: series.points ? 0 : 2,
      paths: series.points ? () => null : undefined,
      points: series.points ? { show: true, size: 6, fill: colour(TONES[series.tone]) } : { show: data.x.length < 3 },
      value: (_, value) => value == null ? "–" : unit === "$" ? value.toFixed(2) : value + unit,
    }))),
  };
}

async function draw(plot) {
  const known = plots.get(plot) || {};
  plots.set(plot, { ...known, at: Date.now() });
  let data;
  try {
    const answer = await fetch(plot.dataset.chart, { headers: { accept: "application/json" } });
    if (!answer.ok) return;
    data = await answer.json();
  } catch { return; }
  const columns = [data.x, ...data.series.map((series) => series.values)];
  const state = plots.get(plot);
  if (state.chart && state.series === data.series.length) {
    state.chart.setData(columns);
  } else {
    if (state.chart) state.chart.destroy();
    plot.replaceChildren();
    if (!data.x.length) { plot.textContent = "nothing to draw yet"; return; }
    state.chart = new uPlot(options(plot, data), columns, plot);
    state.series = data.series.length;
  }
  plot.dataset.drawn = String(data.x.length);
}

function drawSoon(plot) {
  const state = plots.get(plot);
  if (!state || Date.now() - state.at > CHART_MS) draw(plot);
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

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  const next = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem("tieout-theme", next); } catch { /* it holds for this page then */ }
  redrawAll();
}

// --- start ----------------------------------------------------------------------------------------------------------

// A renewal leaves charts and what somebody opened as they are.
Idiomorph.defaults.callbacks.beforeNodeMorphed = (old) => !(old.nodeType === 1 && old.matches("[data-chart], .spans, details[open]"));

document.getElementById("theme").addEventListener("click", switchTheme);
for (const button of document.querySelectorAll("[data-span]")) button.addEventListener("click", () => chooseSpan(button));
for (const plot of document.querySelectorAll("[data-chart]")) draw(plot);
let resizing = null;
window.addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => { for (const [plot, state] of plots) if (state.chart) state.chart.setSize({ width: plot.clientWidth, height: 240 }); }, 150);
});
listen();
