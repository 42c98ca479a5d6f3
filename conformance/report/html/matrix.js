// Filter of the matrix. The page is complete without, unless it is packed.
unpack().then(() => {
const find = selector => document.querySelector(selector);
const tools = find("#tools"), query = find("#q"), level = find("#level"), doc = find("#doc"), differ = find("#differ");
const bodies = [...document.querySelectorAll(".m tbody")];
const rows = [...document.querySelectorAll(".m tr[data-l]")].map(row => ({
  row, body: row.parentElement, text: (row.id + " " + row.firstElementChild.textContent).toLowerCase(),
}));
const apply = () => {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  const bodiesShown = new Set(), documents = new Set();
  let shown = 0;
  for (const {row, body, text} of rows) {
    const fits = (!level.value || row.dataset.l === level.value) && (!doc.value || body.dataset.d === doc.value)
      && (!differ.checked || "x" in row.dataset) && words.every(word => text.includes(word));
    row.hidden = !fits;
    if (fits) { shown++; bodiesShown.add(body); documents.add(body.dataset.d); }
  }
  for (const body of bodies) body.hidden = body.matches(".doc") ? !documents.has(body.dataset.d) : !bodiesShown.has(body);
  find("#shown").textContent = shown === rows.length ? `${rows.length} requirements` : `${shown} of ${rows.length}`;
  find("#nothing").hidden = shown > 0;
  const state = new URLSearchParams();
  if (query.value) state.set("q", query.value);
  if (level.value) state.set("l", level.value);
  if (doc.value) state.set("d", doc.value);
  if (differ.checked) state.set("x", "1");
  return String(state);
};
const change = () => {
  const state = apply();
  history.replaceState(null, "", state ? `#?${state}` : location.pathname + location.search);
};
const follow = () => {
  if (location.hash.slice(0, 2) !== "#?") return;
  const state = new URLSearchParams(location.hash.slice(2));
  query.value = state.get("q") || "";
  level.value = state.get("l") || "";
  doc.value = state.get("d") || "";
  differ.checked = state.has("x");
  apply();
};
tools.hidden = false;
tools.addEventListener("submit", event => event.preventDefault());
for (const control of [query, level, doc, differ]) control.addEventListener("input", change);
addEventListener("hashchange", follow);
apply();
follow();
});
