// Filter, search and permalinks. The page is complete without; only what is packed needs this to be seen.
unpack().then(({groups: packed = []}) => {
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const tools = find("#tools"), query = find("#q"), level = find("#level"), doc = find("#doc");
const sections = all("section.list");
let units = [], chosen = new Set(), active = false;

// One unit is an entry of the list: a case, or the rows of a case that came to the same.
const about = (html, group, element) => ({
  html, group, element, text: null,
  verdict: (/class="v (\w+)"/.exec(html) || [])[1],
  level: (/class="?lv"?>(\w+)/.exec(html) || [])[1],
  doc: (/<\/span> <span>(\w+ \d+)/.exec(html) || [])[1],
  weight: (html.match(/<details class="?case(?! table)[" >]/g) || [1]).length,
});
const textOf = unit => unit.text ??= (unit.element
  ? unit.element.textContent : unit.html.replace(/<[^>]*>/g, " ").replace(/&lt;/g, "<").replace(/&gt;/g, ">")
    .replace(/&#x27;/g, "'").replace(/&quot;/g, '"').replace(/&amp;/g, "&")).toLowerCase();

const fill = (group, entries) => {
  const [summary] = group.children;
  const box = document.createElement("div");
  box.innerHTML = entries.join("");
  group.replaceChildren(summary, ...box.children);
};
const collect = () => {
  for (const section of sections) {
    for (const element of section.children) {
      if (element.matches(".case")) units.push(about(element.outerHTML, null, element));
      else if (element.dataset.p) for (const html of packed[element.dataset.p]) units.push(about(html, element, null));
      else if (element.matches(".group"))
        for (const inner of all(":scope>.case", element)) units.push(about(inner.outerHTML, element, inner));
    }
  }
  for (const unit of units) if (unit.element) unit.html = "";
};

const matches = (unit, words) =>
  (!chosen.size || chosen.has(unit.verdict)) && (!level.value || unit.level === level.value)
  && (!doc.value || unit.doc === doc.value) && words.every(word => textOf(unit).includes(word));

const apply = () => {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  const was = active;
  active = Boolean(words.length || chosen.size || level.value || doc.value);
  const groups = new Map();
  let shown = 0, total = 0;
  for (const unit of units) {
    const fits = !active || matches(unit, words);
    total += unit.weight;
    if (fits) shown += unit.weight;
    if (unit.element) unit.element.hidden = !fits;
    if (unit.group) {
      const kept = groups.get(unit.group) || [];
      if (fits) kept.push(unit);
      groups.set(unit.group, kept);
    }
  }
  for (const [group, kept] of groups) {
    group.hidden = !kept.length;
    if (group.dataset.p) {
      if (active && kept.length) fill(group, kept.map(unit => unit.html));
      else fill(group, []);
      group.dataset.full = "";
    }
    if (active && (words.length || shown <= 60)) group.open = true;
    else if (was) group.open = false;
  }
  for (const section of sections) headings(section);
  find("#nothing").hidden = shown > 0;
  find("#shown").textContent = active ? `${shown} of ${total}` : `${total} results`;
  for (const button of all("#chips button")) button.setAttribute("aria-pressed", chosen.has(button.value));
};
// A heading is hidden with all that stands below it.
const headings = section => {
  let any = false, below = false;
  for (const element of [...section.children].reverse()) {
    if (element.matches(".case,.group")) below ||= !element.hidden, any ||= !element.hidden;
    else if (element.matches("h3")) element.hidden = active && !below, below = false;
    else if (element.matches(".intro")) element.hidden = active;
  }
  section.hidden = active && !any;
};

const remember = () => {
  const state = new URLSearchParams();
  if (query.value) state.set("q", query.value);
  if (chosen.size) state.set("v", [...chosen].join(" "));
  if (level.value) state.set("l", level.value);
  if (doc.value) state.set("d", doc.value);
  history.replaceState(null, "", active ? `#?${state}` : location.pathname + location.search);
};
const change = () => { apply(); remember(); };
const clear = () => { query.value = level.value = doc.value = ""; chosen.clear(); apply(); };

const open = element => {
  const inner = element.matches("details") ? element : element.closest("details");
  for (let at = inner; at; at = at.parentElement.closest("details")) at.open = true;
  element.scrollIntoView({block: element.matches(".body") ? "nearest" : "start"});
  const row = element.matches(".body") ? element.parentElement : element;
  row.scrollIntoView({block: "start"});
};
const follow = () => {
  let name = location.hash.slice(1);
  try { name = decodeURIComponent(name); } catch { return; }
  if (!name) return;
  if (name[0] === "?") {
    const state = new URLSearchParams(location.hash.slice(2));
    query.value = state.get("q") || "";
    level.value = state.get("l") || "";
    doc.value = state.get("d") || "";
    chosen = new Set((state.get("v") || "").split(" ").filter(Boolean));
    return apply();
  }
  let target = document.getElementById(name);
  if (!target) {
    const mark = ` id="${name.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/'/g, "&#x27;")}"`;
    const unit = units.find(unit => unit.group && unit.html.includes(mark));
    if (!unit) return;
    if (active) clear();
    show(unit.group);
    unit.group.open = true;
    target = document.getElementById(name);
  } else if (active && target.closest(".list [hidden],.list[hidden]")) clear();
  if (target) open(target);
};
const show = group => {
  if (!group.dataset.p || active || group.dataset.full) return;
  fill(group, packed[group.dataset.p]);
  group.dataset.full = "1";
};

const start = () => {
  collect();
  const counts = new Map();
  for (const link of all(".counts .count")) {
    const verdict = link.classList[1], button = document.createElement("button");
    button.type = "button";
    button.value = verdict;
    button.textContent = link.textContent.replace(/^\s*[\d,]+\s*/, "");
    button.addEventListener("click", () => { chosen.delete(verdict) || chosen.add(verdict); change(); });
    find("#chips").append(button);
  }
  for (const unit of units) if (unit.doc) counts.set(unit.doc, 1);
  for (const name of [...counts.keys()].sort((a, b) => a.localeCompare(b, "en", {numeric: true}))) doc.add(new Option(name, name));
  tools.hidden = false;
  tools.addEventListener("submit", event => event.preventDefault());
  query.addEventListener("input", change);
  level.addEventListener("change", change);
  doc.addEventListener("change", change);
  addEventListener("hashchange", follow);
  addEventListener("keydown", event => {
    if (event.key === "/" && !event.target.matches("input,select")) { event.preventDefault(); query.focus(); }
    if (event.key === "Escape" && active) { clear(); remember(); }
  });
  document.addEventListener("toggle", event => { if (event.target.open && event.target.matches(".group")) show(event.target); }, true);
  document.addEventListener("click", event => {
    const link = event.target.closest('a[href^="#setup-"]');
    if (!link) return;
    event.preventDefault();
    const there = link.parentElement.nextElementSibling;
    if (there.matches(".copy")) return there.remove();
    const copy = find(link.getAttribute("href")).cloneNode(true);
    copy.removeAttribute("id");
    copy.className = "copy";
    link.parentElement.after(copy);
  });
  apply();
  follow();
};
start();
});
