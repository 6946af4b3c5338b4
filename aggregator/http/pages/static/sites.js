// Keeps the page of the sites up to date, and sends what its forms say. What a site looks
// like is decided by the service alone: here, rows of a newer page take the place of old ones.

const PAUSE_MS = 2000;
const TICK_MS = 5000;
const FAR = 60 * 86400;

const shown = new Map();
const states = new Map();
let wanted = false;
let fetching = false;

function remember(page) {
  for (const body of page.querySelectorAll("tbody")) {
    shown.set(body.id, [...body.rows].map((row) => row.outerHTML));
  }
}

async function refresh() {
  wanted = true;
  if (fetching) return;
  fetching = true;
  while (wanted) {
    wanted = false;
    await takeOver();
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
  fetching = false;
}

async function takeOver() {
  let text;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    text = await answer.text();
  } catch {
    return; // The stream of events says that the service is away.
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  document.title = page.title;
  document.getElementById("summary").replaceWith(page.getElementById("summary"));
  showLive(page.querySelector("#live time").dateTime);
  const table = document.querySelector("table");
  const ids = [...page.querySelectorAll("tbody")].map((body) => body.id);
  for (const old of [...table.tBodies]) if (!ids.includes(old.id)) old.remove();
  for (const fresh of [...page.querySelectorAll("tbody")]) place(table, fresh);
}

function place(table, fresh) {
  const old = document.getElementById(fresh.id);
  const rows = [...fresh.rows];
  const before = shown.get(fresh.id);
  const html = rows.map((row) => row.outerHTML);
  shown.set(fresh.id, html);
  if (old === null) {
    table.append(fresh);
    return;
  }
  old.className = fresh.className;
  rows.forEach((row, index) => {
    const present = old.rows[index];
    if (before && before[index] === html[index]) return;
    if (isBeingFilledIn(present)) {
      shown.set(fresh.id, before);
      return;
    }
    replaceRow(present, row);
  });
}

function isBeingFilledIn(row) {
  const fields = [...row.querySelectorAll("input")];
  return fields.some((field) => field === document.activeElement || field.value !== field.defaultValue);
}

function replaceRow(present, row) {
  const open = present.querySelector("details")?.open ?? false;
  const focused = present.contains(document.activeElement) ? document.activeElement.id : "";
  present.replaceWith(row);
  const details = row.querySelector("details");
  if (details) details.open = open;
  if (focused) document.getElementById(focused)?.focus();
}

function humane(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const grain = seconds < 3600 ? 1 : seconds < 86400 ? 60 : 3600;
  const whole = Math.round(seconds / grain) * grain;
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0 s";
  const [name, size] = units[first];
  const next = units[first + 1];
  const rest = next ? Math.floor((whole % size) / next[1]) : 0;
  return `${Math.floor(whole / size)} ${name}` + (rest ? ` ${rest} ${next[0]}` : "");
}

function tick() {
  for (const time of document.querySelectorAll("main time")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    if (Math.abs(seconds) > FAR) continue;
    if (time.className === "lasting") time.textContent = `for ${humane(Math.max(0, -seconds))}`;
    else time.textContent = seconds > 0 ? `in ${humane(seconds)}` : `${humane(-seconds)} ago`;
  }
}

function showLive(moment) {
  const time = new Date(moment).toLocaleTimeString();
  const live = document.getElementById("live");
  live.textContent = `Follows what changes; last at ${time}.`;
  live.parentElement.classList.remove("lost");
}

function showLost() {
  const live = document.getElementById("live");
  live.textContent = "The service does not answer; trying again.";
  live.parentElement.classList.add("lost");
}

function tell(sites) {
  const news = [];
  for (const site of sites) {
    const before = states.get(site.name);
    if (before !== undefined && before !== site.state) {
      news.push(`${site.name} is ${site.state.replace("_", " ")}: ${site.why}`);
    }
    states.set(site.name, site.state);
  }
  if (news.length) document.getElementById("news").textContent = news.join(". ");
}

function follow() {
  const source = new EventSource(document.body.dataset.events);
  source.addEventListener("sites", (event) => {
    const changed = JSON.parse(event.data);
    tell(changed.sites);
    showLive(changed.moment);
    refresh();
  });
  source.addEventListener("end", () => {
    source.close();
    follow();
  });
  source.onerror = () => {
    showLost();
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, TICK_MS);
  };
}

async function send(form) {
  const output = form.querySelector("output");
  const button = form.querySelector("button");
  if (button.ariaDisabled === "true") return;
  const fields = Object.fromEntries(new FormData(form));
  output.className = "";
  output.textContent = "Asking ...";
  button.ariaDisabled = "true"; // A disabled one would lose the focus.
  try {
    const answer = await fetch(form.dataset.action, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(fields),
    });
    const document = await answer.json();
    if (!answer.ok) throw new Error(document.detail ?? document.title);
    output.textContent = "Done.";
    form.reset();
    button.focus();
    refresh();
  } catch (error) {
    output.className = "failed";
    output.textContent = error.message;
  } finally {
    button.ariaDisabled = "false";
  }
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target);
});

remember(document);
follow();
setInterval(tick, TICK_MS);
